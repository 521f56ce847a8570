"""A board in memory with the project's own agent core at the other end of its line, in virtual time: `Rig`."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, TypeVar

from takt.contract.cdr import Message
from takt.contract.generated import messages
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation.board import Board

MS = 1_000_000
PERIOD = 10 * MS
ROS_START_NS = 1_700_000_000_000_000_000
COUNTS_PER_RAD = 4096 / (2 * math.pi)

M = TypeVar("M", bound=Message)


class Rig:
    """Steps of 1 ms: link poll and agent each step, encoder sample every 2 ms, control cycle every 10 ms.

    While the driver is on the wheels turn as the setpoint says; a driver that switches
    off stops them, and then they turn as ``wheel_rad_s`` says. ``command``
    is sent every 20 ms while set: (speed, yaw rate); its stamp is ``age_ms`` old and, as a camera's, changes only
    every 40 ms.
    """

    def __init__(self, library: Path, **board: Any) -> None:
        self.library = library
        self.board = Board(library, **board)
        self.ros = MemoryRos()
        self.agent: AgentCore | None = AgentCore(self.ros)
        self.now_ns = 0
        self.board_from_ns = 0  # board time began here
        self.wheel_rad_s = [0.0, 0.0]
        self.turned_rad = [0.0, 0.0]
        self.sampling = True
        self.driver_on = False
        self.e_stop = self.motor_fault = False
        self.command: tuple[float, float] | None = None
        self.age_ms = 50
        self.execution_ns = 0  # of the next cycle only
        self.setpoints: list[tuple[int, tuple[float, float]]] = []  # board time, setpoint
        self.duties: list[tuple[float, float, bool]] = []

    @property
    def board_ns(self) -> int:
        return self.now_ns - self.board_from_ns

    @property
    def ros_ns(self) -> int:
        return ROS_START_NS + self.now_ns

    def reset_board(self, *, watchdog: bool = False) -> None:
        """All is gone but the retained memory; board time begins anew."""
        self.board = Board(self.library, retained=self.board.retained, watchdog_reset=watchdog)
        self.board_from_ns = self.now_ns

    def kill_agent(self) -> None:
        assert self.agent is not None
        self.agent.close()
        self.agent = None

    def step(self) -> None:
        self.now_ns += MS
        self.ros.clock_ns = self.ros_ns
        self.board.now_ns = max(self.board.now_ns, self.board_ns)
        self._move()
        if self.command is not None and self.now_ns % (20 * MS) == 0:
            self.send(*self.command, self.ros_ns // (40 * MS) * (40 * MS) - self.age_ms * MS)
        self._carry()
        if self.board_ns >= self.board.next_release(self.board_ns) and self.board.now_ns <= self.board_ns:
            self._cycle()

    def _move(self) -> None:
        if self.board.duty[2]:
            self.wheel_rad_s = list(self.board.setpoint)
        elif self.driver_on:
            self.wheel_rad_s = [0.0, 0.0]
        self.driver_on = self.board.duty[2]
        for side in (0, 1):
            self.turned_rad[side] += self.wheel_rad_s[side] * 1e-3
        if self.sampling and self.now_ns % (2 * MS) == 0:
            counts = tuple(round(turned * COUNTS_PER_RAD) for turned in self.turned_rad)
            self.board.set_encoders(
                (counts[0], counts[1]), self.now_ns, e_stop=self.e_stop, motor_fault=self.motor_fault
            )

    def _carry(self) -> None:
        if self.agent is not None:
            self.agent.run(self.now_ns)
            self.board.feed_link(self.agent.transmit())
        self.board.link_poll()
        line = self.board.take_link()
        if self.agent is not None:
            self.agent.receive(line, self.now_ns)

    def _cycle(self) -> None:
        self.board.control_cycle(self.board_ns, execution_ns=self.execution_ns)
        self.execution_ns = 0
        self.setpoints.append((self.board_ns, self.board.setpoint))
        self.duties.append(self.board.duty)

    def run(self, milliseconds: int) -> None:
        for _ in range(milliseconds):
            self.step()

    def connect(self) -> None:
        for _ in range(3000):
            if self.board.state.client == "connected" and self.board.state.clock_locked:
                return
            self.step()
        raise AssertionError("the board did not connect")

    def arm(self) -> str:
        """Connected, armed by a request; the reply's text."""
        self.connect()
        self.run(20)
        return self.arm_request(True)[1]

    def send(self, speed_m_s: float, yaw_rate_rad_s: float, stamp_ns: int) -> None:
        twist = messages.TwistStamped()
        twist.header.stamp.sec, twist.header.stamp.nanosec = divmod(stamp_ns, 10**9)
        twist.twist.linear.x, twist.twist.angular.z = speed_m_s, yaw_rate_rad_s
        self.ros.deliver("rt/cmd_vel", twist.to_cdr())

    def call(self, service: str, request: Message) -> tuple[bool, str]:
        """Call one of the board's services and let it answer."""
        before = len(self.ros.log)
        assert self.ros.request(service, bytes(24), request.to_cdr()) == 1
        for _ in range(200):
            self.step()
            replies = [data for what, _, data in self.ros.log[before:] if what == "reply"]
            if replies:
                reply = messages.SetBool_Response.from_cdr(replies[0][24 + 4 :])
                return reply.success, reply.message
        raise AssertionError(f"{service} was not answered within 200 ms")

    def arm_request(self, wish: bool) -> tuple[bool, str]:
        answer = self.call("/base/arm", messages.SetBool_Request(data=wish))
        self.run(20)
        return answer

    def clear_fault(self) -> tuple[bool, str]:
        answer = self.call("/base/clear_fault", messages.Trigger_Request())
        self.run(20)
        return answer

    def confirm(self, identity: int) -> None:
        self.ros.deliver("rt/base/ledger_ack", messages.UInt64(data=identity).to_cdr())

    def published(self, topic: str, kind: type[M]) -> list[M]:
        return [kind.from_cdr(data) for data in self.ros.published(topic)]

    def diagnostics(self) -> dict[str, dict[str, str]]:
        """The newest values by name of status."""
        newest: dict[str, dict[str, str]] = {}
        for array in self.published("rt/diagnostics", messages.DiagnosticArray):
            (status,) = array.status
            newest[status.name] = {pair.key: pair.value for pair in status.values}
        return newest
