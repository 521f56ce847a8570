"""A demo run whose misses and journeys are watched from outside, and that can be troubled on order."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

import takt.contract
from takt.deadline_bench.clock_step import SteppedClock
from takt.deadline_bench.score import Seen
from takt.deadlines import Journey
from takt.demo import options as demo_options
from takt.frames.segment import SHM
from takt.nodes.demo import Run
from takt.nodes.trouble import RosHands
from takt.trouble.day import Day
from takt.trouble.hands import Hands
from takt.twin.episode import Episode, LineQuality

_POLL_S = 0.005
_READY_S = 0.3  # well for so long
_READY_LIMIT_S = 12.0
_LINE = LineQuality(latency_ms=0.0)


class DeadlineRun(Run):
    """``start``, ``wait_until_armed`` and ``end`` are the demo's. ``journeys`` holds (ROS ns heard, journey)."""

    def __init__(self, run_dir: Path, seconds: float, clock: SteppedClock, page_port: int = 0) -> None:
        """``page_port``: the dashboard runs too, and serves there."""
        given = ["--no-record", "--run-dir", str(run_dir), "--seconds", str(seconds)]
        given += ["--port", str(page_port)] if page_port else ["--headless"]
        episode = Episode(name="deadlines", seed=1, seconds=seconds, line=_LINE, board_drift_ppm=0.0)
        super().__init__(replace(demo_options.parse(given), day=Day(episode)))
        self.clock, self.run_dir = clock, run_dir
        self.seen: list[Seen] = []
        self.journeys: list[tuple[int, Journey]] = []
        self.slowed: list[tuple[int, list[str]]] = []  # each change of what soft work is slowed, and when
        self._tail = b""
        self._read = 0

    def start(self) -> None:
        super().start()
        referee = self._referee
        assert referee is not None and self._ends is not None
        self.ros = RosHands(referee)
        self.hands = Hands(self.run_dir, self._pids, self.ros, self._ends.cut_power, _LINE)
        self._planner = referee.create_client(SetParameters, "planner/set_parameters")
        topic = takt.contract.load().host_topics["journeys"]
        newest = QoSProfile(depth=topic.depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        referee.create_subscription(String, topic.ros_name, self._on_journey, newest)
        relief = takt.contract.load().host_topics["relief"].ros_name
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        referee.create_subscription(String, relief, self._on_relief, latched)

    @property
    def reference_loop(self) -> Path:
        """The bare C loop's program."""
        return self._options.reference_loop

    def outbox_files(self) -> list[Path]:
        """Where the nodes keep their misses until they are on disk."""
        return sorted(SHM.glob(f"{self._name}_camera.misses.*"))

    @property
    def ros_ns(self) -> int:
        """The run's ROS time."""
        return time.time_ns() + self.clock.offset_ns

    @property
    def diagnostics(self) -> dict[str, dict[str, str]]:
        """The newest statuses by name."""
        assert self._referee is not None
        return self._referee.diagnostics

    def rehearse(self, order: str) -> None:
        """Trouble inside the planner's own process; see takt.nodes.rehearsal."""
        value = ParameterValue(type=ParameterType.PARAMETER_STRING, string_value=order)
        request = SetParameters.Request(parameters=[Parameter(name="rehearse", value=value)])
        self._planner.call_async(request)

    def watch_for(self, seconds: float) -> None:
        """Let the run go on, reading its ledger as it grows."""
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            self._spin(_POLL_S)
            self._keep_up()
            self.ros.step(time.monotonic_ns())
            self._read_ledger()

    def wait_until_well(self) -> bool:
        """Until host and board stand on NOMINAL for a while; False when that does not come."""
        assert self._referee is not None
        end_s, well_since_s = time.monotonic() + _READY_LIMIT_S, float("inf")
        while (now_s := time.monotonic()) < end_s:
            board = self._referee.board
            well = self._referee.rung == "NOMINAL" and board.armed and board.rung.name == "NOMINAL"
            well_since_s = min(well_since_s, now_s) if well else float("inf")
            if now_s - well_since_s >= _READY_S:
                return True
            self.watch_for(0.02)
        return False

    def wait_until_relieved(self, limit_s: float) -> None:
        """Until no soft work is slowed any more, or the time is over."""
        end_s = time.monotonic() + limit_s
        while self.slowed and self.slowed[-1][1] and time.monotonic() < end_s:
            self.watch_for(0.1)

    def wait_until_drained(self, limit_s: float) -> bool:
        """Until every node's misses are on disk and it has told how many there were; False when that does not come."""
        end_s = time.monotonic() + limit_s
        while time.monotonic() < end_s:
            self.watch_for(1.2)  # a status a second
            files = [path.read_text().splitlines() for path in self.outbox_files()]
            if all(_all_confirmed([json.loads(line) for line in lines]) for lines in files):
                return True
        return False

    def _show_page(self) -> None:
        """Nobody's browser: the bench has a viewer of its own."""

    def _on_journey(self, message: String) -> None:
        self.journeys.append((self.ros_ns, Journey.from_json(message.data)))

    def _on_relief(self, message: String) -> None:
        self.slowed.append((self.ros_ns, json.loads(message.data)["slowed"]))

    def _read_ledger(self) -> None:
        path = self.run_dir / "ledger.jsonl"
        if not path.exists() or path.stat().st_size <= self._read:
            return
        with path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        self._read += len(new)
        *lines, self._tail = (self._tail + new).split(b"\n")
        now_ns = self.ros_ns
        self.seen += [Seen(json.loads(line), now_ns) for line in lines]


def _all_confirmed(rows: list[dict[str, int]]) -> bool:
    confirmed: dict[int, int] = {}
    for row in rows:
        if "confirmed_epoch" in row:
            epoch = row["confirmed_epoch"]
            confirmed[epoch] = max(confirmed.get(epoch, 0), row["confirmed"])
    return all(row["sequence"] <= confirmed.get(row["epoch"], 0) for row in rows if "sequence" in row)
