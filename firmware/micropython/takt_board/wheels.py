"""From body motion to duty: shaping, kinematics, wheel controller (firmware/core: shaping.c, kinematics.c, pid.c).

Every float that an expression makes is 32 bytes of heap on a 64-bit machine until the next collection, so numbers that
do not change are computed once and comparisons are used where C calls fabsf and copysignf.
"""

from math import sqrt


class Axis:
    """Forward speed or yaw rate: the setpoint, its rate of change, and their limits."""

    def __init__(self, speed, acceleration, jerk, stop_s):
        self.most = speed
        self.least = -speed
        self.rate_most = acceleration
        self.rate_least = -acceleration
        self.half_jerk = 0.5 * jerk
        self.two_jerk = 2.0 * jerk
        self.stop_rate = speed / stop_s
        self.value = 0.0
        self.rate = 0.0

    def rest(self):
        self.value = 0.0
        self.rate = 0.0

    def follow(self, wish, dt_s):
        """Move the setpoint towards ``wish`` within all limits."""
        if wish > self.most:
            wish = self.most
        elif wish < self.least:
            wish = self.least
        error = wish - self.value
        half_step = self.half_jerk * dt_s
        rate = self._rise(error, half_step, dt_s) if error >= 0.0 else self._fall(error, half_step, dt_s)
        change = rate - self.rate
        step = half_step + half_step
        if change > step:
            rate = self.rate + step
        elif change < 0.0 and change + step < 0.0:
            rate = self.rate - step
        if rate > self.rate_most:
            rate = self.rate_most
        elif rate < self.rate_least:
            rate = self.rate_least
        self.rate = rate
        value = self.value + rate * dt_s
        if value > self.most:
            value = self.most
        elif value < self.least:
            value = self.least
        self.value = value

    def _rise(self, error, half_step, dt_s):
        """Largest rate from which the rate comes to zero, jerk limited, just when the wish is reached."""
        rate = sqrt(half_step * half_step + self.two_jerk * error) - half_step
        reach = error / dt_s
        if rate > reach:
            rate = reach
        return self.rate_most if rate > self.rate_most else rate

    def _fall(self, error, half_step, dt_s):
        """The same downwards; mirrored here because a sign that is turned is a float more."""
        rate = half_step - sqrt(half_step * half_step - self.two_jerk * error)
        reach = error / dt_s
        if rate < reach:
            rate = reach
        return self.rate_least if rate < self.rate_least else rate

    def stop(self, dt_s):
        """The reaction to a lost command: straight to zero at stop_rate, exempt from the jerk limit."""
        step = self.stop_rate * dt_s
        hair = 1.001 * step  # rounding must not cost the ramp a further cycle
        self.rate = 0.0
        value = self.value
        if value > hair:
            self.value = value - step
        elif value + hair < 0.0:
            self.value = value + step
        else:
            self.value = 0.0


class Kinematics:
    """Differential drive. Past the wheel limit both wheels are scaled by one factor: slower, on the same curve."""

    def __init__(self, wheel_radius_m, wheel_separation_m, wheel_speed_limit_rad_s):
        self.per_metre = 1.0 / wheel_radius_m
        self.per_radian = 0.5 * wheel_separation_m / wheel_radius_m
        self.most = wheel_speed_limit_rad_s
        self.least = -wheel_speed_limit_rad_s
        self.left_rad_s = 0.0
        self.right_rad_s = 0.0

    def to_wheels(self, speed_m_s, yaw_rate_rad_s):
        straight = speed_m_s * self.per_metre
        sideways = yaw_rate_rad_s * self.per_radian
        left = straight - sideways
        right = straight + sideways
        if not (self.least <= left <= self.most and self.least <= right <= self.most):
            fastest = max(abs(left), abs(right))
            scale = self.most / fastest
            left = left * scale
            right = right * scale
        self.left_rad_s = left
        self.right_rad_s = right


class WheelLoop:
    """Feed-forward and PID of one wheel: derivative on the measurement, conditional anti-windup, slew limit."""

    def __init__(self, feed_forward, kp, ki, kd, filter_hz, output_limit, slew_per_s):
        self.feed_forward = feed_forward
        self.kp = kp
        self.ki = ki
        self.kd = kd
        self.filter_rate = 6.283185307179586 * filter_hz
        self.most = output_limit
        self.least = -output_limit
        self.slew_per_s = slew_per_s
        self.reset()

    def reset(self):
        self.integral = 0.0
        self.derivative = 0.0  # filtered rate of the measurement
        self.measured = 0.0
        self.output = 0.0
        self.primed = False

    def resume(self, setpoint_rad_s, measured_rad_s):
        """Take over from duty 0: the integrator is set such that the next step would give it again."""
        self.reset()
        self.measured = measured_rad_s
        self.primed = True
        wish = self.feed_forward * setpoint_rad_s + self.kp * (setpoint_rad_s - measured_rad_s)
        self.integral = self._limit(-wish)

    def _limit(self, value):
        return self.most if value > self.most else self.least if value < self.least else value

    def _damping(self, measured_rad_s, dt_s):
        """First-order low-pass of the difference quotient, backward Euler."""
        if self.primed:
            weight = self.filter_rate * dt_s
            raw = (measured_rad_s - self.measured) / dt_s
            self.derivative += (raw - self.derivative) * (weight / (1.0 + weight))
        self.measured = measured_rad_s
        self.primed = True
        return self.kd * self.derivative

    def step(self, setpoint_rad_s, measured_rad_s, dt_s, gain, step):
        """The duty, at most ``step`` = slew_per_s * dt_s away from the last one; ``gain`` is ki * dt_s.

        Both are the same for all wheels, so the caller computes them once.
        """
        error = setpoint_rad_s - measured_rad_s
        growth = gain * error
        integral = self.integral + growth
        if integral > self.most:
            integral = self.most
        elif integral < self.least:
            integral = self.least
        wish = self.feed_forward * setpoint_rad_s + self.kp * error + integral
        if self.kd:
            wish -= self._damping(measured_rad_s, dt_s)
        output = self.most if wish > self.most else self.least if wish < self.least else wish
        change = output - self.output
        if change > step:
            output = self.output + step
        elif change < 0.0 and change + step < 0.0:
            output = self.output - step
        self.output = output
        # committed unless the output is clipped and the growth would push it further into the clip
        if not (wish > output and growth > 0.0) and not (wish < output and growth < 0.0):
            self.integral = integral
        return output
