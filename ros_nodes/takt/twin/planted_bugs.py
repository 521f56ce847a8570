"""Bugs of one line each, as somebody might make them; `takt chaos` has to find every one of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Bug:
    """``old`` stands exactly once in ``file`` (relative to the source tree) and becomes ``new``."""

    name: str
    what: str
    file: str
    old: str
    new: str

    @property
    def in_firmware(self) -> bool:
        return self.file.startswith("firmware/")


_CORE = "firmware/core/src/"
_TAKT = "ros_nodes/takt/"

BUGS = (
    Bug(
        "late-age-gate",
        "the age gate lets a command live for one control period longer",
        _CORE + "age_gate.c",
        "stamp_ns + config->max_age_ns)",
        "stamp_ns + config->max_age_ns + 10000000u)",
    ),
    Bug(
        "record-lost-on-reconnect",
        "on a new connection the oldest ledger record counts as confirmed",
        _CORE + "telemetry.c",
        "        start_over(telemetry);\n    }\n    telemetry->connected",
        "        start_over(telemetry);"
        " (void)takt_ledger_confirm(&board->ledger, takt_ledger_at(&board->ledger, 0)->last);\n"
        "    }\n    telemetry->connected",
    ),
    Bug(
        "ladder-without-stale",
        "the ladder does not go to HOLD when perception is old",
        _TAKT + "deadlines/ladder.py",
        "(conditions.perception_age_ms > limits.hold_perception_age_ms, Rung.HOLD",
        "(False, Rung.HOLD",
    ),
    Bug(
        "wind-up",
        "the wheel loop's integral grows while the output is at its limit",
        _CORE + "pid.c",
        "if (!((wish - pid->output) * growth > 0.0f)) {",
        "if (growth != 0.0f) {",
    ),
    Bug(
        "clock-steps-back",
        "a correction of the board's clock enters at once instead of being slewed",
        _CORE + "clock.c",
        "const bool slew = begun && !far;",
        "const bool slew = false;",
    ),
    Bug(
        "follows-the-lost",
        "the planner drives on to where it believes a target that it has lost",
        _TAKT + "planning/follower.py",
        "if self.track is None or self.lost:",
        "if self.track is None:",
    ),
    Bug(
        "resume-without-slew",
        "a setpoint jumps to its command instead of being shaped",
        _CORE + "shaping.c",
        "axis->rate = within(axis->rate + within(change, limits->jerk * dt_s), limits->acceleration);",
        "axis->rate = (error + 0.0f * change) / dt_s;",
    ),
    Bug(
        "arms-unasked",
        "an arm request that was served stays pending, and is served again",
        _CORE + "safety.c",
        "safety->served.newest[request] = requests->newest[request];",
        "safety->served.newest[request] += request == TAKT_REQUEST_ARM"
        " ? 0u : requests->newest[request] - safety->served.newest[request];",
    ),
    Bug(
        "encoders-trusted",
        "what the wheel check finds disarms nobody",
        _CORE + "control_tick.c",
        "conditions |= check_wheels(control, config) ? TAKT_CONDITION_ENCODER_FAULT : 0u;",
        "(void)check_wheels(control, config);",
    ),
    Bug(
        "double-limit",
        "the planner allows itself twice the speed",
        _TAKT + "planning/limits.py",
        "            limits.speed_m_s,\n            min(reverse_m_s",
        "            2.0 * limits.speed_m_s,\n            min(reverse_m_s",
    ),
    Bug(
        "late-hold",
        "the ladder goes to HOLD 200 ms later than it should",
        _TAKT + "deadlines/ladder.py",
        "(conditions.perception_age_ms > limits.hold_perception_age_ms, Rung.HOLD",
        "(conditions.perception_age_ms > limits.hold_perception_age_ms + 200.0, Rung.HOLD",
    ),
    Bug(
        "stop-forgotten",
        "a supervisor that starts does not find the STOP of the one before it",
        _TAKT + "supervision/stop_file.py",
        "return self._path.exists()",
        "return False",
    ),
    Bug(
        "silence-ignored",
        "the board drives on when commands stop coming",
        _CORE + "age_gate.c",
        "now_ns - command->received_ns >= config->silence_ns)",
        "now_ns - command->received_ns >= 3u * config->silence_ns)",
    ),
    Bug(
        "link-silence-ignored",
        "the board stays armed without an agent",
        _CORE + "safety.c",
        "{TAKT_CONDITION_LINK_SILENT, TAKT_CAUSE_LINK_SILENCE, TRIPS_WHILE_ARMED},",
        "{TAKT_CONDITION_LINK_SILENT, TAKT_CAUSE_LINK_SILENCE, TRIPS_NEVER},",
    ),
    Bug(
        "red-button-ignored",
        "the red button keeps the robot from arming and does not disarm it",
        _CORE + "safety.c",
        "{TAKT_CONDITION_E_STOP, TAKT_CAUSE_E_STOP, TRIPS_ALWAYS},",
        "{TAKT_CONDITION_E_STOP, TAKT_CAUSE_E_STOP, TRIPS_NEVER},",
    ),
    Bug(
        "ladder-without-board",
        "the ladder does not follow a board that went to SAFE",
        _TAKT + "deadlines/ladder.py",
        "(conditions.board_rung is Rung.SAFE, Rung.SAFE",
        "(False, Rung.SAFE",
    ),
    Bug(
        "ladder-without-link",
        "the ladder does not go to SAFE when the board is silent",
        _TAKT + "deadlines/ladder.py",
        "(conditions.link_age_ms > limits.safe_link_silence_ms, Rung.SAFE",
        "(False, Rung.SAFE",
    ),
    Bug(
        "clock-step-unnoticed",
        "the board does not notice that the host's clock was set",
        _CORE + "clock.c",
        "return apart_ns > half_ns + statement_bound(&filter->clock, middle_ns);",
        "return apart_ns > half_ns + statement_bound(&filter->clock, middle_ns) + UINT64_MAX / 2u;",
    ),
    Bug(
        "memory-lost-on-reset",
        "a board that is reset forgets the records that nobody has confirmed",
        _CORE + "ledger.c",
        "atomic_init(&ledger->head, start + run);",
        "atomic_init(&ledger->head, start + 0u * run);",
    ),
    Bug(
        "driver-stays-on",
        "the motor driver stays enabled when the board is disarmed",
        _CORE + "control_tick.c",
        "outputs->driver_enabled = armed;",
        "outputs->driver_enabled = armed || control->safety.cause == TAKT_CAUSE_LINK_SILENCE;",
    ),
)
