"""The C core's structs (uctypes views of their bytes) <-> the objects of this firmware; for proofs and tests on a host.

A field that this firmware does not know keeps its value in the view, so that a comparison with C finds it by name.
"""

import uctypes
from c_layout import TYPES
from takt_board.encoder import HISTORY
from takt_board.safety import REQUESTS


def view(kind, data, offset=0):
    """The struct ``kind`` in ``data`` from ``offset`` on."""
    return uctypes.struct(uctypes.addressof(data) + offset, TYPES[kind], uctypes.NATIVE)


def load_command(c, command):
    command.sequence = c.sequence
    command.received_ns = c.received_ns
    command.stamp_ns = c.stamp_ns
    command.speed_m_s = c.speed_m_s
    command.yaw_rate_rad_s = c.yaw_rate_rad_s


def store_command(command, c):
    c.sequence = command.sequence
    c.received_ns = command.received_ns
    c.stamp_ns = command.stamp_ns
    c.speed_m_s = command.speed_m_s
    c.yaw_rate_rad_s = command.yaw_rate_rad_s


def load_ros(c, ros):
    ros.locked = bool(c.locked)
    ros.now_ns = c.now_ns
    ros.bound_ns = c.bound_ns


def load_sample(c, sample):
    sample.present = bool(c.present)
    sample.sequence = c.sequence
    sample.sample_ns = c.sample_ns
    sample.received_ns = c.received_ns
    sample.left = c.counts[0]
    sample.right = c.counts[1]
    sample.supply_mv = c.supply_mv
    sample.e_stop = bool(c.e_stop)
    sample.motor_fault = bool(c.motor_fault)


def load_requests(c, requests):
    for kind in range(REQUESTS):
        requests[kind] = c.newest[kind]


def load_inputs(c, inputs):
    inputs.now_ns = c.now_ns
    inputs.elapsed_ns = round(c.dt_s * 1e9)
    load_ros(c.ros, inputs.ros)
    load_command(c.command, inputs.command)
    load_requests(c.requests, inputs.requests)
    inputs.agent_heard_ns = c.agent_heard_ns
    inputs.agent_heard = bool(c.agent_heard)
    load_sample(c.encoder, inputs.encoder)
    inputs.miss_limit = bool(c.miss_limit)


def load_encoder(c, encoder):
    for i in range(HISTORY):
        sample = c.history[i]
        encoder.history_ns[i] = sample.sample_ns
        encoder.history_left[i] = sample.counts[0]
        encoder.history_right[i] = sample.counts[1]
    encoder.newest_sequence = c.history[0].sequence
    encoder.held = c.held
    encoder.left_counts = c.position_counts[0]
    encoder.right_counts = c.position_counts[1]
    encoder.left_rad_s = c.speed_rad_s[0]
    encoder.right_rad_s = c.speed_rad_s[1]
    encoder.cycles_without_sample = c.cycles_without_sample
    encoder.implausible_in_row = c.implausible_in_row
    encoder.left_wild = bool(c.wild[0])
    encoder.right_wild = bool(c.wild[1])
    encoder.fresh = bool(c.fresh)
    encoder.silent = bool(c.silent)
    encoder.fault = bool(c.fault)


def store_encoder(encoder, c):
    for i in range(HISTORY):
        sample = c.history[i]
        sample.sample_ns = encoder.history_ns[i]
        sample.counts[0] = encoder.history_left[i]
        sample.counts[1] = encoder.history_right[i]
    c.history[0].sequence = encoder.newest_sequence
    c.held = encoder.held
    c.position_counts[0] = encoder.left_counts
    c.position_counts[1] = encoder.right_counts
    c.speed_rad_s[0] = encoder.left_rad_s
    c.speed_rad_s[1] = encoder.right_rad_s
    c.cycles_without_sample = encoder.cycles_without_sample
    c.implausible_in_row = encoder.implausible_in_row
    c.wild[0] = encoder.left_wild
    c.wild[1] = encoder.right_wild
    c.fresh = encoder.fresh
    c.silent = encoder.silent
    c.fault = encoder.fault


def load_safety(c, safety):
    safety.rung = c.rung
    safety.armed = bool(c.armed)
    safety.cause = c.cause
    safety.fault = c.fault
    safety.hold_reason = c.hold_reason
    load_requests(c.served, safety.served)


def store_safety(safety, c):
    c.rung = safety.rung
    c.armed = safety.armed
    c.cause = safety.cause
    c.fault = safety.fault
    c.hold_reason = safety.hold_reason
    for kind in range(REQUESTS):
        c.served.newest[kind] = safety.served[kind]


def load_axis(c, axis):
    axis.value = c.value
    axis.rate = c.rate


