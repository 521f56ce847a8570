"""The agent process of the twin: the agent core that ships, between the line and a ROS in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from takt.contract import Contract
from takt.contract.generated.messages import (
    DiagnosticArray,
    SetBool_Request,
    SetBool_Response,
    Trigger_Request,
    UInt64,
)
from takt.deadlines import Rung
from takt.link.agent import AgentCore
from takt.link.handshake import absolute, of_contract
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.planning.follower import Command
from takt.twin.episode import MS
from takt.twin.process import Process
from takt.twin.wire_forms import CommandWriter, WheelReader

_RESTART_NS = 1_000 * MS
_TTY_BYTES = 4096  # what the kernel keeps for an agent that does not read
_IDENTITY_SIZE = 24
OnStatus = Callable[[str, str, Mapping[str, str]], None]


class Messenger:
    """``joints``, ``status``, ``miss`` and ``armed`` are called with what the board published or answered.

    ``joints``: left and right wheel angle in rad, stamp in ns.
    """

    def __init__(
        self,
        contract: Contract,
        joints: Callable[[float, float, int], None],
        status: OnStatus,
        miss: Callable[[Mapping[str, str]], None],
        armed: Callable[[bool, SetBool_Response], None],
    ) -> None:
        self.process = Process("agent", _RESTART_NS)
        self.ros = MemoryRos()
        self._contract = contract
        self._joints, self._status, self._miss, self._armed = joints, status, miss, armed
        self._names = {key: "rt" + absolute(topic.ros_name) for key, topic in contract.topics.items()}
        self._services = {key: absolute(one.ros_name) for key, one in contract.services.items()}
        self._rung = Rung.HOLD
        self._calls: dict[bytes, bool] = {}
        self._count = 0
        self._wheel_reader, self._command_writer = WheelReader(), CommandWriter()
        self._waiting = bytearray()
        self._run_ns = 0
        self._given = False  # ROS brought something since the last transmission
        self.log: Callable[[bytes], object] = lambda _data: None
        self.errors_before = 0
        self.core = self._new_core()

    def _new_core(self) -> AgentCore:
        core = AgentCore(
            self.ros,
            handshake=of_contract(self._contract),
            watched_topic=absolute(self._contract.topics["cmd_vel"].ros_name),
        )
        self._obey(core)
        return core

    # -------------------------------------------------------------- from ROS

    def publish_command(self, command: Command) -> None:
        """To the board's subscription, if it has one."""
        self._deliver("cmd_vel", self._command_writer.write(command))

    def publish_raw_command(self, cdr: bytes) -> None:
        """A command that no planner of ours would send."""
        self._deliver("cmd_vel", cdr)

    def acknowledge(self, identity: int) -> None:
        self._deliver("ledger_ack", UInt64(data=identity).to_cdr())

    def _deliver(self, topic: str, cdr: bytes) -> None:
        self._given = True
        self.ros.deliver(self._names[topic], cdr)

    def call_arm(self, arm: bool) -> None:
        identity = self._identity()
        self._calls[identity] = arm
        self.ros.request(self._services["arm"], identity, SetBool_Request(data=arm).to_cdr())

    def call_clear_fault(self) -> None:
        self.ros.request(self._services["clear_fault"], self._identity(), Trigger_Request().to_cdr())

    def hear_rung(self, rung: Rung) -> None:
        self._rung = rung
        self._obey(self.core)

    def _obey(self, core: AgentCore) -> None:
        """As the agent node: on SAFE nothing is forwarded, so that STOP holds even if every call is lost."""
        topic = absolute(self._contract.topics["cmd_vel"].ros_name)
        if self._rung is Rung.SAFE:
            core.block(topic, "stop")
        else:
            core.unblock(topic)

    def _identity(self) -> bytes:
        self._given = True
        self._count += 1
        return self._count.to_bytes(_IDENTITY_SIZE, "little")

    # -------------------------------------------------------------- the line

    def exchange(self, received: bytes, now_ns: int) -> bytes:
        """Bytes from the line in, bytes for the line out."""
        idle = not (received or self._given or self._waiting or now_ns >= self._run_ns)
        if idle and self.process.is_sound(now_ns):
            return b""
        if not self.process.runs(now_ns):
            if self.process.is_dead(now_ns):
                self._die()
            elif received:
                self._waiting += received[: max(0, _TTY_BYTES - len(self._waiting))]
            return b""
        if self.process.just_restarted(now_ns):
            self._waiting.clear()
            self.core = self._new_core()
        if self._waiting:
            received = bytes(self._waiting) + received
            self._waiting.clear()
        if received:
            self.core.receive(received, now_ns)
            self._take_from_ros()
        if not (received or self._given or now_ns >= self._run_ns):
            return b""
        self._given = False
        core = self.core
        core.run(now_ns)
        self._run_ns = core.next_event_ns()
        return core.transmit() if core.pending.output else b""

    def _die(self) -> None:
        if self.core.sessions:
            self.errors_before += self.core.crc_errors + self.core.framing_errors
            self.core.close()
            self.ros.log.clear()
        self._calls.clear()
        self._waiting.clear()

    @property
    def line_errors(self) -> int:
        """Frames that the agents of this run found damaged."""
        return self.errors_before + self.core.crc_errors + self.core.framing_errors

    def _take_from_ros(self) -> None:
        for what, name, data in self.ros.log:
            self.log(f"{what} {name}".encode() + data)
            if what == "publish":
                self._sort(name, data[len(ENCAPSULATION) :])
            elif what == "reply" and name == self._services["arm"]:
                arm = self._calls.pop(data[:_IDENTITY_SIZE], None)
                if arm is not None:
                    answer = SetBool_Response.from_cdr(data[_IDENTITY_SIZE + len(ENCAPSULATION) :])
                    self._armed(arm, answer)
        self.ros.log.clear()

    def _sort(self, name: str, cdr: bytes) -> None:
        if name == self._names["joint_states"]:
            self._joints(*self._wheel_reader.read(cdr))
        elif name == self._names["diagnostics"]:
            for one in DiagnosticArray.from_cdr(cdr).status:
                self._status(one.hardware_id, one.name, {pair.key: pair.value for pair in one.values})
        elif name == self._names["deadline_misses"]:
            for one in DiagnosticArray.from_cdr(cdr).status:
                self._miss({pair.key: pair.value for pair in one.values})
