"""What a run says when one asks it: percentiles, causes with their evidence, the slowest frames and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from takt.deadlines import Journey, Miss
from takt.deadlines.journey import STRETCHES
from takt.deadlines.miss import CAUSES
from takt.report.run_record import Fault, RunRecord

_GAP = "gap"
_NEAR_NS = 100_000_000  # a miss or a fault this close to a frame's road may have to do with it


@dataclass(frozen=True)
class Spread:
    """Percentiles of ``count`` samples, by nearest rank."""

    count: int
    p50: float
    p95: float
    p99: float
    max: float


@dataclass(frozen=True)
class CauseRow:
    """Misses of one source with one cause. ``evidence``: key -> (median, greatest) of what was measured."""

    source: str
    cause: str
    count: int
    late_p50_ms: float
    late_max_ms: float
    evidence: dict[str, tuple[float, float]]


@dataclass(frozen=True)
class SlowFrame:
    """``blame`` is the stretch that took most beyond its median; ``near`` names misses and faults on its road."""

    number: int
    journey: Journey
    blame: str
    excess_ms: float
    near: tuple[str, ...]


def spread(values: Iterable[float]) -> Spread | None:
    """None without a sample."""
    ordered = sorted(values)
    if not ordered:
        return None

    def rank(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]

    return Spread(len(ordered), rank(0.50), rank(0.95), rank(0.99), ordered[-1])


def stretch_values_ms(journeys: Sequence[Journey]) -> dict[str, list[float]]:
    """Stretch -> its durations, in the order of the road."""
    values: dict[str, list[float]] = {name: [] for name in STRETCHES}
    for journey in journeys:
        for name, entered_ns, left_ns in journey.stages:
            values.setdefault(name, []).append((left_ns - entered_ns) / 1e6)
    return {name: row for name, row in values.items() if row}


def misses_of(miss: Miss) -> dict[str, int]:
    """Cause -> number; a gap record stands for several."""
    if miss.cause != _GAP:
        return {miss.cause: 1}
    return {cause: int(miss.evidence[cause]) for cause in CAUSES if miss.evidence.get(cause)} or {_GAP: 1}


def causes(misses: Sequence[Miss]) -> list[CauseRow]:
    """The ledger by source and cause, the most frequent first."""
    counts: Counter[tuple[str, str]] = Counter()
    late_ms: defaultdict[tuple[str, str], list[float]] = defaultdict(list)
    evidence: defaultdict[tuple[str, str], defaultdict[str, list[float]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for miss in misses:
        for cause, number in misses_of(miss).items():
            key = miss.source, cause
            counts[key] += number
            late_ms[key].append(miss.late_ns / 1e6)
            for name, value in miss.evidence.items() if miss.cause != _GAP else ():
                evidence[key][name].append(value)
    return [
        CauseRow(
            *key,
            number,
            median(late_ms[key]),
            max(late_ms[key]),
            {name: (median(row), max(row)) for name, row in evidence[key].items()},
        )
        for key, number in counts.most_common()
    ]


def slowest(record: RunRecord, most: int = 10) -> list[SlowFrame]:
    """The frames that took longest from the light to the motor, each with what was slow about it."""
    medians = {name: median(row) for name, row in stretch_values_ms(record.journeys).items()}
    numbered = [
        (number, one) for number, one in enumerate(record.journeys, start=1) if one.photon_to_motor_ns
    ]
    numbered.sort(key=lambda pair: -pair[1].photon_to_motor_ns)
    found = []
    for number, journey in numbered[:most]:
        over = {
            name: (left_ns - entered_ns) / 1e6 - medians[name] for name, entered_ns, left_ns in journey.stages
        }
        over["unexplained"] = (journey.photon_to_motor_ns - journey.sum_ns) / 1e6
        blame = max(over, key=lambda name: over[name])
        found.append(SlowFrame(number, journey, blame, over[blame], _near(record, journey)))
    return found


def rung_shares(record: RunRecord) -> dict[str, str]:
    """Computer -> seconds on each rung that it stood on, the longest first, and the last with its reason, such as
    "NOMINAL 56.2 s, SAFE 5.9 s; at the end NOMINAL"."""
    ended_ns, shares = record.span_ns[1], {}
    for computer in ("host", "board"):
        steps = [step for step in record.rungs if step.computer == computer]
        seconds: defaultdict[str, float] = defaultdict(float)
        for step, end_ns in zip(steps, [*(step.at_ns for step in steps[1:]), ended_ns], strict=False):
            seconds[step.rung] += max(end_ns - step.at_ns, 0) / 1e9
        if seconds:
            stood = ", ".join(f"{rung} {s:.1f} s" for rung, s in sorted(seconds.items(), key=_longest))
            why = f" ({steps[-1].reason})" if steps[-1].reason else ""
            shares[computer] = f"{stood}; at the end {steps[-1].rung}{why}"
    return shares


def _longest(share: tuple[str, float]) -> float:
    return -share[1]


def explained_ratio(journeys: Sequence[Journey]) -> float | None:
    """Share of the applied frames whose stretches add up to the board's own measurement."""
    applied = [one for one in journeys if one.photon_to_motor_ns]
    return sum(one.explained for one in applied) / len(applied) if applied else None


def _near(record: RunRecord, journey: Journey) -> tuple[str, ...]:
    begin_ns, end_ns = journey.observed_ns - _NEAR_NS, journey.applied_ns + _NEAR_NS
    told = [
        f"{miss.source} {miss.cause} {miss.late_ns / 1e6:.1f} ms late"
        for miss in record.misses
        if begin_ns <= miss.at_ns <= end_ns
    ]
    told += [
        f"fault brought in: {fault.kind}" for fault in record.faults if _touches(fault, begin_ns, end_ns)
    ]
    return tuple(dict.fromkeys(told))


def _touches(fault: Fault, begin_ns: int, end_ns: int) -> bool:
    return fault.at_ns <= end_ns and fault.until_ns >= begin_ns
