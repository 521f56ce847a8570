"""Board and agent core over a line of limited rate, in virtual time, with a truth that only the world knows.

The board is the firmware's core, the agent its core; both wake late by seeded amounts, as processes do. The line
carries 100 Hz of joint states up and 100 Hz of commands down beside the time exchanges.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from pathlib import Path

from takt.contract.generated.messages import Header, Time, Twist, TwistStamped, Vector3
from takt.line_simulator.faults import FaultyStream
from takt.line_simulator.wire import Wire
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation.board import Board

MS = 1_000_000
S = 1_000_000_000
ROS_START_NS = 1_700_000_000 * S
BOARD_START_NS = 3 * S
_POLL_NS = 1 * MS
_PERIOD_NS = 10 * MS
_AGENT_RUN_NS = 20 * MS
_REQUEST_BYTES, _REPLY_BYTES = 23, 39  # frames of a time exchange, unescaped
_STALL_CHANCE = 0.002  # of a wake-up that comes up to 5 ms late


@dataclass(frozen=True)
class Reading:
    """The board's clock at one moment. Times in ns; ``error_ns`` is clock minus truth, 0 while not locked."""

    at_ns: int
    locked: bool
    error_ns: int
    bound_ns: int
    epoch: int
    shown_ns: int


class ClockWorld:
    """``drift_ppm``: how much faster the board's clock runs than ROS time."""

    def __init__(self, library: Path, *, seed: int, baud: int, drift_ppm: float) -> None:
        self._rng = random.Random(seed)
        self._drift = 1.0 + drift_ppm * 1e-6
        self.now_ns = 0
        self.ros_step_ns = 0
        self.ros = MemoryRos()
        self.agent = AgentCore(self.ros)
        self.board = Board(library, now_ns=BOARD_START_NS)
        self.up = Wire(FaultyStream(seed, "up"), baud=baud)
        self.down = Wire(FaultyStream(seed, "down"), baud=baud)
        self.readings: list[Reading] = []
        self._poll_ns = 0
        self._board_wake_ns: int | None = None
        self._agent_wake_ns: int | None = None
        self._agent_run_ns = 0
        self._traffic_ns = self._rng.randrange(_PERIOD_NS)
        self._release_ns = self.board.next_release()
        self._count = 0
        self.step_sign = 1
        self.drift_limit = 0.0  # of the contract, as a ratio

    @property
    def min_round_trip_ns(self) -> int:
        """Of a time exchange with nothing in its way: both frames' time on the line."""
        per_byte_ns = 10 * S // self.up.baud
        return (_REQUEST_BYTES + _REPLY_BYTES) * per_byte_ns

    @property
    def ros_ns(self) -> int:
        """The truth."""
        return ROS_START_NS + self.ros_step_ns + self.now_ns

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        end_ns = self.now_ns + int(seconds * S)
        while self.now_ns < end_ns:
            self._note_arrivals()
            self.now_ns = max(self._next_ns(), self.now_ns)
            self._step()

    def _next_ns(self) -> int:
        release_ns = int((self._release_ns - BOARD_START_NS) / self._drift) + 1
        due = [self._poll_ns + _POLL_NS, self._agent_run_ns + _AGENT_RUN_NS, self._traffic_ns, release_ns]
        due += [wake for wake in (self._board_wake_ns, self._agent_wake_ns) if wake is not None]
        return min(due)

    def _note_arrivals(self) -> None:
        """A first byte that comes wakes its receiver a little later."""
        if self._agent_wake_ns is None and (at_ns := self.up.next_ns(self.now_ns)) is not None:
            self._agent_wake_ns = at_ns + self._lateness_ns(40_000)
        if self._board_wake_ns is None and (at_ns := self.down.next_ns(self.now_ns)) is not None:
            self._board_wake_ns = at_ns + self._lateness_ns(15_000)

    def _lateness_ns(self, typical_ns: int) -> int:
        """Of a wake-up: typical and half as much again, with a rare stall."""
        if self._rng.random() < _STALL_CHANCE:
            return int(self._rng.uniform(0.5, 5.0) * MS)
        return int(typical_ns * (0.5 + self._rng.expovariate(1.0)))

    def _step(self) -> None:
        self.board.now_ns = BOARD_START_NS + int(self.now_ns * self._drift)
        if self.board.now_ns >= self._release_ns:
            self._count += 1
            self.board.set_encoders((self._count, -self._count), self.now_ns)
            self.board.control_cycle(self._release_ns)
            self._release_ns = self.board.next_release()
            self._read()
        if self.now_ns >= self._traffic_ns:
            self._traffic_ns += _PERIOD_NS
            self._command()
            self._serve_agent()
        if self._agent_wake_ns is not None and self.now_ns >= self._agent_wake_ns:
            self._agent_wake_ns = None
            self._serve_agent()
        elif self.now_ns >= self._agent_run_ns + _AGENT_RUN_NS:
            self._serve_agent()
        woken = self._board_wake_ns is not None and self.now_ns >= self._board_wake_ns
        if woken or self.now_ns >= self._poll_ns + _POLL_NS:
            self._board_wake_ns = None
            self._serve_board()

    def _command(self) -> None:
        sec, nanosec = divmod(self.ros_ns, S)
        zero = Vector3(0.0, 0.0, 0.0)
        command = TwistStamped(Header(Time(sec, nanosec), "base_link"), Twist(zero, zero))
        self.ros.deliver("rt/cmd_vel", command.to_cdr())

    def _serve_agent(self) -> None:
        """Take what has come, then answer: the work between the two stamps takes its time."""
        self._agent_run_ns = self.now_ns
        self.ros.clock_ns = self.ros_ns
        data = self.up.read(self.now_ns)
        if data:
            self.agent.receive(data, self.now_ns)
            self.ros.log.clear()
        self.agent.run(self.now_ns)
        takes_ns = int(60_000 * (0.7 + self._rng.expovariate(2.0)))
        self.ros.clock_ns = self.ros_ns + takes_ns
        answer = self.agent.transmit()
        if answer:
            self.down.write(answer, self.now_ns + takes_ns + self._rng.randrange(20_000))

    def _serve_board(self) -> None:
        self._poll_ns = self.now_ns
        data = self.down.read(self.now_ns)
        if data:
            self.board.feed_link(data)
        self.board.link_poll()
        said = self.board.take_link()
        if said:
            self.up.write(said, self.now_ns)

    def _read(self) -> None:
        state = self.board.state
        shown_ns = self.board.now_ns + state.ros_offset_ns if state.clock_locked else 0
        true_ns = ROS_START_NS + self.ros_step_ns + int((self.board.now_ns - BOARD_START_NS) / self._drift)
        error_ns = shown_ns - true_ns if state.clock_locked else 0
        bound_ns = state.clock_bound_ns
        self.readings.append(
            Reading(self.now_ns, state.clock_locked, error_ns, bound_ns, state.clock_epoch, shown_ns)
        )
