"""Which value of which diagnostic status is which metric: plain tables."""

from __future__ import annotations

from dataclasses import dataclass, field

MS, US, PPM, MV = 1e-3, 1e-6, 1e-6, 1e-3


@dataclass(frozen=True)
class Reading:
    """``key`` of a status -> sample of ``metric``.

    A ``*`` in ``key`` stands for any word, which becomes the value of the label ``word_label``. ``suffix`` "quantile"
    puts the label of that name on a summary's sample, "count" makes it the summary's count. ``words`` turns text into a
    number; text without one is no sample. A number is multiplied by ``scale``.
    """

    key: str
    metric: str
    scale: float = 1.0
    labels: dict[str, str] = field(default_factory=dict)
    word_label: str = ""
    words: dict[str, float] = field(default_factory=dict)
    is_count: bool = False


TRUTH = {"true": 1.0, "false": 0.0}
RUNGS = {"NOMINAL": 0.0, "REDUCED": 1.0, "HOLD": 2.0, "SAFE": 3.0}
BREAKER = {"CLOSED": 0.0, "OPEN": 1.0, "HALF_OPEN": 2.0}
_SIDES = ("left", "right")


def _quantiles(key: str, metric: str, scale: float, **labels: str) -> tuple[Reading, ...]:
    """p50, p95, p99 and max of a histogram; ``{}`` in ``key`` is where they stand. The max is quantile 1."""
    places = {"p50": "0.5", "p95": "0.95", "p99": "0.99", "max": "1"}
    return tuple(
        Reading(key.format(place), metric, scale, labels | {"quantile": quantile})
        for place, quantile in places.items()
    )


BOARD = {
    "base: safety": (
        Reading("rung", "takt_ladder_rung", labels={"computer": "board"}, words=RUNGS),
        Reading("armed", "takt_board_armed", words=TRUTH),
    ),
    "base: clock": (
        Reading("locked", "takt_clock_locked", words=TRUTH),
        Reading("bound_us", "takt_clock_bound_seconds", US),
        Reading("drift_ppm", "takt_clock_drift_ratio", PPM),
    ),
    "base: link": (
        Reading("state", "takt_link_connected", words={"connected": 1.0, "*": 0.0}),
        *(Reading(way, "takt_link_messages_total", labels={"direction": way}) for way in ("rx", "tx")),
        Reading("crc_errors", "takt_link_crc_errors_total"),
        Reading("retransmits", "takt_link_retransmits_total"),
        Reading("reconnects", "takt_link_reconnects_total"),
        Reading("dropped", "takt_link_dropped_total"),
        Reading("refused", "takt_link_refused_total"),
        Reading("round_trip_us", "takt_link_round_trip_seconds", US),
    ),
    "base: motors": (
        *(Reading(f"duty_{side}", "takt_motor_duty_ratio", labels={"wheel": side}) for side in _SIDES),
        *(
            Reading(f"{what}_{side}_rad_s", f"takt_wheel_{what}_radians_per_second", labels={"wheel": side})
            for what in ("setpoint", "speed")
            for side in _SIDES
        ),
        Reading("driver_enabled", "takt_motor_driver_enabled", words=TRUTH),
        Reading("supply_mv", "takt_supply_volts", MV),
    ),
    "base: loop": (
        Reading("cycles", "takt_board_cycles_total"),
        Reading("ledger_pending", "takt_board_ledger_pending"),
        Reading("miss_*", "takt_board_misses_total", word_label="cause"),
        Reading("uptime_ms", "takt_board_uptime_seconds", MS),
    ),
    "base: timing": (
        *_quantiles("release_jitter_{}_us", "takt_board_release_jitter_seconds", US),
        *_quantiles("execution_{}_us", "takt_board_execution_seconds", US),
    ),
    "base: commands": (
        Reading("refused_*", "takt_board_refused_commands_total", word_label="reason"),
        *_quantiles("photon_to_motor_{}_us", "takt_photon_to_motor_seconds", US),
        Reading("photon_to_motor_count", "takt_photon_to_motor_seconds", is_count=True),
    ),
}

