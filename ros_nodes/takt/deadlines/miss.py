"""One missed deadline, of the host or of the board, with its cause and what was measured around it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from typing import Any

BOARD = "base"  # source of the board's misses; any other source is the name of a ROS node

# What a miss of the host can come from; takt.deadlines.blame decides, docs/deadlines.md tells by which measurement.
HOST_CAUSES = (
    "host_stall",
    "clock",
    "throttled",
    "gc_pause",
    "page_fault",
    "run_queue_wait",
    "starved",
    "inference_frozen",
    "inference",
    "stale_input",
    "queue",
    "board_late",
    "link_loss",
    "link_delay",
    "link_blocked",
    "middleware",
    "own_work",
    "start_up",
)
# The board's own words (firmware/core/src/deadline_monitor.c); `gap` stands for several, with a count of each.
BOARD_CAUSES = ("own_overrun", "late_release", "preempted", "skipped", "gc", "gap")
UNKNOWN = "unknown"
CAUSES = (*HOST_CAUSES, *BOARD_CAUSES, UNKNOWN)

UNKNOWN_BOUND_NS = 3_600_000_000_000  # when it happened is not known: no clock was locked, or another boot's

Identity = tuple[str, int, int]


@dataclass(frozen=True)
class Miss:
    """``at_ns``: ROS time at which the deadline passed, wrong by at most ``bound_ns`` (0 on the host).

    ``source``, ``epoch`` and ``sequence`` are its identity: the epoch is another one each time the source starts anew,
    and the sequence counts from 1 without gaps. ``evidence`` holds what was measured, with units in its keys.
    """

    source: str
    epoch: int
    sequence: int
    stage: str
    at_ns: int
    bound_ns: int
    late_ns: int
    cause: str
    evidence: dict[str, float] = field(default_factory=dict)

    @property
    def identity(self) -> Identity:
        return self.source, self.epoch, self.sequence

    def to_json(self) -> str:
        """One line, without a line break."""
        return json.dumps(self.values(), separators=(",", ":"))

    def values(self) -> dict[str, Any]:
        """Plain values, as they stand in a line of the ledger."""
        return {
            "source": self.source,
            "epoch": self.epoch,
            "sequence": self.sequence,
            "stage": self.stage,
            "at_ns": self.at_ns,
            "bound_ns": self.bound_ns,
            "late_ns": self.late_ns,
            "cause": self.cause,
            "evidence": self.evidence,
        }

    @classmethod
    def from_json(cls, line: str | bytes) -> Miss:
        """The inverse of ``to_json``; unknown keys are left alone. Raises ValueError naming what is wrong."""
        try:
            row = json.loads(line)
        except ValueError as error:
            raise ValueError(f"a miss is a JSON object: {error}") from error
        if not isinstance(row, dict):
            raise ValueError(f"a miss is a JSON object, got {type(row).__name__}")
        cause = _text(row, "cause")
        if cause not in CAUSES:
            raise ValueError(f"cause {cause!r} is none of {', '.join(CAUSES)}")
        return cls(
            _text(row, "source"),
            _whole(row, "epoch"),
            _whole(row, "sequence"),
            _text(row, "stage"),
            _whole(row, "at_ns"),
            _whole(row, "bound_ns"),
            _whole(row, "late_ns"),
            cause,
            _evidence(row.get("evidence", {})),
        )


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text, got {value!r}")
    return value


def _whole(row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError(f"{key} must be an integer, got {value!r}")
    return value


def _evidence(value: Any) -> dict[str, float]:
    if not isinstance(value, dict):
        raise ValueError(f"evidence must be an object, got {value!r}")
    for key, number in value.items():
        if isinstance(number, bool) or not isinstance(number, (int, float)) or not math.isfinite(number):
            raise ValueError(f"evidence {key} must be a finite number, got {number!r}")
    return {str(key): float(number) for key, number in value.items()}
