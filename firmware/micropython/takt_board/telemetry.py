"""When the board publishes what (firmware/core, telemetry.c)."""

import takt_contract as contract
from micropython import const
from takt_messages import JointState, TimeReference

from takt_board import age_gate, session, statuses
from takt_board.ledger import Record
from takt_board.statuses import Sheet

_NS_PER_S = const(1000000000)
_DIAGNOSTIC_GAP_NS = const(_NS_PER_S // 7)  # each status once a second, evenly spread
_CHANGE_GAP_NS = const(50000000)  # a flapping state must not flood the line
_APPLIED_GAP_NS = _NS_PER_S // contract.TOPICS_APPLIED_RATE_HZ
_MISS_GAP_NS = const(20000000)  # so that a few in a row leave the line to the others
_MISSES_A_SECOND = contract.TOPICS_DEADLINE_MISSES_RATE_HZ
_MISS_RESEND_NS = const(3 * _NS_PER_S)  # the host confirms once a second and on change
_RAD_PER_COUNT = 6.283185307179586 / contract.ROBOT_ENCODER_COUNTS_PER_REV


def _set_stamp(stamp, ros_ns):
    stamp.sec = ros_ns // _NS_PER_S
    stamp.nanosec = ros_ns % _NS_PER_S


class Telemetry:
    def __init__(self):
        self._sheet = Sheet()
        self._record = Record()
        self._joints = JointState()
        self._joints.name = (b"left_wheel_joint", b"right_wheel_joint")
        self._joints.position = [0.0, 0.0]
        self._joints.velocity = [0.0, 0.0]
        self._joints.name_count = self._joints.position_count = self._joints.velocity_count = 2
        self._applied = TimeReference()
        self._joint_cycle = 0
        self._next_applied_ns = 0
        self._next_diagnostic_ns = 0
        self._next_change_ns = 0
        self._next_diagnostic = 0
        self._first_round = 0  # statuses still to be sent at once after a connect
        self._connected = False
        self._told = -1  # safety state that the host was told last, as one number
        self._told_locked = False
        self._next_miss_ns = 0
        self._miss_due_ns = [0] * _MISSES_A_SECOND  # when each of a second's places is free again
        self._miss_place = 0
        self._miss_sent_ns = 0
        self.miss_cursor = 0  # index of the next record to send, from the oldest not confirmed

    def publish(self, board, now_ns):
        """Everything that is due."""
        connected = board.client.session.state == session.CONNECTED
        if connected and not self._connected:
            self._next_diagnostic = 0
            self._first_round = statuses.COUNT
            self.miss_cursor = 0  # what was on its way when the line broke may be lost
        self._connected = connected
        if connected:
            self._publish_applied(board, now_ns)
            self._publish_joints(board, now_ns)
            self._publish_changes(board, now_ns)
            self._publish_periodic(board, now_ns)
            self._publish_misses(board, now_ns)

    def _publish_joints(self, board, now_ns):
        """Once for each control cycle; without ROS time or without a sample there is nothing true to say."""
        cycles = board.monitor.cycles
        sample = board.inputs.encoder
        if cycles == self._joint_cycle or not sample.present:
            return
        self._joint_cycle = cycles
        stamp_ns = board.ros_ns(sample.received_ns, now_ns)
        if stamp_ns <= 0:
            return
        encoder = board.control.encoder
        joints = self._joints
        _set_stamp(joints.header.stamp, stamp_ns)
        joints.position[0] = encoder.left_counts * _RAD_PER_COUNT
        joints.position[1] = encoder.right_counts * _RAD_PER_COUNT
        joints.velocity[0] = encoder.left_rad_s
        joints.velocity[1] = encoder.right_rad_s
        if board.monitor.cycles == cycles:  # on a board the timer may have run a cycle in between
            board.client.publish(contract.TOPIC_JOINT_STATES, joints)

    def _publish_applied(self, board, now_ns):
        if board.applied_tail == board.applied_head or now_ns < self._next_applied_ns:
            return
        fate = board.applied[board.applied_tail % len(board.applied)]
        message = self._applied
        _set_stamp(message.header.stamp, fate.cycle_ros_ns)
        _set_stamp(message.time_ref, fate.stamp_ns if fate.stamp_ns > 0 else 0)
        message.source = b"disarmed" if fate.disarmed else age_gate.NAMES[fate.verdict]
        board.applied_tail += 1
        self._next_applied_ns = now_ns + _APPLIED_GAP_NS
        board.client.publish(contract.TOPIC_APPLIED, message)

    def _send_status(self, board, kind, now_ns):
        if not board.client.has_room():
            return False
        board.client.publish(contract.TOPIC_DIAGNOSTICS, self._sheet.fill(board, kind, now_ns))
        return True

    def _publish_changes(self, board, now_ns):
        if now_ns < self._next_change_ns:
            return
        state = board.control.safety
        told = state.rung | state.armed << 4 | state.cause << 8 | state.fault << 12 | state.hold_reason << 16
        locked = board.client.session.clock.locked(now_ns)
        if told != self._told and self._send_status(board, statuses.SAFETY, now_ns):
            self._told = told
            self._next_change_ns = now_ns + _CHANGE_GAP_NS
        if locked != self._told_locked and self._send_status(board, statuses.CLOCK, now_ns):
            self._told_locked = locked
            self._next_change_ns = now_ns + _CHANGE_GAP_NS

    def _publish_periodic(self, board, now_ns):
        """Right after a connect the host wants to know everything; later once a second will do."""
        due = self._first_round > 0 or now_ns >= self._next_diagnostic_ns
        if not due or not self._send_status(board, self._next_diagnostic, now_ns):
            return
        self._next_diagnostic = (self._next_diagnostic + 1) % statuses.COUNT
        if self._first_round:
            self._first_round -= 1
        grid_ns = self._next_diagnostic_ns + _DIAGNOSTIC_GAP_NS
        self._next_diagnostic_ns = grid_ns if grid_ns > now_ns else now_ns + _DIAGNOSTIC_GAP_NS

    def _publish_misses(self, board, now_ns):
        """In order, each until the host confirms it."""
        if self.miss_cursor > 0 and now_ns - self._miss_sent_ns >= _MISS_RESEND_NS:
            self.miss_cursor = 0  # no confirmation came: from the oldest again
        if (
            self.miss_cursor >= board.ledger.pending()
            or now_ns < self._next_miss_ns
            or now_ns < self._miss_due_ns[self._miss_place]
            or not board.client.has_room()
        ):
            return
        record = board.ledger.at(self.miss_cursor, self._record)
        message = self._sheet.fill_miss(board, record, now_ns)
        if board.client.publish(contract.TOPIC_DEADLINE_MISSES, message):
            self.miss_cursor += 1
            self._miss_sent_ns = now_ns
            self._next_miss_ns = now_ns + _MISS_GAP_NS
            self._miss_due_ns[self._miss_place] = now_ns + _NS_PER_S
            self._miss_place = (self._miss_place + 1) % _MISSES_A_SECOND
