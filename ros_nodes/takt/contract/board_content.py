"""What the firmware puts into its messages, as wide as it gets; `takt contract check` sees that it fits.

ROS strings and sequences have no bound of their own; these tables state what firmware/core/src/diagnostics.c and
telemetry.c write, and a test holds the keys against that source. One status a message.
"""

from __future__ import annotations

from dataclasses import dataclass

from takt.contract.fingerprint import DIGITS, SECTIONS

HARDWARE_ID = "base"
COMMAND_FRAME = "base_link"
WHEEL_JOINTS = ("left_wheel_joint", "right_wheel_joint")
APPLIED_SOURCES = (
    *("applied", "disarmed", "stale", "future", "zero", "clock", "nan"),
    *("no_command", "silence", "unknown"),
)

FLAG = 5  # "false"
U16, U32, U64 = 5, 10, 20  # digits, or digits and sign
REAL = 11  # such as 999999999.9; the firmware writes "nan" for more
WORD = 20  # rung, state, reason, cause

_PERCENTILES = ("p50_us", "p95_us", "p99_us", "max_us")
_CAUSES = ("own_overrun", "late_release", "preempted", "skipped")
_SIDES = ("left", "right")


@dataclass(frozen=True)
class Status:
    """One DiagnosticStatus: characters of its message, and key -> characters of the value."""

    name: str
    message_characters: int
    values: dict[str, int]


STATUSES = (
    Status(
        "base: safety",
        WORD,
        {
            **dict.fromkeys(("rung", "reason", "fault"), WORD),
            "armed": FLAG,
            "contract": DIGITS * len(SECTIONS),
        },
    ),
    Status(
        "base: clock",
        WORD,
        {"locked": FLAG, "epoch": U32, "offset_ns": U64, "bound_us": U64, "drift_ppm": REAL},
    ),
    Status(
        "base: link",
        WORD,
        {
            "state": WORD,
            **dict.fromkeys(("rx", "tx", "crc_errors", "retransmits", "reconnects"), U32),
            **dict.fromkeys(("round_trip_us", "dropped", "refused"), U32),
        },
    ),
    Status(
        "base: motors",
        WORD,
        {
            **{f"duty_{side}": REAL for side in _SIDES},
            **{f"{what}_{side}_rad_s": REAL for what in ("setpoint", "speed") for side in _SIDES},
            "driver_enabled": FLAG,
            "supply_mv": U16,
            **{f"encoder_{side}": WORD for side in _SIDES},
        },
    ),
    Status(
        "base: loop",
        WORD,
        {
            **dict.fromkeys(("cycles", "skipped", "boot_count", "ledger_pending"), U32),
            **{f"miss_{cause}": U32 for cause in _CAUSES},
            **dict.fromkeys(("misses", "uptime_ms"), U64),
        },
    ),
    Status(
        "base: timing",
        0,
        {f"{what}_{p}": REAL for what in ("release_jitter", "execution") for p in _PERCENTILES},
    ),
    Status(
        "base: commands",
        0,
        {
            **{f"refused_{why}": U32 for why in ("stale", "future", "zero", "clock", "nan")},
            **{f"photon_to_motor_{p}": U32 for p in _PERCENTILES},
            "photon_to_motor_count": U32,
        },
    ),
)

# one ledger record a message: one miss, or a gap that counts several by cause
_CAUSE, _GAP = max(map(len, _CAUSES)), len("gap")
_PLACE = {"boot": U32, "sequence": U32, "previous": U64, "cycle": U32, "late_ns": U64}
MISSES = (
    Status("base: miss", _CAUSE, {**_PLACE, "cause": _CAUSE, "release_ns": U64}),
    Status(
        "base: miss",
        _GAP,
        {**_PLACE, "cause": _GAP, "first_boot": U32, "first_sequence": U32, **dict.fromkeys(_CAUSES, U32)},
    ),
)
