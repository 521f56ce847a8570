"""Holds the ledger's causes against the labels of what was injected. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from takt.deadline_bench.kinds import KINDS, Kind
from takt.deadlines.miss import UNKNOWN

SHARED_NS = 20_000_000
_BEFORE_NS = 15_000_000  # a pass that was under way when the fault began has its deadline before it
HOST_STALL = "host_stall"


@dataclass(frozen=True)
class Injection:
    """``until_ns`` ends the fault; both in ROS time as it was when the fault began."""

    kind: str
    at_ns: int
    until_ns: int


@dataclass(frozen=True)
class Seen:
    """A line of the ledger, and when it was on disk (ROS ns)."""

    row: Mapping[str, Any]
    on_disk_ns: int


@dataclass
class Score:
    """Misses of one kind in the stages that it was aimed at."""

    injected: int = 0
    without_miss: int = 0
    misses: int = 0
    right: int = 0
    unknown: int = 0
    host_stalls: int = 0
    causes: Counter[str] = field(default_factory=Counter)
    knock_on: Counter[str] = field(default_factory=Counter)  # "stage: cause" of what it was not aimed at

    def values(self) -> dict[str, Any]:
        """For JSON."""
        return {**vars(self), "causes": dict(self.causes), "knock_on": dict(self.knock_on)}


def score(
    injections: Sequence[Injection], seen: Iterable[Seen], stalls: Sequence[tuple[int, int]]
) -> dict[str, Score]:
    """Kind -> score. ``stalls``: (ROS time, lateness) of the bare C loop; a miss that the ledger calls a stall of the
    host, and that this loop shares within 20 ms, was the machine's doing and no injected one."""
    kinds = {kind.name: kind for kind in KINDS}
    scores = {kind.name: Score() for kind in KINDS}
    rows = sorted((one.row for one in seen), key=lambda row: int(row["at_ns"]))
    for injection in injections:
        _score_one(injection, kinds[injection.kind], scores[injection.kind], rows, stalls)
    return scores


def _score_one(
    injection: Injection,
    kind: Kind,
    into: Score,
    rows: Sequence[Mapping[str, Any]],
    stalls: Sequence[tuple[int, int]],
) -> None:
    into.injected += 1
    end_ns = injection.until_ns + round(kind.settle_s * 1e9)
    inside = [row for row in rows if _touches(row, injection.at_ns, end_ns)]
    aimed_at = [row for row in inside if row["stage"] in kind.stages and not _follows(row, inside, kind)]
    others = [row for row in inside if row not in aimed_at]
    into.knock_on.update(f"{row['stage']}: {row['cause']}" for row in others)
    scored = [row for row in aimed_at if not (row["cause"] == HOST_STALL and shared(row, stalls))]
    into.host_stalls += len(aimed_at) - len(scored)
    into.without_miss += not aimed_at
    into.misses += len(scored)
    into.right += sum(row["cause"] in kind.right for row in scored)
    into.unknown += sum(row["cause"] == UNKNOWN for row in scored)
    into.causes.update(row["cause"] for row in scored)


def _touches(row: Mapping[str, Any], begin_ns: int, end_ns: int) -> bool:
    """A pass that was done before the fault began owes it nothing."""
    at_ns = int(row["at_ns"])
    return begin_ns - _BEFORE_NS <= at_ns <= end_ns and at_ns + int(row["late_ns"]) > begin_ns


def _follows(row: Mapping[str, Any], inside: Sequence[Mapping[str, Any]], kind: Kind) -> bool:
    """A detector that got its picture late says so, and is right; the fault hit the camera, whose own miss counts."""
    late_camera = any(other["stage"] == "capture" and other["cause"] in kind.right for other in inside)
    return row["stage"] == "detect" and row["cause"] == "stale_input" and late_camera


def shared(row: Mapping[str, Any], stalls: Sequence[tuple[int, int]], near_ns: int = SHARED_NS) -> bool:
    """Whether the bare loop was late within ``near_ns`` of this miss."""
    begin_ns, end_ns = int(row["at_ns"]) - near_ns, int(row["at_ns"]) + int(row["late_ns"]) + near_ns
    return any(at_ns <= end_ns and at_ns + late_ns >= begin_ns for at_ns, late_ns in stalls)


def ratios(scores: Mapping[str, Score]) -> dict[str, float]:
    """``blame_correct_ratio`` and ``blame_unknown_ratio`` over all injected misses; 0 of 0 is 0."""
    misses = sum(one.misses for one in scores.values())
    right = sum(one.right for one in scores.values())
    unknown = sum(one.unknown for one in scores.values())
    return {
        "blame_correct_ratio": round(right / misses, 4) if misses else 0.0,
        "blame_unknown_ratio": round(unknown / misses, 4) if misses else 0.0,
        "blame_misses": misses,
        "blame_worst_kind_ratio": round(
            min((one.right / one.misses for one in scores.values() if one.misses), default=0.0), 4
        ),
    }


def sequences(rows: Iterable[Mapping[str, Any]]) -> tuple[int, int]:
    """(missing, duplicate) of the nodes' misses: numbers of each source and epoch from 1 on, gaps counted as what they
    stand for. The board's records have a chain of their own."""
    told: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for row in rows:
        if "board" in row:
            continue
        first = int(row["evidence"].get("first_sequence", row["sequence"])) if row["cause"] == "gap" else None
        span = (row["sequence"] if first is None else first, row["sequence"])
        told.setdefault((row["source"], row["epoch"]), []).append(span)
    missing = duplicate = 0
    for spans in told.values():
        expected = 1
        for first, last in sorted(spans):
            missing += max(first - expected, 0)
            duplicate += max(min(expected, last + 1) - first, 0)
            expected = max(expected, last + 1)
    return missing, duplicate
