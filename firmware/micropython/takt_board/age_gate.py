"""Age gate: decides in every cycle whether the held command may still move the robot (firmware/core, age_gate.c)."""

from micropython import const

OPEN = const(0)
EMPTY = const(1)
NAN = const(2)
CLOCK = const(3)
ZERO = const(4)
FUTURE = const(5)
STALE = const(6)
SILENCE = const(7)
NAMES = (b"applied", b"no_command", b"nan", b"clock", b"zero", b"future", b"stale", b"silence")


class Command:
    """The newest received command. ``sequence`` 0: none."""

    def __init__(self):
        self.sequence = 0
        self.received_ns = 0
        self.stamp_ns = 0
        self.speed_m_s = 0.0
        self.yaw_rate_rad_s = 0.0

    def copy(self, other):
        self.sequence = other.sequence
        self.received_ns = other.received_ns
        self.stamp_ns = other.stamp_ns
        self.speed_m_s = other.speed_m_s
        self.yaw_rate_rad_s = other.yaw_rate_rad_s


class RosTime:
    """ROS time at one instant of board time."""

    def __init__(self):
        self.locked = False
        self.now_ns = 0
        self.bound_ns = 0


class AgeGate:
    def __init__(self, max_age_ns, silence_ns, bound_limit_ns, speed_absurd_m_s, yaw_rate_absurd_rad_s):
        self.max_age_ns = max_age_ns
        self.silence_ns = silence_ns
        self.bound_limit_ns = bound_limit_ns
        self.speed_most = speed_absurd_m_s
        self.speed_least = -speed_absurd_m_s
        self.yaw_most = yaw_rate_absurd_rad_s
        self.yaw_least = -yaw_rate_absurd_rad_s

    def judge(self, command, ros, now_ns):
        """The verdict on ``command`` at board time ``now_ns``."""
        if command.sequence == 0:
            return EMPTY
        # false for NaN and infinities, too
        if not (
            self.speed_least <= command.speed_m_s <= self.speed_most
            and self.yaw_least <= command.yaw_rate_rad_s <= self.yaw_most
        ):
            return NAN
        if now_ns - command.received_ns >= self.silence_ns:
            return SILENCE
        if not ros.locked or ros.now_ns <= 0 or ros.bound_ns > self.bound_limit_ns:
            return CLOCK
        if command.stamp_ns <= 0:
            return ZERO
        if command.stamp_ns > ros.now_ns + ros.bound_ns:
            return FUTURE
        if ros.now_ns + ros.bound_ns > command.stamp_ns + self.max_age_ns:
            return STALE
        return OPEN
