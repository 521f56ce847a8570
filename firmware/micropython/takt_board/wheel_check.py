"""Does a wheel answer the duty that it is given? (firmware/core, wheel_check.c, which tells how it judges)"""

import takt_contract as contract
from micropython import const

OK = const(0)
STALL = const(1)
BROKEN_WIRE = const(2)
WRONG_SIGN = const(3)
RUNAWAY = const(4)
IMPOSSIBLE = const(5)
NAMES = (b"ok", b"stall", b"broken_wire", b"wrong_sign", b"runaway", b"impossible_speed")

_DEAD_CYCLES = contract.SAFETY_ENCODER_FAULT_MS * contract.CONTROL_RATE_HZ // 1000
_STALL_CYCLES = contract.CONTROL_RATE_HZ // 2
_CONTRARY_CYCLES = _DEAD_CYCLES // 2
_DEAD_EFFORT = contract.SAFETY_ENCODER_DEAD_DUTY
_CONTRARY_EFFORT = contract.SAFETY_ENCODER_CONTRARY_DUTY
_MINUS_DEAD = -_DEAD_EFFORT
_MINUS_CONTRARY = -_CONTRARY_EFFORT
_SLOWING_RAD_S = contract.LIMITS_ACCELERATION_M_S2 / contract.ROBOT_WHEEL_RADIUS_M / contract.CONTROL_RATE_HZ
_TURNING_RAD_S = 1.0
_PEAK_DECAY = 0.97
_DITHER_COUNTS = const(1)  # with one of its two channels gone an encoder still toggles by one
_STEADY = 0.8  # not slower than this share of the cycle before: it was not braking


class WheelCheck:
    def __init__(self):
        self.reset()

    def reset(self):
        """The driver was off: forget everything."""
        self.found = OK  # first fault since the last reset; for reports
        self.still = False
        self.abrupt = False
        self.dead = 0
        self.contrary = 0
        self.lowest_counts = 0
        self.highest_counts = 0
        self.peak_rad_s = 0.0
        self.last_rad_s = 0.0
        self.recent_rad_s = 0.0  # in the two cycles before
        self.earlier_rad_s = 0.0

    def step(self, duty, setpoint_rad_s, speed_rad_s, position_counts):
        """Once for each new sample while the driver is on. True: a fault in this cycle."""
        effort = duty - contract.CONTROL_FEED_FORWARD_PER_RAD_S * speed_rad_s
        speed = speed_rad_s if speed_rad_s >= 0.0 else -speed_rad_s
        self._note_motion(position_counts)
        dead = self._is_dead(effort, setpoint_rad_s)
        contrary = self._is_contrary(effort, speed_rad_s, speed)
        fault = OK
        if dead:
            fault = BROKEN_WIRE if self.abrupt else STALL
        elif contrary:
            fault = WRONG_SIGN if speed_rad_s * setpoint_rad_s < 0.0 else RUNAWAY
        self._remember(speed)
        if fault != OK and self.found == OK:
            self.found = fault
        return fault != OK

    def _note_motion(self, position_counts):
        if position_counts < self.lowest_counts:
            self.lowest_counts = position_counts
        if position_counts > self.highest_counts:
            self.highest_counts = position_counts
        if self.highest_counts - self.lowest_counts > _DITHER_COUNTS:
            self.lowest_counts = position_counts
            self.highest_counts = position_counts
            self.still = False
        elif not self.still:
            self.still = True
            # the last cycle may hold counts from before a wire broke: it is the one before it that must be steady
            recent = self.recent_rad_s
            self.abrupt = recent >= _TURNING_RAD_S and recent >= _STEADY * self.earlier_rad_s

    def _is_dead(self, effort, setpoint_rad_s):
        # towards the setpoint only: an integrator that still pushes the other way is about to let go
        excited = (effort >= _DEAD_EFFORT and setpoint_rad_s > 0.0) or (
            effort <= _MINUS_DEAD and setpoint_rad_s < 0.0
        )
        self.dead = self.dead + 1 if self.still and excited else 0
        slowed_first = not self.abrupt and self.peak_rad_s >= _TURNING_RAD_S
        return self.dead >= (_STALL_CYCLES if slowed_first else _DEAD_CYCLES)

    def _is_contrary(self, effort, speed_rad_s, speed):
        against = (effort >= _CONTRARY_EFFORT and speed_rad_s < 0.0) or (
            effort <= _MINUS_CONTRARY and speed_rad_s > 0.0
        )
        against = against and speed >= _TURNING_RAD_S  # slower ones rock, as after a crash
        against = against and speed >= _TURNING_RAD_S  # slower ones rock: a robot thrown back by a wall
        slows = against and speed < self.last_rad_s - _SLOWING_RAD_S
        self.contrary = self.contrary + 1 if against and not slows else 0
        return self.contrary >= _CONTRARY_CYCLES

    def _remember(self, speed):
        self.earlier_rad_s = self.recent_rad_s
        self.recent_rad_s = self.last_rad_s
        self.last_rad_s = speed
        decayed = _PEAK_DECAY * self.peak_rad_s
        self.peak_rad_s = speed if speed >= decayed else decayed