def store_axis(axis, c):
    c.value = axis.value
    c.rate = axis.rate


def load_wheel(c, loop):
    loop.integral = c.integral_term
    loop.derivative = c.acceleration
    loop.measured = c.measured
    loop.output = c.output
    loop.primed = bool(c.primed)


def store_wheel(loop, c):
    c.integral_term = loop.integral
    c.acceleration = loop.derivative
    c.measured = loop.measured
    c.output = loop.output
    c.primed = loop.primed


def load_check(c, check):
    check.found = c.found
    check.still = bool(c.still)
    check.abrupt = bool(c.abrupt)
    check.dead = c.dead
    check.contrary = c.contrary
    check.lowest_counts = c.lowest_counts
    check.highest_counts = c.highest_counts
    check.peak_rad_s = c.peak_rad_s
    check.last_rad_s = c.last_rad_s
    check.recent_rad_s = c.recent_rad_s[0]
    check.earlier_rad_s = c.recent_rad_s[1]


def store_check(check, c):
    c.found = check.found
    c.still = check.still
    c.abrupt = check.abrupt
    c.dead = check.dead
    c.contrary = check.contrary
    c.lowest_counts = check.lowest_counts
    c.highest_counts = check.highest_counts
    c.peak_rad_s = check.peak_rad_s
    c.last_rad_s = check.last_rad_s
    c.recent_rad_s[0] = check.recent_rad_s
    c.recent_rad_s[1] = check.earlier_rad_s


def load_supply(c, supply):
    supply.below_low = c.below_low
    supply.below_brown_out = c.below_brown_out
    supply.low = bool(c.low)
    supply.brown_out = bool(c.brown_out)


def store_supply(supply, c):
    c.below_low = supply.below_low
    c.below_brown_out = supply.below_brown_out
    c.low = supply.low
    c.brown_out = supply.brown_out


def load_fate(c, fate):
    fate.present = bool(c.present)
    fate.disarmed = bool(c.disarmed)
    fate.verdict = c.verdict
    fate.stamp_ns = c.stamp_ns
    fate.cycle_ros_ns = c.cycle_ros_ns


def store_fate(fate, c):
    c.present = fate.present
    c.disarmed = fate.disarmed
    c.verdict = fate.verdict
    c.stamp_ns = fate.stamp_ns
    c.cycle_ros_ns = fate.cycle_ros_ns


def load_control(c, control):
    load_command(c.held, control.held)
    control.taken = c.taken
    load_encoder(c.encoder, control.encoder)
    load_axis(c.forward, control.forward)
    load_axis(c.yaw, control.yaw)
    load_wheel(c.wheel[0], control.left)
    load_wheel(c.wheel[1], control.right)
    load_safety(c.safety, control.safety)
    load_check(c.check[0], control.left_check)
    load_check(c.check[1], control.right_check)
    load_supply(c.supply, control.supply)
    control.left_setpoint_rad_s = c.setpoint_rad_s[0]
    control.right_setpoint_rad_s = c.setpoint_rad_s[1]
    control.driving = bool(c.driving)
    load_fate(c.fate, control.fate)
    control.applied_any = bool(c.applied_any)
    control.applied_stamp_ns = c.applied_stamp_ns
    for verdict in range(len(control.refused)):
        control.refused[verdict] = c.refused[verdict]


def store_control(control, c):
    store_command(control.held, c.held)
    c.taken = control.taken
    store_encoder(control.encoder, c.encoder)
    store_axis(control.forward, c.forward)
    store_axis(control.yaw, c.yaw)
    store_wheel(control.left, c.wheel[0])
    store_wheel(control.right, c.wheel[1])
    store_safety(control.safety, c.safety)
    store_check(control.left_check, c.check[0])
    store_check(control.right_check, c.check[1])
    store_supply(control.supply, c.supply)
    c.setpoint_rad_s[0] = control.left_setpoint_rad_s
    c.setpoint_rad_s[1] = control.right_setpoint_rad_s
    c.driving = control.driving
    store_fate(control.fate, c.fate)
    c.applied_any = control.applied_any
    c.applied_stamp_ns = control.applied_stamp_ns
    for verdict in range(len(control.refused)):
        c.refused[verdict] = control.refused[verdict]


def store_outputs(control, c):
    c.duty[0] = control.left_duty
    c.duty[1] = control.right_duty
    c.setpoint_rad_s[0] = control.kinematics.left_rad_s
    c.setpoint_rad_s[1] = control.kinematics.right_rad_s
    c.driver_enabled = control.driver_enabled
    c.conditions = control.conditions
    if control.report:
        store_fate(control.fate, c.applied)