# Keys of the board that are no metric, and why
LEFT_OUT = {
    "base: safety": {"reason", "fault", "contract"},  # words: the first two are labels of their own metrics
    "base: clock": {"epoch", "offset_ns"},  # of one boot; a float would not hold the offset
    "base: loop": {"misses", "skipped", "boot_count"},  # sums of what is there by cause; a random number
    "base: motors": {"encoder_left", "encoder_right"},  # words, told as the fault
}

HOST = {
    "ladder": (Reading("seconds_*", "takt_ladder_seconds_total", word_label="rung"),),
    "camera: capture": (
        Reading("captured", "takt_camera_frames_total"),
        Reading("source", "takt_camera_open", words={"open": 1.0, "*": 0.0}),
    ),
    "detector: detect": (
        Reading("detected", "takt_detector_frames_total"),
        Reading("breaker", "takt_detector_breaker_state", words=BREAKER),
        Reading("breaker_opened", "takt_detector_breaker_opened_total"),
        Reading("failed_*", "takt_detector_failures_total", word_label="reason"),
    ),
    "planner: plan": (
        Reading("wake_late_p99_ms", "takt_planner_wake_lateness_seconds", MS, {"quantile": "0.99"}),
        Reading("wakes_skipped", "takt_planner_skipped_wakes_total"),
        Reading("odometry_restarts", "takt_planner_odometry_restarts_total"),
    ),
    "recorder: recordings": (
        Reading("taken", "takt_recorder_messages_total"),
        Reading("dropped", "takt_recorder_dropped_total"),
        Reading("held_bytes", "takt_recorder_memory_bytes"),
        Reading("recording", "takt_recorder_recording", words={"True": 1.0, "False": 0.0}),
    ),
}

# of every line of the agent; the label ``line`` is added
AGENT = (
    Reading("open", "takt_agent_line_open", words={"True": 1.0, "False": 0.0}),
    Reading("sessions", "takt_agent_sessions"),
    Reading("sessions_opened", "takt_agent_sessions_opened_total"),
    Reading("sessions_closed", "takt_agent_sessions_closed_total"),
    Reading("reopened", "takt_agent_reopened_total"),
    *(Reading(f"bytes_{way}", "takt_agent_bytes_total", labels={"direction": way}) for way in ("rx", "tx")),
    *(Reading(way, "takt_agent_messages_total", labels={"direction": way}) for way in ("rx", "tx")),
    *(
        Reading(f"samples_{way}", "takt_agent_samples_total", labels={"direction": way})
        for way in ("to_ros", "to_board")
    ),
    Reading("drops_*", "takt_agent_drops_total", word_label="reason"),
    Reading("crc_errors", "takt_agent_crc_errors_total"),
    Reading("framing_errors", "takt_agent_framing_errors_total"),
    Reading("retransmits", "takt_agent_retransmits_total"),
    Reading("queue_depth", "takt_agent_queue_depth"),
    *(
        Reading(f"rtt_{place}_ms", "takt_agent_round_trip_seconds", MS, {"quantile": quantile})
        for place, quantile in (("min", "0"), ("p50", "0.5"), ("max", "1"))
    ),
    Reading("clock_drift_ppm", "takt_agent_clock_drift_ratio", PPM),
)

# of every status that has these keys; the label ``stage`` or ``status`` is added
STAGE = (
    *_quantiles("{}", "takt_stage_duration_seconds", MS),
    Reading("count", "takt_stage_duration_seconds", is_count=True),
    Reading("misses", "takt_stage_misses_total"),
    Reading("skipped_*", "takt_stage_skips_total", word_label="reason"),
)
PRIORITY = (
    Reading("fifo_asked", "takt_fifo_priority_asked"),
    Reading("fifo_granted", "takt_fifo_priority_granted"),
)
