"""One cycle of the wheel controller: encoder and command in, duty out (firmware/core, control_tick.c)."""

from array import array

import takt_contract as contract
from micropython import const

from takt_board import age_gate, safety
from takt_board.age_gate import AgeGate, Command
from takt_board.encoder import Encoder
from takt_board.inputs import Applied
from takt_board.safety import Safety
from takt_board.supply import Supply
from takt_board.wheel_check import IMPOSSIBLE, WheelCheck
from takt_board.wheels import Axis, Kinematics, WheelLoop

_MS = const(1000000)
_ABSURD = 10.0  # a wish this many times above a limit is garbage
_IMPLAUSIBLE = 4.0  # a wheel never turns this many times faster than its limit
_STANDING_RAD_S = 1.0  # slower wheels count as at rest
_LINK_SILENCE_NS = contract.SAFETY_LINK_SILENCE_MS * _MS


def _make_axis(speed, acceleration, jerk):
    return Axis(speed, acceleration, jerk, contract.SAFETY_STOP_RAMP_MS * 1e-3)


def _make_wheel():
    return WheelLoop(
        contract.CONTROL_FEED_FORWARD_PER_RAD_S,
        contract.CONTROL_KP_PER_RAD_S,
        contract.CONTROL_KI_PER_RAD,
        contract.CONTROL_KD_S_PER_RAD,
        contract.CONTROL_DERIVATIVE_FILTER_HZ,
        contract.CONTROL_DUTY_LIMIT,
        contract.CONTROL_DUTY_SLEW_PER_S,
    )


def _make_gate():
    return AgeGate(
        contract.TOPICS_CMD_VEL_MAX_AGE_MS * _MS,
        contract.SAFETY_COMMAND_SILENCE_MS * _MS,
        contract.LINK_CLOCK_BOUND_LIMIT_MS * _MS,
        _ABSURD * contract.LIMITS_SPEED_M_S,
        _ABSURD * contract.LIMITS_YAW_RATE_RAD_S,
    )


def _make_encoder():
    period_ns = 1000000000 // contract.CONTROL_RATE_HZ
    return Encoder(
        6.283185307179586 / contract.ROBOT_ENCODER_COUNTS_PER_REV,
        period_ns - period_ns // 5,  # uneven arrival makes some gaps shorter than a period
        20 * period_ns,
        _IMPLAUSIBLE * contract.LIMITS_WHEEL_SPEED_RAD_S,
        3,
        6,  # the sixth cycle without a sample: more than 50 ms at 100 Hz
    )


