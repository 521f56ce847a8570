"""One frame's road from the light to the motor: every stage and every wait between two of them, in ROS time.

Each stretch is measured by whom it belongs to (camera, detector, planner, agent, board), and joined by the observation
stamp that the command carries. So the sum of the stretches is a second measurement of photon to motor, beside the
board's own; where a stretch is not known, or two overlap, the two differ and the journey says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Stretch = tuple[str, int, int]  # name, entered_ns, left_ns

# In order. `ring`, `plan_wait` and `middleware` are waits; the others are the work of a stage.
STRETCHES = ("capture", "ring", "detect", "plan_wait", "plan", "middleware", "link", "apply")
APPLIED = "applied"
_TOLERANCE_NS = 1_000_000
_TOLERANCE_RATIO = 0.02


@dataclass(frozen=True)
class Journey:
    """``observed_ns``: the observation stamp, the key by which all is joined. ``applied_ns``: the board's own
    word, wrong by at most ``bound_ns``; 0 unless ``outcome`` is "applied" (else "skipped: REASON")."""

    observed_ns: int
    stages: tuple[Stretch, ...]
    applied_ns: int
    bound_ns: int
    outcome: str = APPLIED

    @property
    def photon_to_motor_ns(self) -> int:
        """The board's measurement; 0 for a frame that moved no motor."""
        return self.applied_ns - self.observed_ns if self.outcome == APPLIED else 0

    @property
    def sum_ns(self) -> int:
        """The stretches added up; a stretch that would end before it begins counts nothing."""
        return sum(max(left - entered, 0) for _, entered, left in self.stages)

    @property
    def explained(self) -> bool:
        """Whether the sum equals photon to motor within 1 ms or 2 %, whichever is more."""
        whole_ns = self.photon_to_motor_ns
        allowed_ns = max(_TOLERANCE_NS, whole_ns * _TOLERANCE_RATIO)
        return self.outcome == APPLIED and abs(self.sum_ns - whole_ns) <= allowed_ns

    def to_json(self) -> str:
        """One line, without a line break."""
        row = {
            "observed_ns": self.observed_ns,
            "stages": self.stages,
            "applied_ns": self.applied_ns,
            "bound_ns": self.bound_ns,
            "outcome": self.outcome,
        }
        return json.dumps(row, separators=(",", ":"))

    @classmethod
    def from_json(cls, line: str | bytes) -> Journey:
        """The inverse of ``to_json``. Raises ValueError for anything else."""
        try:
            row: dict[str, Any] = json.loads(line)
            stages = tuple((str(name), int(entered), int(left)) for name, entered, left in row["stages"])
            times = {key: int(row[key]) for key in ("observed_ns", "applied_ns", "bound_ns")}
            return cls(stages=stages, outcome=str(row["outcome"]), **times)
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"this is no journey: {error!r}") from error


def stretches(observed_ns: int, marks: Mapping[str, tuple[int, int]], applied_ns: int) -> tuple[Stretch, ...]:
    """The road out of what each stage stamped: ``marks`` maps capture, detect, plan, middleware (published, taken) and
    link (taken, written) to (entered_ns, left_ns).

    A wait is named only where the stamps of both its neighbours are known. ``apply`` is the rest of the road on the
    line and on the board, and needs the stamp of the agent's write.
    """
    road: list[Stretch] = []
    if "capture" in marks:
        road.append(("capture", observed_ns, marks["capture"][1]))
    road += _wait("ring", marks, "capture", "detect")
    road += _stage(marks, "detect")
    road += _wait("plan_wait", marks, "detect", "plan")
    road += [stretch for name in ("plan", "middleware", "link") for stretch in _stage(marks, name)]
    if "link" in marks:
        road.append(("apply", marks["link"][1], applied_ns))
    return tuple(road)


def _stage(marks: Mapping[str, tuple[int, int]], name: str) -> Iterable[Stretch]:
    return [(name, *marks[name])] if name in marks else []


def _wait(name: str, marks: Mapping[str, tuple[int, int]], before: str, after: str) -> Iterable[Stretch]:
    if before not in marks or after not in marks:
        return []
    return [(name, marks[before][1], marks[after][0])]
