"""Safety: rung, arming, and what each state permits (firmware/core, safety.c). It can only take away."""

from array import array

from micropython import const

from takt_board import age_gate

NOMINAL = const(0)
REDUCED = const(1)
HOLD = const(2)
SAFE = const(3)
RUNGS = (b"NOMINAL", b"REDUCED", b"HOLD", b"SAFE")

NONE = const(0)
POWER_UP = const(1)
DISARMED = const(2)
LINK_SILENCE = const(3)
ENCODER_SILENCE = const(4)
WHEELS_TURNING = const(5)
E_STOP = const(6)  # from here on: faults, latched until clear_fault
MOTOR_FAULT = const(7)
ENCODER_FAULT = const(8)
BROWN_OUT = const(9)
MISS_LIMIT = const(10)
WATCHDOG_RESET = const(11)
CAUSES = (
    b"none",
    b"power_up",
    b"disarmed",
    b"link_silence",
    b"encoder_silence",
    b"wheels_turning",
    b"e_stop",
    b"motor_fault",
    b"encoder_fault",
    b"brown_out",
    b"miss_limit",
    b"watchdog_reset",
)

IF_E_STOP = const(1)  # conditions of a cycle, one bit each
IF_MOTOR_FAULT = const(2)
IF_ENCODER_FAULT = const(4)
IF_MISS_LIMIT = const(8)
IF_ENCODER_SILENT = const(16)
IF_LINK_SILENT = const(32)
IF_WHEELS_TURNING = const(64)
IF_BROWN_OUT = const(128)

DISARM = const(0)  # requests
CLEAR_FAULT = const(1)
ARM = const(2)
REQUESTS = const(3)

_INFINITY = float("inf")
_MINUS_INFINITY = -_INFINITY

_ALWAYS = const(0)
_WHILE_ARMED = const(1)
_NEVER = const(2)

# condition, cause, when it trips; first match wins. Every condition also refuses an arm request while it holds.
_TRIPS = (
    (IF_E_STOP, E_STOP, _ALWAYS),
    (IF_MOTOR_FAULT, MOTOR_FAULT, _ALWAYS),
    (IF_ENCODER_FAULT, ENCODER_FAULT, _WHILE_ARMED),
    (IF_BROWN_OUT, BROWN_OUT, _WHILE_ARMED),
    (IF_MISS_LIMIT, MISS_LIMIT, _WHILE_ARMED),
    (IF_ENCODER_SILENT, ENCODER_SILENCE, _WHILE_ARMED),
    (IF_LINK_SILENT, LINK_SILENCE, _WHILE_ARMED),
    (IF_WHEELS_TURNING, WHEELS_TURNING, _NEVER),
)


class Safety:
    def __init__(self, watchdog_reset):
        self.fault = NONE
        self.served = array("I", [0] * REQUESTS)
        self._enter_safe(WATCHDOG_RESET if watchdog_reset else POWER_UP)

    def _enter_safe(self, cause):
        self.armed = False
        self.rung = SAFE
        self.cause = cause
        self.hold_reason = age_gate.EMPTY
        if cause >= E_STOP and self.fault == NONE:
            self.fault = cause  # the first fault is the one to be told; later ones often follow from it

    def arm_refusal(self, conditions):
        """Why an arm request would be refused now; NONE: it would be granted."""
        if self.fault != NONE:
            return self.fault
        if conditions:
            for row in _TRIPS:
                if conditions & row[0]:
                    return row[1]
        return NONE

    def clear_refusal(self, conditions):
        """Why a clear_fault request would be refused now: the fault's condition still holds."""
        for row in _TRIPS:
            if conditions & row[0] and row[1] == self.fault:
                return self.fault
        return NONE

    def update(self, requests, conditions, gate):
        """One cycle: serve requests in the order in which they came, trip on conditions, pick the rung.

        ``requests``: array of the newest number of each kind, 0 for never, all drawn from one counter.
        """
        for _ in range(REQUESTS):
            kind = self._oldest_pending(requests)
            if kind == REQUESTS:
                break
            self._serve(kind, conditions)
            self.served[kind] = requests[kind]
        if conditions:
            self._trip(conditions)
        if self.armed:
            self._pick_rung(gate)

    def _oldest_pending(self, requests):
        oldest = REQUESTS
        for kind in range(REQUESTS):
            if requests[kind] != self.served[kind] and (
                oldest == REQUESTS or (requests[kind] - requests[oldest]) & 0x80000000
            ):
                oldest = kind
        return oldest

    def _serve(self, kind, conditions):
        if kind == DISARM:
            if self.armed:
                self._enter_safe(DISARMED)
        elif kind == ARM:
            if not self.armed and self.arm_refusal(conditions) == NONE:
                self.armed = True
                self.rung = HOLD
                self.cause = NONE
        elif self.clear_refusal(conditions) == NONE:
            if self.fault != NONE:
                self.cause = DISARMED
            self.fault = NONE

    def _trip(self, conditions):
        for row in _TRIPS:
            if conditions & row[0] and (row[2] == _ALWAYS or (row[2] == _WHILE_ARMED and self.armed)):
                self._enter_safe(row[1])
                return

    def _pick_rung(self, gate):
        if gate == age_gate.OPEN:
            self.rung = NOMINAL
            return
        # a dropped command leaves an empty gate behind; the reason it was dropped for is the one worth telling
        if self.rung == NOMINAL or gate != age_gate.EMPTY:
            self.hold_reason = gate
        self.rung = HOLD

    def duty(self, duty, most, least):
        """The last word before the motor driver: within the limits, 0 if not armed or not a number."""
        if not self.armed or self.rung == SAFE or not _MINUS_INFINITY < duty < _INFINITY:
            return 0.0
        return most if duty > most else least if duty < least else duty

    def reason(self):
        if self.rung == SAFE:
            return CAUSES[self.cause]
        return age_gate.NAMES[self.hold_reason] if self.rung == HOLD else b"ok"
