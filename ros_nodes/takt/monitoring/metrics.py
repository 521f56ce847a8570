"""Every metric with its kind, unit and labels: the one table behind the endpoint, the alerts and the dashboard.

Names follow Prometheus' conventions: base units in the name, ``_total`` for what only grows.
"""

from __future__ import annotations

from dataclasses import dataclass

GAUGE, COUNTER, SUMMARY = "gauge", "counter", "summary"


@dataclass(frozen=True)
class Metric:
    """One family. ``name`` is what a query says, with ``_total`` where it counts."""

    name: str
    kind: str
    labels: tuple[str, ...]
    help: str


def _table(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


METRICS = _table(
    Metric("takt_contract_info", GAUGE, ("hash",), "The contract this computer obeys; always 1"),
    Metric("takt_diagnostic_level", GAUGE, ("status",), "Level of a status: 0 OK, 1 WARN, 2 ERROR"),
    Metric("takt_diagnostic_age_seconds", GAUGE, ("status",), "Since a status was last heard"),
    Metric("takt_misses_total", COUNTER, ("source", "cause"), "The ledger's misses by who was to blame"),
    # stages of the host
    Metric("takt_stage_budget_seconds", GAUGE, ("stage",), "What the contract gives a stage"),
    Metric("takt_stage_duration_seconds", SUMMARY, ("stage",), "Entry to exit of a stage since its start"),
    Metric("takt_stage_misses_total", COUNTER, ("stage",), "Passes over budget"),
    Metric("takt_stage_skips_total", COUNTER, ("stage", "reason"), "Work that was not begun"),
    Metric("takt_photon_to_motor_seconds", SUMMARY, (), "Capture to motor, measured by the board"),
    # the ladder, on both computers
    Metric("takt_ladder_rung", GAUGE, ("computer",), "0 NOMINAL, 1 REDUCED, 2 HOLD, 3 SAFE"),
    Metric("takt_ladder_rung_info", GAUGE, ("computer", "rung", "reason"), "Rung and reason in words; 1"),
    Metric("takt_ladder_seconds_total", COUNTER, ("rung",), "Time spent on each rung of the host"),
    # the board
    Metric("takt_board_cycles_total", COUNTER, (), "Control cycles run"),
    Metric("takt_board_misses_total", COUNTER, ("cause",), "Missed control deadlines by cause"),
    Metric("takt_board_ledger_pending", GAUGE, (), "Miss records that the host has not confirmed"),
    Metric("takt_board_uptime_seconds", GAUGE, (), "Since the board started"),
    Metric("takt_board_release_jitter_seconds", SUMMARY, (), "Lateness of a control cycle's begin"),
    Metric("takt_board_execution_seconds", SUMMARY, (), "Duration of a control cycle"),
    Metric("takt_board_armed", GAUGE, (), "1 while the motors may turn"),
    Metric("takt_board_fault", GAUGE, ("fault",), "The latched fault; 1"),
    Metric("takt_board_refused_commands_total", COUNTER, ("reason",), "Commands that the board refused"),
    Metric("takt_motor_driver_enabled", GAUGE, (), "1 while the driver is switched on"),
    Metric("takt_motor_duty_ratio", GAUGE, ("wheel",), "Share of the supply voltage, -1 to 1"),
    Metric("takt_wheel_setpoint_radians_per_second", GAUGE, ("wheel",), "Wanted speed"),
    Metric("takt_wheel_speed_radians_per_second", GAUGE, ("wheel",), "Measured speed"),
    Metric("takt_supply_volts", GAUGE, (), "Supply voltage; 0 where it is not measured"),
    # link and clock, as the board sees them
    Metric("takt_link_connected", GAUGE, (), "1 while the board has a session"),
    Metric("takt_link_round_trip_seconds", GAUGE, (), "Last time exchange, measured by the board"),
    Metric("takt_link_messages_total", COUNTER, ("direction",), "XRCE messages of the board, rx and tx"),
    Metric("takt_link_crc_errors_total", COUNTER, (), "Frames that the board threw away"),
    Metric("takt_link_retransmits_total", COUNTER, (), "Messages that the board sent again"),
    Metric("takt_link_reconnects_total", COUNTER, (), "Sessions after the board's first"),
    Metric("takt_link_dropped_total", COUNTER, (), "Messages that the board had no room for"),
    Metric("takt_link_refused_total", COUNTER, (), "Messages that the board refused"),
    Metric("takt_clock_locked", GAUGE, (), "1 while the board knows ROS time"),
    Metric("takt_clock_bound_seconds", GAUGE, (), "How far off the board's ROS time can be"),
    Metric("takt_clock_drift_ratio", GAUGE, (), "Drift of the board's clock"),
    # the agent, a line each
    Metric("takt_agent_line_open", GAUGE, ("line",), "1 while the device is open"),
    Metric("takt_agent_sessions", GAUGE, ("line",), "Boards connected"),
    Metric("takt_agent_sessions_opened_total", COUNTER, ("line",), "Sessions begun"),
    Metric("takt_agent_sessions_closed_total", COUNTER, ("line",), "Sessions ended"),
    Metric("takt_agent_reopened_total", COUNTER, ("line",), "Devices opened again"),
    Metric("takt_agent_bytes_total", COUNTER, ("line", "direction"), "Bytes on the line"),
    Metric("takt_agent_messages_total", COUNTER, ("line", "direction"), "XRCE messages"),
    Metric("takt_agent_samples_total", COUNTER, ("line", "direction"), "Samples to_ros and to_board"),
    Metric("takt_agent_drops_total", COUNTER, ("line", "reason"), "Messages thrown away"),
    Metric("takt_agent_crc_errors_total", COUNTER, ("line",), "Frames with a wrong CRC"),
    Metric("takt_agent_framing_errors_total", COUNTER, ("line",), "Bytes that made no frame"),
    Metric("takt_agent_retransmits_total", COUNTER, ("line",), "Messages sent again"),
    Metric("takt_agent_queue_depth", GAUGE, ("line",), "Messages that wait for the board"),
    Metric("takt_agent_round_trip_seconds", SUMMARY, ("line",), "The last 64 answers of the board"),
    Metric("takt_agent_clock_drift_ratio", GAUGE, ("line",), "Drift seen by the agent"),
    # camera, detector, planner
    Metric("takt_camera_frames_total", COUNTER, (), "Pictures taken"),
    Metric("takt_camera_open", GAUGE, (), "1 while the source delivers"),
    Metric("takt_detector_frames_total", COUNTER, (), "Pictures looked through"),
    Metric("takt_detector_breaker_state", GAUGE, (), "0 CLOSED (well), 1 OPEN, 2 HALF_OPEN"),
    Metric("takt_detector_breaker_opened_total", COUNTER, (), "Times the model was set aside"),
    Metric("takt_detector_failures_total", COUNTER, ("reason",), "Failures of the model"),
    Metric("takt_planner_wake_lateness_seconds", SUMMARY, (), "Lateness of the planner's ticks"),
    Metric("takt_planner_skipped_wakes_total", COUNTER, (), "Ticks left out"),
    Metric("takt_planner_odometry_restarts_total", COUNTER, (), "Times that odometry began anew"),
    # the recorder
    Metric("takt_recorder_messages_total", COUNTER, (), "Messages taken by the recorder"),
    Metric("takt_recorder_dropped_total", COUNTER, (), "Messages for which memory or disk had no room"),
    Metric("takt_recorder_memory_bytes", GAUGE, (), "Held by the black box"),
    Metric("takt_recorder_recording", GAUGE, (), "1 while a recording is being written"),
    # what the kernel was asked and gave
    Metric("takt_fifo_priority_asked", GAUGE, ("status",), "SCHED_FIFO priority asked for; 0 is none"),
    Metric("takt_fifo_priority_granted", GAUGE, ("status",), "SCHED_FIFO priority granted; 0 is none"),
)
