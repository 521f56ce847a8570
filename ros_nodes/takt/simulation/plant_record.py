"""The plant's state at one instant, as one fixed record: the same bytes in shared memory and in the log."""

from __future__ import annotations

import numpy as np

ROBOT_QPOS = 9  # free joint: position 3, quaternion 4; left and right wheel angle

RECORD = np.dtype(
    [
        ("stamp_ns", "<i8"),  # ROS time at which the plant had this state
        ("plant_ns", "<i8"),  # the plant's own time
        ("motion_ns", "<i8"),  # since the target began to move; -1 before
        ("qpos", "<f8", (ROBOT_QPOS,)),
        ("robot_x_m", "<f8"),
        ("robot_y_m", "<f8"),
        ("robot_yaw_rad", "<f8"),
        ("robot_speed_m_s", "<f8"),  # along its own x axis
        ("target_x_m", "<f8"),
        ("target_y_m", "<f8"),
        ("panel", "<f8", (3,)),  # x, y in m, yaw in rad; NaN while out of sight
        ("wheel_speed_rad_s", "<f4", (2,)),
        ("duty", "<f4", (2,)),  # what the windings got; 0 while the driver is off
        ("setpoint_rad_s", "<f4", (2,)),  # as the board told it
        ("supply_v", "<f4"),
        ("duty_age_ms", "<f4"),  # since the last duty frame; inf before the first
        ("touched", "<u4"),  # one bit for each thing the robot touches, see Plant.touch_names
        ("driver_enabled", "?"),  # enabled by the board and not silent
        ("armed", "?"),
        ("in_collision", "?"),
        ("target_in_motion", "?"),
        ("rung", "u1"),  # index into plant_protocol.RUNGS
        ("reserved", "u1", (7,)),
    ],
    align=False,
)
assert RECORD.itemsize % 8 == 0  # words that follow it stay aligned
