"""Ties control, deadline monitor, ledger and client to a board (firmware/core: board.c, board_link.c).

Two callers: the release (a timer on boards, the loop on the unix port) calls control_cycle, everything else happens in
link_poll. A cycle may cut into a poll between two bytecodes, never the other way round: so a poll hands over a command
by one assignment, and a cycle sees it whole or not at all.
"""

import gc
from os import urandom

import takt_contract as contract
from micropython import const
from takt_messages import (
    SetBool_Request,
    SetBool_Response,
    Trigger_Response,
    TwistStamped,
    UInt64,
)

from takt_board import age_gate, safety
from takt_board.age_gate import Command
from takt_board.client import Client
from takt_board.deadlines import DeadlineMonitor
from takt_board.histogram import Histogram
from takt_board.inputs import Applied, Inputs
from takt_board.ledger import Ledger
from takt_board.telemetry import Telemetry

try:
    from takt_native import Control  # the C core itself, where the interpreter was built with it
except ImportError:
    from takt_board.control import Control

_NS_PER_S = const(1000000000)
_APPLIED_RING = const(8)
_PORTION_BYTES = const(128)  # of input between two looks at the clock
_GC_KEEP_FREE = const(24576)  # bytes; at most a few cycles' worth may be allocated before the next collection
_GC_MARGIN_NS = const(2000000)