class Control:
    """State and outputs of the controller. Default: SAFE, disarmed, duty 0."""

    def __init__(self, watchdog_reset=False):
        self.period_s = 1.0 / contract.CONTROL_RATE_HZ
        self.shortest_s = 0.1 * self.period_s
        self.longest_s = 5.0 * self.period_s
        self.gate = _make_gate()
        self.forward = _make_axis(
            contract.LIMITS_SPEED_M_S, contract.LIMITS_ACCELERATION_M_S2, contract.LIMITS_JERK_M_S3
        )
        self.yaw = _make_axis(
            contract.LIMITS_YAW_RATE_RAD_S,
            contract.LIMITS_YAW_ACCELERATION_RAD_S2,
            contract.LIMITS_YAW_JERK_RAD_S3,
        )
        self.kinematics = Kinematics(
            contract.ROBOT_WHEEL_RADIUS_M,
            contract.ROBOT_WHEEL_SEPARATION_M,
            contract.LIMITS_WHEEL_SPEED_RAD_S,
        )
        self.encoder = _make_encoder()
        self.left = _make_wheel()
        self.right = _make_wheel()
        self.left_check = WheelCheck()
        self.right_check = WheelCheck()
        self.supply = Supply()
        self.safety = Safety(watchdog_reset)
        self.held = Command()
        self.taken = 0
        self.left_setpoint_rad_s = 0.0  # that the wheel loops followed last
        self.right_setpoint_rad_s = 0.0
        self.driving = False
        self.fate = Applied()
        self.applied_any = False
        self.applied_stamp_ns = 0
        self.refused = array("I", [0] * len(age_gate.NAMES))
        # outputs of the newest cycle; before the first nothing is known, which is reason enough not to arm
        self.left_duty = 0.0
        self.right_duty = 0.0
        self.driver_enabled = False
        self.conditions = safety.IF_ENCODER_SILENT | safety.IF_LINK_SILENT
        self.report = False  # `fate` is worth a report

    def tick(self, inputs):
        """The data path, one cycle."""
        dt_s = inputs.elapsed_ns * 1e-9
        if not dt_s > self.shortest_s:
            dt_s = self.shortest_s
        elif dt_s > self.longest_s:
            dt_s = self.longest_s
        self.encoder.update(inputs.encoder)
        if self.encoder.fresh:
            self.supply.update(inputs.encoder.supply_mv)
        verdict = self._gate_command(inputs)
        self.conditions = self._find_conditions(inputs)
        self.safety.update(inputs.requests, self.conditions, verdict)
        self._shape_setpoint(dt_s)
        self.kinematics.to_wheels(self.forward.value, self.yaw.value)
        self._run_wheels(dt_s)
        self._report_command(inputs, verdict)

    def put_drive(self, floats):
        """Duty and setpoints of both wheels into an array of four floats."""
        floats[0] = self.left_duty
        floats[1] = self.right_duty
        floats[2] = self.kinematics.left_rad_s
        floats[3] = self.kinematics.right_rad_s

    def _gate_command(self, inputs):
        """Judges the held command anew in every cycle; a refused one is dropped and counted once."""
        held = self.held
        if inputs.command.sequence != self.taken:
            held.copy(inputs.command)
            self.taken = held.sequence
        verdict = self.gate.judge(held, inputs.ros, inputs.now_ns)
        if verdict != age_gate.OPEN and verdict != age_gate.EMPTY:
            self.refused[verdict] += 1
            held.sequence = 0
        return verdict

    def _find_conditions(self, inputs):
        sample = inputs.encoder
        encoder = self.encoder
        found = 0
        if sample.present:
            if sample.e_stop:
                found |= safety.IF_E_STOP
            if sample.motor_fault:
                found |= safety.IF_MOTOR_FAULT
        if self._check_wheels(encoder):
            found |= safety.IF_ENCODER_FAULT
        if self.supply.brown_out:
            found |= safety.IF_BROWN_OUT
        if encoder.silent:
            found |= safety.IF_ENCODER_SILENT
        if inputs.miss_limit:
            found |= safety.IF_MISS_LIMIT
        if not inputs.agent_heard or inputs.now_ns - inputs.agent_heard_ns >= _LINK_SILENCE_NS:
            found |= safety.IF_LINK_SILENT
        if not (
            -_STANDING_RAD_S <= encoder.left_rad_s <= _STANDING_RAD_S
            and -_STANDING_RAD_S <= encoder.right_rad_s <= _STANDING_RAD_S
        ):
            found |= safety.IF_WHEELS_TURNING
        return found

    def _check_wheels(self, encoder):
        """Holds the wheels against the duty of the last cycle. True: one of them does not answer it."""
        if encoder.fault:
            if encoder.left_wild:
                self.left_check.found = IMPOSSIBLE
            if encoder.right_wild:
                self.right_check.found = IMPOSSIBLE
        if not self.driving or not encoder.fresh:
            return encoder.fault
        left = self.left_check.step(
            self.left.output, self.left_setpoint_rad_s, encoder.left_rad_s, encoder.left_counts
        )
        right = self.right_check.step(
            self.right.output, self.right_setpoint_rad_s, encoder.right_rad_s, encoder.right_counts
        )
        return left or right or encoder.fault

    def _shape_setpoint(self, dt_s):
        """NOMINAL follows the command, HOLD ramps to a stop, SAFE stands at zero."""
        rung = self.safety.rung
        if rung == safety.SAFE:
            self.forward.rest()
            self.yaw.rest()
        elif rung == safety.HOLD:
            self.forward.stop(dt_s)
            self.yaw.stop(dt_s)
        else:
            self.forward.follow(self.held.speed_m_s, dt_s)
            self.yaw.follow(self.held.yaw_rate_rad_s, dt_s)

    def _run_wheels(self, dt_s):
        """Wheel loops run only while armed; on the first armed cycle they take over from the duty that acts then: 0."""
        armed = self.safety.armed
        if armed:
            if not self.driving:
                self.left_check.reset()
                self.right_check.reset()
            kinematics = self.kinematics
            encoder = self.encoder
            loop = self.left
            gain = loop.ki * dt_s
            step = loop.slew_per_s * dt_s
            self.left_duty = self._run_wheel(
                loop, kinematics.left_rad_s, encoder.left_rad_s, dt_s, gain, step
            )
            self.right_duty = self._run_wheel(
                self.right, kinematics.right_rad_s, encoder.right_rad_s, dt_s, gain, step
            )
            self.left_setpoint_rad_s = kinematics.left_rad_s
            self.right_setpoint_rad_s = kinematics.right_rad_s
        else:
            self.left.reset()
            self.right.reset()
            self.left_duty = 0.0
            self.right_duty = 0.0
        self.driving = armed
        self.driver_enabled = armed

    def _run_wheel(self, loop, setpoint_rad_s, measured_rad_s, dt_s, gain, step):
        if not self.driving:
            loop.resume(setpoint_rad_s, measured_rad_s)
        wish = loop.step(setpoint_rad_s, measured_rad_s, dt_s, gain, step)
        return self.safety.duty(wish, loop.most, loop.least)

    def _report_command(self, inputs, verdict):
        """`report` for the first application of an observation, and for a refusal whose reason is new."""
        self.report = False
        if verdict == age_gate.EMPTY or verdict == age_gate.SILENCE:
            return
        fate = self.fate
        disarmed = verdict == age_gate.OPEN and not self.safety.armed
        changed = not fate.present or verdict != fate.verdict or disarmed != fate.disarmed
        fate.present = True
        fate.disarmed = disarmed
        fate.verdict = verdict
        fate.stamp_ns = self.held.stamp_ns
        fate.cycle_ros_ns = inputs.ros.now_ns if inputs.ros.locked else 0
        if verdict != age_gate.OPEN or disarmed:
            self.report = changed
            return
        self.report = not self.applied_any or fate.stamp_ns != self.applied_stamp_ns
        self.applied_any = True
        self.applied_stamp_ns = fate.stamp_ns
