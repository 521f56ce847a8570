"""The world around a board that keeps its own time: agent, robot and driver live by the board's clock.

An emulated board runs slower than real time, and native_sim as fast as it likes. So nothing here reads a clock: the
time of this world is the newest time that the board itself has told, in a duty frame or in a request for ROS time.
"""

from __future__ import annotations

import math
import select
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from takt.contract import Contract
from takt.contract.generated.messages import (
    DiagnosticArray,
    Header,
    SetBool_Request,
    Time,
    Twist,
    TwistStamped,
    UInt64,
    Vector3,
)
from takt.link import messages as xrce
from takt.link.agent import AgentCore
from takt.link.cdr import Malformed
from takt.link.framing import AGENT_ADDRESS, Deframer
from takt.link.handshake import absolute, of_contract
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.simulation.kinematic_robot import Robot
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_encoder
from takt.supervision.ledger_file import LedgerFile

ROS_START_NS = 1_700_000_000_000_000_000
_S = 1_000_000_000
_SUPPLY_MV = 12_000
_STEP_NS = 2_000_000
_RESTART_NS = 500_000_000
_IDENTITY_SIZE = 24
_ARM_EVERY_CYCLES = 50
_COMMAND_EVERY_CYCLES = 2
_SILENT_S = 30.0  # of real time without a duty frame: the board is dead


@dataclass
class Seen:
    """What the board was seen to do."""

    duty_frames: int = 0
    armed_frames: int = 0
    turning_frames: int = 0  # armed, with a duty that is not 0
    unseen_cycles: int = 0  # places of the grid between two duty frames
    restarts: int = 0  # the board's clock began anew
    crc_errors: int = 0
    sessions: int = 0
    records: list[dict[str, str]] = field(default_factory=list)
    diagnostics: dict[str, dict[str, str]] = field(default_factory=dict)


