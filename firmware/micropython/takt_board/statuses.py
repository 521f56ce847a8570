"""The board's diagnostic messages, one status each (firmware/core, diagnostics.c); see docs/firmware.md."""

import takt_contract as contract
from micropython import const
from takt_messages import DiagnosticArray, DiagnosticStatus, KeyValue

from takt_board import age_gate, deadlines, safety, session, wheel_check

SAFETY = const(0)
CLOCK = const(1)
LINK = const(2)
MOTORS = const(3)
LOOP = const(4)
TIMING = const(5)
COMMANDS = const(6)
COUNT = const(7)
_NAMES = (b"safety", b"clock", b"link", b"motors", b"loop", b"timing", b"commands")

_MOST_VALUES = const(14)
_NS_PER_S = const(1000000000)
_PERCENTILES = ((b"p50_us", 0.5), (b"p95_us", 0.95), (b"p99_us", 0.99))
_LOCKED = b"locked"


def _fixed(value, decimals):
    return b"nan" if not -1e9 <= value <= 1e9 else ("%.*f" % (decimals, value)).encode()


class Sheet:
    """One status under construction; all its objects are made once."""

    def __init__(self):
        self.status = DiagnosticStatus()
        self.status.hardware_id = b"base"
        self.status.values = [KeyValue() for _ in range(_MOST_VALUES)]
        self.message = DiagnosticArray()
        self.message.status = [self.status]
        self.message.status_count = 1
        self._fills = (
            self._safety,
            self._clock,
            self._link,
            self._motors,
            self._loop,
            self._timing,
            self._commands,
        )

    def fill(self, board, kind, now_ns):
        """The message of one status."""
        self._start(b"base: " + _NAMES[kind], board.ros_ns(now_ns, now_ns))
        self._fills[kind](board, now_ns)
        return self.message

    def _start(self, name, stamp_ns):
        status = self.status
        status.level = DiagnosticStatus.OK
        status.name = name
        status.message = b""
        status.values_count = 0
        stamp = self.message.header.stamp
        stamp.sec = stamp_ns // _NS_PER_S
        stamp.nanosec = stamp_ns % _NS_PER_S

    def _word(self, key, word):
        status = self.status
        value = status.values[status.values_count]
        value.key = key
        value.value = word
        status.values_count += 1

    def _number(self, key, value):
        self._word(key, str(value).encode())

    def _flag(self, key, value):
        self._word(key, b"true" if value else b"false")

    def _quantiles(self, prefix, histogram, decimals):
        for name, quantile in _PERCENTILES:
            self._word(prefix + name, _fixed(histogram.quantile_us(quantile), decimals))
        self._word(prefix + b"max_us", _fixed(histogram.max_us(), decimals))

    def _safety(self, board, now_ns):
        state = board.control.safety
        self._word(b"rung", safety.RUNGS[state.rung])
        self._flag(b"armed", state.armed)
        self._word(b"reason", state.reason())
        self._word(b"fault", safety.CAUSES[state.fault])
        self._word(b"contract", contract.CONTRACT_HASH)
        self.status.message = state.reason()
        if state.fault != safety.NONE:
            self.status.level = DiagnosticStatus.ERROR
        elif state.rung != safety.NOMINAL:
            self.status.level = DiagnosticStatus.WARN

    def _clock(self, board, now_ns):
        clock = board.client.session.clock
        locked = clock.locked(now_ns)
        bound_ns = clock.bound_ns(now_ns)
        self._flag(_LOCKED, locked)
        self._number(b"epoch", clock.epoch)
        self._number(b"offset_ns", clock.ros_ns(now_ns) - now_ns if locked else 0)
        self._word(b"bound_us", b"inf" if bound_ns < 0 else str((bound_ns + 999) // 1000).encode())
        self._word(b"drift_ppm", _fixed(clock.drift_ppb * 1e-3, 3))
        self.status.message = _LOCKED if locked else b"not locked"
        self.status.level = DiagnosticStatus.OK if locked else DiagnosticStatus.WARN

    def _link(self, board, now_ns):
        client = board.client
        s = client.session
        self._word(b"state", session.STATES[s.state])
        self._number(b"rx", s.rx)
        self._number(b"tx", s.out.tx)
        self._number(b"crc_errors", client.decoder.crc_errors())
        self._number(b"retransmits", s.retransmits)
        self._number(b"reconnects", s.reconnects)
        self._number(b"round_trip_us", s.round_trip_us)
        self._number(b"dropped", s.out.dropped)
        self._number(b"refused", client.refused)
        self.status.message = session.STATES[s.state]

    def _motors(self, board, now_ns):
        control = board.control
        self._word(b"duty_left", _fixed(control.left_duty, 4))
        self._word(b"duty_right", _fixed(control.right_duty, 4))
        self._word(b"setpoint_left_rad_s", _fixed(control.kinematics.left_rad_s, 3))
        self._word(b"setpoint_right_rad_s", _fixed(control.kinematics.right_rad_s, 3))
        self._word(b"speed_left_rad_s", _fixed(control.encoder.left_rad_s, 3))
        self._word(b"speed_right_rad_s", _fixed(control.encoder.right_rad_s, 3))
        self._flag(b"driver_enabled", control.driver_enabled)
        self._number(b"supply_mv", board.inputs.encoder.supply_mv)
        self._word(b"encoder_left", wheel_check.NAMES[control.left_check.found])
        self._word(b"encoder_right", wheel_check.NAMES[control.right_check.found])
        self.status.message = b"on" if control.driver_enabled else b"off"
        if control.supply.low:
            self.status.level = DiagnosticStatus.WARN
            self.status.message = b"low supply"

    def _loop(self, board, now_ns):
        monitor = board.monitor
        self._number(b"cycles", monitor.cycles)
        self._number(b"misses", monitor.missed_all())
        self._number(b"skipped", monitor.misses[deadlines.SKIPPED])
        for cause, name in enumerate(deadlines.CAUSES):
            self._number(b"miss_" + name, monitor.misses[cause])
        self._number(b"uptime_ms", now_ns // 1000000)
        self._number(b"boot_count", board.ledger.boots())
        self._number(b"ledger_pending", board.ledger.pending())
        if monitor.window_misses:
            self.status.level = DiagnosticStatus.WARN
            self.status.message = b"misses in the window"
        else:
            self.status.message = b"in time"

    def _timing(self, board, now_ns):
        self._quantiles(b"release_jitter_", board.monitor.jitter, 1)
        self._quantiles(b"execution_", board.monitor.execution, 1)
        self._number(b"collections", board.monitor.gc_pauses.count)
        self._word(b"collection_max_us", _fixed(board.monitor.gc_pauses.max_us(), 1))

    def _commands(self, board, now_ns):
        refused = board.control.refused
        for verdict in (
            age_gate.STALE,
            age_gate.FUTURE,
            age_gate.ZERO,
            age_gate.CLOCK,
            age_gate.NAN,
        ):
            self._number(b"refused_" + age_gate.NAMES[verdict], refused[verdict])
        self._quantiles(b"photon_to_motor_", board.photon_to_motor, 0)
        self._number(b"photon_to_motor_count", board.photon_to_motor.count)

    def fill_miss(self, board, record, now_ns):
        """The message of one ledger record."""
        is_gap = record.first != record.last
        cause = b"gap" if is_gap else deadlines.CAUSES[record.counts.index(1)]
        # board time of an earlier boot means nothing to this boot's clock
        ours = record.first >> 32 == board.ledger.boot_count
        self._start(b"base: miss", max(0, board.ros_ns(record.release_ns, now_ns)) if ours else 0)
        self._number(b"boot", record.last >> 32)
        self._number(b"sequence", record.last & 0xFFFFFFFF)
        self._number(b"previous", record.previous)
        self._word(b"cause", cause)
        self._number(b"cycle", record.cycle)
        self._number(b"late_ns", record.late_ns)
        if is_gap:
            self._number(b"first_boot", record.first >> 32)
            self._number(b"first_sequence", record.first & 0xFFFFFFFF)
            for index, name in enumerate(deadlines.CAUSES):
                self._number(name, record.counts[index])
        else:
            self._number(b"release_ns", record.release_ns)
        self.status.level = DiagnosticStatus.WARN
        self.status.message = cause
        return self.message
