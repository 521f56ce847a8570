"""The whole robot on a virtual clock: body, line, agent, perception, planner, supervisor, and what goes wrong.

What ships is what runs: the C core with its client, the agent core, the planner, the ladder, the arming policy, the
ledger file, MuJoCo's plant. What is modelled is the host's processes (their times, their deaths) and, unless the real
camera and detector are asked for, what the detector sees. Nothing here reads a clock or starts a thread.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from takt.contract import Contract
from takt.contract.generated.messages import SetBool_Response
from takt.deadlines import Rung
from takt.line_simulator.faults import FaultyStream, Rates
from takt.line_simulator.wire import Wire
from takt.simulation.board import MISS_CAUSES
from takt.simulation.plant import Plant
from takt.simulation.scenario import Scenario
from takt.supervision.ledger_file import Record, board_record
from takt.twin.body import A_BOARD, BoardTraits, Body
from takt.twin.episode import MS, ROS_START_NS, SECOND, STEP_NS, Episode
from takt.twin.eye import Boxes, GeometricEye
from takt.twin.messenger import Messenger
from takt.twin.perceiver import Perceiver
from takt.twin.pilot import LOOK_NS, Planner, Supervisor
from takt.twin.stage import stage_of

_ROW = struct.Struct("<q2f2f2d3d2dI3B")
_UART_BYTES = 2048
_SUPERVISION_NS = 10 * MS  # the grid of acknowledgements; the supervisor itself ticks on its own
_OPERATOR_WAITS_NS = SECOND
_OPERATOR_EVERY_NS = SECOND
Look = Callable[[], Boxes]


class World:
    """One robot in one episode. ``step`` moves time by a millisecond; ``rows`` holds every control cycle."""

    def __init__(
        self,
        library: Path,
        contract: Contract,
        episode: Episode,
        make_eye: Callable[[Plant, np.random.Generator], Look] | None = None,
        traits: BoardTraits = A_BOARD,
    ) -> None:
        self.contract, self.episode = contract, episode
        self.now_ns = 0
        self.clock_stepped_ns = -SECOND
        self.clock_offset_ns = 0  # how far the host's clock was set away from true time
        self.scenario: Scenario = stage_of(episode, contract)
        self._plant = Plant(self.scenario, contract)
        self.body = Body(library, contract, self._plant, episode.board_drift_ppm, traits)
        self.up, self.down = (Wire(FaultyStream(episode.seed, way)) for way in ("up", "down"))
        self.mend_line()
        eye_rng, host_rng = (np.random.default_rng([episode.seed, part]) for part in (1, 2))
        self._look = (
            make_eye(self._plant, eye_rng)
            if make_eye
            else GeometricEye(self._plant.scene, contract.robot, episode.sight, eye_rng).look
        )
        self.perceiver = Perceiver(contract, episode.sight, self._see, host_rng)
        self.planner = Planner(contract)
        self.supervisor = Supervisor(contract, episode.rearm, self._call_arm)
        self.messenger = Messenger(
            contract, self._hear_joints, self._hear_status, self._hear_miss, self._armed
        )
        self.first_armed_ns: int | None = None
        self.command_stamp_ns = 0  # of the newest one that was sent towards the board
        self.command_sent_ns = 0
        self.intruder: bytes | None = None  # a command of somebody else, sent at 50 Hz
        self.commands_sent = self.arm_calls = 0
        self.stop_asked = self.stop_taken = False
        self.rows: list[bytes] = []
        self.watchers: list[Callable[[World, bool], None]] = []
        self._operator_ns = 0
        self._hash = hashlib.sha256(repr(episode).encode())
        self.messenger.log = self._hash.update

    # ------------------------------------------------------------------- time

    @property
    def ros_ns(self) -> int:
        """What the host's clock shows."""
        return ROS_START_NS + self.now_ns + self.clock_offset_ns

    @property
    def since_armed_s(self) -> float:
        """Seconds since the first arming; negative before."""
        return -1.0 if self.first_armed_ns is None else (self.now_ns - self.first_armed_ns) / SECOND

    @property
    def log_hash(self) -> str:
        return self._hash.hexdigest()

    @property
    def plant(self) -> Plant:
        """The plant as it is now: physics is done in one go when somebody looks, since nothing from outside reaches it
        between two control cycles."""
        self._plant.advance_to(self.now_ns)
        return self._plant

    def close(self) -> None:
        self.supervisor.close()

    def step(self) -> None:
        """A millisecond of everything; of each part only where it may be its turn."""
        now_ns = self.now_ns = self.now_ns + STEP_NS
        ros_ns = self.messenger.ros.clock_ns = ROS_START_NS + now_ns + self.clock_offset_ns
        cycled = self.body.advance(now_ns)
        self.perceiver.advance(now_ns, ros_ns)
        if now_ns % LOOK_NS == 0:
            self._plan(now_ns, ros_ns)
        if now_ns % _SUPERVISION_NS == 0:
            self._supervise(now_ns, ros_ns)
        self._carry(now_ns)
        if cycled:
            self._note_cycle()
        for watcher in self.watchers:
            watcher(self, cycled)

    def _carry(self, now_ns: int) -> None:
        """The line's bytes, each way. An end whose wire is full waits with what it has, as a UART's driver does."""
        up, down = self.up, self.down
        sent = self.messenger.exchange(up.read(now_ns) if now_ns >= up.due_ns else b"", now_ns)
        if sent and down.waiting < _UART_BYTES:
            down.write(sent, now_ns)
        arrived = down.read(now_ns) if now_ns >= down.due_ns else b""
        sent = self.body.poll_link(arrived, now_ns, up.waiting < _UART_BYTES)
        if sent:
            up.write(sent, now_ns)

    def mend_line(self) -> None:
        """Both wires as the episode gave them."""
        line = self.episode.line
        for wire in (self.up, self.down):
            wire.mend()
            wire.baud, wire.delay_ns = line.baud, round(line.latency_ms * MS)
            wire.faults.rates = Rates(line.drop_rate, line.flip_rate, line.duplicate_rate)

    def step_clock(self, by_ns: int) -> None:
        """Somebody sets the host's clock."""
        self.clock_offset_ns += by_ns
        self.clock_stepped_ns = self.now_ns

    # ------------------------------------------------------------------- host

    def _plan(self, now_ns: int, ros_ns: int) -> None:
        command = self.planner.advance(self.perceiver.newest(), now_ns, ros_ns)
        if command is not None:
            self.commands_sent += 1
            self.command_stamp_ns, self.command_sent_ns = command.stamp_ns, now_ns
            self.messenger.publish_command(command)
        if self.intruder is not None and now_ns % (20 * MS) == 0:
            self.messenger.publish_raw_command(self.intruder)

    def _supervise(self, now_ns: int, ros_ns: int) -> None:
        supervisor = self.supervisor
        if self.stop_asked and not self.stop_taken and supervisor.process.runs(now_ns):
            supervisor.stop()
            self.stop_taken = True
        told = supervisor.advance(
            self.perceiver.perception_age_ms(ros_ns), self._nodes_active(now_ns), now_ns
        )
        if told is not None:
            if self.planner.process.runs(now_ns):
                self.planner.hear_rung(told[0], now_ns)
            self.messenger.hear_rung(told[0])
        if supervisor.process.runs(now_ns):
            identity = supervisor.acknowledgement(now_ns)
            if identity is not None:
                self.messenger.acknowledge(identity)
        if self.episode.operator:
            self._operate(now_ns)

    def _nodes_active(self, now_ns: int) -> bool:
        processes = (self.perceiver.camera, self.perceiver.detector, self.planner.process)
        return not any(process.is_dead(now_ns) for process in processes)

    def _operate(self, now_ns: int) -> None:
        """A person, once all is quiet: takes STOP back, clears what latched, arms."""
        quiet_s = self.since_armed_s - self.episode.faults_end_s
        if not self.supervisor.process.runs(now_ns):
            return
        if quiet_s < _OPERATOR_WAITS_NS / SECOND or now_ns - self._operator_ns < _OPERATOR_EVERY_NS:
            return
        view = self.body.board.view
        if view.armed and not self.stop_asked:
            return
        self._operator_ns = now_ns
        if self.stop_asked:
            self.resume()
        if view.fault:
            self.messenger.call_clear_fault()
        elif self.supervisor.watch.ladder.rung is Rung.SAFE:
            self._call_arm(True)

    def stop(self) -> None:
        """Somebody presses STOP on the page, which asks the board at once and the supervisor until it has answered."""
        self.stop_asked, self.stop_taken = True, False
        self._call_arm(False)

    def resume(self) -> None:
        """A person takes STOP back."""
        self.stop_asked = self.stop_taken = False
        self.supervisor.resume()

    def _see(self) -> Boxes:
        """What the camera takes a picture of."""
        self._plant.advance_to(self.now_ns)
        return self._look()

    # -------------------------------------------------------------- the board

    def _call_arm(self, arm: bool) -> None:
        self.arm_calls += arm
        self.messenger.call_arm(arm)

    def ledger_by_cause(self) -> dict[str, int]:
        """The misses in the host's file, by cause; a gap record counts for all that it stands for."""
        counts = dict.fromkeys(MISS_CAUSES, 0)
        for record in self.ledger_records():
            if record["cause"] in counts:
                counts[record["cause"]] += 1
            else:
                for cause in MISS_CAUSES:
                    counts[cause] += int(record.get(cause, 0))
        return counts

    def ledger_records(self) -> list[Record]:
        """The board's records in the host's file."""
        lines = self.supervisor.ledger_path.read_text().splitlines()
        return [record for line in lines if (record := board_record(json.loads(line))) is not None]

    def _armed(self, arm: bool, answer: SetBool_Response) -> None:
        if self.supervisor.process.runs(self.now_ns):
            self.supervisor.watch.answered(arm, answer.success, self.now_ns)

    def _hear_joints(self, left_rad: float, right_rad: float, stamp_ns: int) -> None:
        if self.planner.process.runs(self.now_ns):
            self.planner.hear_joints(left_rad, right_rad, stamp_ns)
        if self.supervisor.process.runs(self.now_ns):
            self.supervisor.watch.hear_joints(self.now_ns)

    def _hear_status(self, hardware_id: str, name: str, values: Mapping[str, str]) -> None:
        if self.supervisor.process.runs(self.now_ns):
            self.supervisor.watch.learn(hardware_id, name, False, "", values, self.now_ns)

    def _hear_miss(self, record: Mapping[str, str]) -> None:
        if self.supervisor.process.runs(self.now_ns):
            self.supervisor.hear_misses(record)

    def _note_cycle(self) -> None:
        """One row of the log: duty, setpoint, wheel speeds, robot pose, target, and on which rung."""
        view, plant = self.body.board.view, self._plant  # which the cycle has just moved
        if self.first_armed_ns is None and view.armed:
            self.first_armed_ns = self.perceiver.counts_from_ns = self.now_ns
        pose, (target_x_m, target_y_m) = plant.robot_pose(), plant.target_m()
        row = _ROW.pack(
            self.now_ns,
            *view.duty,
            *view.setpoint_rad_s,
            *plant.wheel_speed_rad_s(),
            pose.x_m,
            pose.y_m,
            pose.yaw_rad,
            target_x_m,
            target_y_m,
            plant.touched,
            view.rung,
            view.armed,
            self.supervisor.watch.ladder.rung,
        )
        self.rows.append(row)
        self._hash.update(row)


def table(rows: list[bytes]) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """The log's rows as a structured array."""
    return np.frombuffer(b"".join(rows), _DTYPE)


_DTYPE = np.dtype(
    [
        ("time_ns", "<i8"),
        ("duty", "<f4", 2),
        ("setpoint_rad_s", "<f4", 2),
        ("wheel_speed_rad_s", "<f8", 2),
        ("robot_x_m", "<f8"),
        ("robot_y_m", "<f8"),
        ("robot_yaw_rad", "<f8"),
        ("target_x_m", "<f8"),
        ("target_y_m", "<f8"),
        ("touched", "<u4"),
        ("rung", "u1"),
        ("armed", "u1"),
        ("host_rung", "u1"),
    ]
)
assert _DTYPE.itemsize == _ROW.size