class Firmware:
    """``board``: see board.py for what a port provides."""

    def __init__(self, board, key, domain):
        self.board = board
        self.control = Control(board.watchdog_reset)
        self.inputs = Inputs()
        self.monitor = DeadlineMonitor(
            _NS_PER_S // contract.CONTROL_RATE_HZ,
            contract.SAFETY_MISS_WINDOW_CYCLES,
            board.miss_limit,
        )
        self.ledger = Ledger(board.retained, int.from_bytes(urandom(4), "little"))
        self.photon_to_motor = Histogram()
        self.applied = [Applied() for _ in range(_APPLIED_RING)]
        self.applied_head = 0
        self.applied_tail = 0
        self.telemetry = Telemetry()
        self.client = Client(
            board.link_write, self._on_sample, self._on_request, key, domain, b"base", board.now_ns()
        )
        self._commands = (Command(), Command())  # one is read by cycles while the other is being filled
        self._command = self._commands[0]
        self._request_count = 0
        self._line = bytearray(_PORTION_BYTES)
        self._twist = TwistStamped()
        self._ack = UInt64()
        self._set_bool = SetBool_Request()
        self._set_bool_reply = SetBool_Response()
        self._trigger_reply = Trigger_Response()
        self._last_free = 0
        self._cycle_bytes = 4096  # most that was allocated between two looks

    # ---- the release

    def control_cycle(self, release_ns):
        """One cycle for the release at ``release_ns``."""
        board = self.board
        monitor = self.monitor
        start_ns = board.now_ns()
        previous_ns = monitor.start_ns if monitor.running else -1
        monitor.begin(release_ns, start_ns, board.cycle_cpu_ns)
        if monitor.skipped_count:
            self.ledger.append_skipped(monitor, release_ns)
        self._gather(start_ns, previous_ns)
        control = self.control
        control.tick(self.inputs)
        board.drive(monitor.cycle, start_ns, control)
        if control.report:
            self._record_applied()
        end_ns = board.now_ns()
        late = end_ns - release_ns > monitor.period_ns
        if monitor.end(end_ns, board.read_cpu_ns(end_ns) if late else board.cycle_cpu_ns):
            self.ledger.append(monitor.miss_cause, monitor.cycle, release_ns, monitor.miss_late_ns)
        else:
            board.feed_watchdog()
        if self.ledger.gap_open:
            self.ledger.settle()

    def _gather(self, now_ns, previous_ns):
        inputs = self.inputs
        s = self.client.session
        inputs.now_ns = now_ns
        inputs.elapsed_ns = now_ns - previous_ns if previous_ns >= 0 else self.monitor.period_ns
        ros = inputs.ros
        ros.locked = s.clock.locked(now_ns)
        if ros.locked:
            ros.now_ns = s.clock.ros_ns(now_ns)
            ros.bound_ns = s.clock.bound_ns(now_ns)
        inputs.command = self._command
        inputs.agent_heard = s.rx > 0
        inputs.agent_heard_ns = s.last_rx_ns
        inputs.miss_limit = self.monitor.limit_reached()
        self.board.read_encoder(inputs.encoder)

    def _record_applied(self):
        """A full ring (the poll is behind) loses the report, not the sample in the histogram."""
        fate = self.control.fate
        age_ns = fate.cycle_ros_ns - fate.stamp_ns
        if fate.verdict == age_gate.OPEN and not fate.disarmed and age_ns > 0:
            self.photon_to_motor.add(age_ns)
        if self.applied_head - self.applied_tail < _APPLIED_RING:
            self.applied[self.applied_head % _APPLIED_RING].copy(fate)
            self.applied_head += 1

    # ---- the slack

    def collect_if_due(self, slack_ns):
        """Collects garbage where there is time for it, and tells the deadline monitor how long it took.

        Due when what is free might not last; forced when it will not, slack or no slack.
        """
        free = gc.mem_free()
        self._cycle_bytes = max(self._cycle_bytes, self._last_free - free)
        self._last_free = free
        if free > _GC_KEEP_FREE + 4 * self._cycle_bytes:
            return
        if slack_ns < _GC_MARGIN_NS and free > 4 * self._cycle_bytes:
            return
        start_ns = self.board.now_ns()
        gc.collect()
        self.monitor.note_gc(self.board.now_ns() - start_ns)
        self._last_free = gc.mem_free()

    # ---- the link

    def link_poll(self, until_ns):
        """Reads the line, publishes what is due. Never blocks; from ``until_ns`` on a flooded line has to wait."""
        board = self.board
        now_ns = board.now_ns()
        line = self._line
        while True:
            count = board.link_read(line)
            if not count:
                break
            self.client.receive(line, count, now_ns)
            now_ns = board.now_ns()
            if now_ns >= until_ns:
                break
        self.telemetry.publish(self, now_ns)
        self.client.run(now_ns)

    def ros_ns(self, at_ns, now_ns):
        """ROS time at board time ``at_ns``; 0 while the clock is not locked."""
        clock = self.client.session.clock
        return clock.ros_ns(at_ns) if clock.locked(now_ns) else 0

    def _on_sample(self, topic, cursor, now_ns):
        if topic == contract.TOPIC_CMD_VEL:
            self._twist.read(cursor)
            if cursor.ok:
                self._take_command(now_ns)
        elif topic == contract.TOPIC_LEDGER_ACK:
            self._ack.read(cursor)
            if cursor.ok:
                released = self.ledger.confirm(self._ack.data)
                self.telemetry.miss_cursor = max(0, self.telemetry.miss_cursor - released)

    def _take_command(self, now_ns):
        old = self._command
        command = self._commands[1] if old is self._commands[0] else self._commands[0]
        stamp = self._twist.header.stamp
        command.sequence = 1 if old.sequence == 0xFFFFFFFF else old.sequence + 1  # 0 means none
        command.received_ns = now_ns
        command.stamp_ns = stamp.sec * _NS_PER_S + stamp.nanosec
        command.speed_m_s = self._twist.twist.linear.x
        command.yaw_rate_rad_s = self._twist.twist.angular.z
        self._command = command

    def _order(self, request):
        self._request_count = 1 if self._request_count == 0xFFFFFFFF else self._request_count + 1
        self.inputs.requests[request] = self._request_count

    def _on_request(self, service, reader, writer, now_ns):
        """Answered from what the loop knows now; the next cycle judges again when it acts."""
        if service == contract.SERVICE_ARM:
            self._set_bool.read(reader)
            if not reader.ok:
                return False
            self._answer_arm(self._set_bool.data, self._set_bool_reply)
            self._set_bool_reply.write(writer)
        elif service == contract.SERVICE_CLEAR_FAULT:
            self._answer_clear(self._trigger_reply)
            self._trigger_reply.write(writer)
        else:
            return False
        return True

    def _answer_arm(self, wish, reply):
        state = self.control.safety
        reply.success = True
        if not wish:
            self._order(safety.DISARM)
            reply.message = b"disarmed"
            return
        refusal = state.arm_refusal(self.control.conditions)
        if state.armed or refusal == safety.NONE:
            self._order(safety.ARM)
            reply.message = b"armed" if state.armed else b"arming"
            return
        reply.success = False
        reply.message = b"refused: " + safety.CAUSES[refusal]
        if state.fault != safety.NONE:
            reply.message += b"; clear_fault comes first"

    def _answer_clear(self, reply):
        state = self.control.safety
        refusal = state.clear_refusal(self.control.conditions)
        reply.success = refusal == safety.NONE
        if reply.success:
            self._order(safety.CLEAR_FAULT)
            reply.message = b"no fault" if state.fault == safety.NONE else b"cleared; disarmed"
        else:
            reply.message = b"refused: still present: " + safety.CAUSES[refusal]