class SimulatedWorld:
    """``link`` and ``plant`` are connected sockets of the board. ``run`` until its clock has come so far."""

    def __init__(self, link: socket.socket, plant: socket.socket, contract: Contract, ledger: Path) -> None:
        self._link, self._plant = link, plant
        for end in (link, plant):
            end.setblocking(False)
        self._names = {key: absolute(topic.ros_name) for key, topic in contract.topics.items()}
        self._arm = absolute(contract.services["arm"].ros_name)
        self._ros = MemoryRos()
        self._agent = AgentCore(self._ros, handshake=of_contract(contract))
        self._robot = Robot(contract)
        self._line = PlantLine()
        self._overheard = Deframer()
        self._ledger = LedgerFile(ledger)
        self._cycle: int | None = None
        self._calls = self._sequence = 0
        self.board_ns = self._robot_ns = self._earlier_ns = 0
        self.seen = Seen()

    def run(self, until_ns: int, idle: Callable[[], None] = lambda: None) -> None:
        """Live until the board's clock shows ``until_ns``; ``idle`` is called now and then. Raises TimeoutError."""
        while self.board_ns < until_ns:
            ready, _, _ = select.select([self._link, self._plant], [], [], _SILENT_S)
            if not ready:
                raise TimeoutError(f"the board has said nothing for {_SILENT_S:.0f} s")
            if self._plant in ready:
                for frame in self._line.duties(self._plant.recv(65536)):
                    self._follow(frame)
            if self._link in ready:
                self._hear(self._link.recv(65536))
            self._agent.run(self.board_ns)
            self._answer()
            idle()
        self.seen.crc_errors = self._line.crc_errors + self._agent.crc_errors
        self._ledger.close()

    def _tell_time(self, board_ns: int) -> None:
        """The board's clock shows this. One that shows much less than before has begun anew; ROS time goes on."""
        if board_ns + _RESTART_NS < self.board_ns:
            self.seen.restarts += 1
            self._earlier_ns += self.board_ns
            self._cycle, self.board_ns, self._robot_ns = None, 0, 0
        self.board_ns = max(self.board_ns, board_ns)
        self._ros.clock_ns = ROS_START_NS + self._earlier_ns + self.board_ns

    def _follow(self, frame: DutyFrame) -> None:
        """A control cycle has ended: the robot moves on, its encoders answer, the driver steers."""
        seen = self.seen
        self._tell_time(frame.board_ns)
        if self._cycle is not None:
            seen.unseen_cycles += max(frame.cycle - self._cycle - 1, 0)
        self._cycle = frame.cycle
        seen.duty_frames += 1
        seen.armed_frames += frame.armed
        seen.turning_frames += frame.armed and frame.duty != (0.0, 0.0)
        while self._robot_ns + _STEP_NS <= frame.board_ns:
            self._robot.advance((*frame.duty, frame.driver_enabled), _STEP_NS / _S)
            self._robot_ns += _STEP_NS
        self._sequence += 1
        sample = EncoderFrame(False, False, _SUPPLY_MV, self._sequence, self._robot_ns, self._robot.counts())
        self._send(self._plant, encode_encoder(sample))
        if frame.cycle % _COMMAND_EVERY_CYCLES == 0:
            self._steer()
        if not frame.armed and frame.cycle % _ARM_EVERY_CYCLES == 0:
            self._calls += 1
            identity = self._calls.to_bytes(_IDENTITY_SIZE, "little")
            self._ros.request(self._arm, identity, SetBool_Request(data=True).to_cdr())

    def _steer(self) -> None:
        """Curves both ways, forth and back."""
        second = self.board_ns / _S
        linear, angular = Vector3(x=0.4 * math.sin(0.7 * second)), Vector3(z=0.8 * math.sin(1.1 * second))
        stamp = Time(*divmod(self._ros.clock_ns, _S))
        command = TwistStamped(Header(stamp, "base_link"), Twist(linear, angular))
        self._ros.deliver("rt" + self._names["cmd_vel"], command.to_cdr())

    def _hear(self, data: bytes) -> None:
        for frame in self._overheard.feed(data):
            asked_ns = _time_asked(frame.payload) if frame.destination == AGENT_ADDRESS else None
            if asked_ns is not None:
                self._tell_time(asked_ns)
        self._agent.receive(data, self.board_ns)
        self.seen.sessions = max(self.seen.sessions, len(self._agent.sessions))
        for what, name, sample in self._ros.log:
            if what == "publish":
                self._learn(name, sample[len(ENCAPSULATION) :])
        self._ros.log.clear()

    def _learn(self, topic: str, sample: bytes) -> None:
        if topic == "rt" + self._names["diagnostics"]:
            for status in DiagnosticArray.from_cdr(sample).status:
                self.seen.diagnostics[status.name] = {pair.key: pair.value for pair in status.values}
        elif topic == "rt" + self._names["deadline_misses"]:
            for status in DiagnosticArray.from_cdr(sample).status:
                record = {pair.key: pair.value for pair in status.values}
                if self._ledger.take(record):
                    self.seen.records.append(record)
            confirmed = UInt64(data=self._ledger.confirmed).to_cdr()
            self._ros.deliver("rt" + self._names["ledger_ack"], confirmed)

    def _answer(self) -> None:
        data = self._agent.transmit()
        if data:
            self._send(self._link, data)

    @staticmethod
    def _send(end: socket.socket, data: bytes) -> None:
        """A board that does not read loses bytes, as on a line."""
        try:
            end.send(data)
        except BlockingIOError:
            return


def _time_asked(message: bytes) -> int | None:
    """Board time in ns, if the message asks for ROS time: the TIMESTAMP submessage carries when it was sent."""
    try:
        header = xrce.parse_header(message)
    except Malformed:
        return None
    body = message[header.size :]
    if len(body) < 12 or body[0] != xrce.TIMESTAMP:
        return None
    seconds, nanoseconds = struct.unpack_from("<II" if body[1] & 1 else ">II", body, 4)
    return int(seconds) * _S + int(nanoseconds)
