"""From diagnostic statuses to samples of metrics. Pure: the same statuses and time give the same samples.

A status that has not been heard for longer than the contract lets a diagnostic be old gives nothing but its age, so
that the last words of a dead node are not taken for news.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from takt.contract import Contract
from takt.deadlines.miss import HOST_CAUSES, UNKNOWN
from takt.monitoring.readings import AGENT, BOARD, HOST, PRIORITY, RUNGS, STAGE, Reading

HOST_STAGES = ("capture", "detect", "plan", "link")
_NODES = ("camera", "detector", "planner", "agent")  # that have a stage with a deadline
_SKIPS = {  # reasons that nodes give; others may come
    "capture": ("late",),
    "detect": ("stale", "breaker", "recycled"),
    "link": ("line_busy",),
}
_NONE: Mapping[str, Mapping[str, int]] = {}
_LEVELS = {"OK": 0.0, "WARN": 1.0, "ERROR": 2.0}


@dataclass(frozen=True)
class Heard:
    """One diagnostic status as it was last heard; ``level`` is OK, WARN or ERROR."""

    level: str
    message: str
    values: Mapping[str, str]
    heard_ns: int


@dataclass(frozen=True)
class Sample:
    """One value in the metric's unit. ``is_count``: the number of events behind a summary."""

    metric: str
    labels: dict[str, str]
    value: float
    is_count: bool = False


def samples(
    statuses: Mapping[str, Heard],
    contract: Contract,
    now_ns: int,
    misses: Mapping[str, Mapping[str, int]] = _NONE,
) -> list[Sample]:
    """Everything that is known at ``now_ns``, of the clock that the statuses were stamped with.

    ``misses``: source -> cause -> count, of the ledger.
    """
    found = [Sample("takt_contract_info", {"hash": contract.hash_property}, 1.0)]
    found += [
        Sample("takt_stage_budget_seconds", {"stage": name}, stage.budget_ms / 1e3)
        for name, stage in contract.stages.items()
    ]
    found += _misses(misses)
    most_s = contract.topics["diagnostics"].max_age_ms / 1e3
    for name, heard in statuses.items():
        age_s = max(now_ns - heard.heard_ns, 0) / 1e9
        found.append(Sample("takt_diagnostic_age_seconds", {"status": name}, age_s))
        if age_s <= most_s:
            found.append(Sample("takt_diagnostic_level", {"status": name}, _LEVELS[heard.level]))
            found += _of_status(name, heard)
    return list({_series(sample): sample for sample in found}.values())


def _misses(counts: Mapping[str, Mapping[str, int]]) -> Iterator[Sample]:
    """Those that never came are 0: a counter that begins with its first event hides that one from every rate."""
    known = {source: dict.fromkeys(HOST_CAUSES, 0) for source in _NODES}
    for source in {**known, **counts}:
        for cause, count in {**known.get(source, {}), UNKNOWN: 0, **counts.get(source, {})}.items():
            yield Sample("takt_misses_total", {"source": source, "cause": cause}, float(count))


def _series(sample: Sample) -> tuple[object, ...]:
    """What may occur once in a scrape; when two nodes tell of the same stage the later one holds."""
    return sample.metric, sample.is_count, *sorted(sample.labels.items())


def _of_status(name: str, heard: Heard) -> Iterator[Sample]:
    values = heard.values
    if name in BOARD:
        yield from _taken(BOARD[name], values, {})
    if name in HOST:
        yield from _taken(HOST[name], values, {})
    if name == "agent: link" or name.startswith("agent: link "):
        yield from _taken(AGENT, values, {"line": values.get("device", "")})
    stage = name.rpartition(": ")[2]
    if stage in HOST_STAGES and "p99" in values and name not in BOARD:
        for reason in _SKIPS.get(
            stage, ()
        ):  # 0 until it happens, as with misses; what was told comes behind and holds
            yield Sample("takt_stage_skips_total", {"stage": stage, "reason": reason}, 0.0)
        yield from _taken(STAGE, values, {"stage": stage})
    yield from _taken(PRIORITY, values, {"status": name})
    yield from _words(name, heard)


def _words(name: str, heard: Heard) -> Iterator[Sample]:
    """Rungs with their reasons, and the board's fault: words that become labels. Their number is small and fixed."""
    values = heard.values
    if name == "ladder" and heard.message in RUNGS:
        yield Sample("takt_ladder_rung", {"computer": "host"}, RUNGS[heard.message])
        yield _rung_info("host", heard.message, values)
    if name == "base: safety":
        if values.get("rung") in RUNGS:
            yield _rung_info("board", values["rung"], values)
        if values.get("fault", "none") != "none":
            yield Sample("takt_board_fault", {"fault": values["fault"]}, 1.0)


def _rung_info(computer: str, rung: str, values: Mapping[str, str]) -> Sample:
    labels = {"computer": computer, "rung": rung, "reason": values.get("reason", "")}
    return Sample("takt_ladder_rung_info", labels, 1.0)


def _taken(
    readings: Iterable[Reading], values: Mapping[str, str], labels: dict[str, str]
) -> Iterator[Sample]:
    for reading in readings:
        head, star, _ = reading.key.partition("*")
        if not star:
            keys = [reading.key] if reading.key in values else []
        else:
            keys = [key for key in values if key.startswith(head)]
        for key in keys:
            value = _value(reading, values[key])
            if value is not None:
                word = {reading.word_label: key[len(head) :]} if star else {}
                yield Sample(reading.metric, labels | reading.labels | word, value, reading.is_count)


def _value(reading: Reading, text: str) -> float | None:
    if reading.words:
        return reading.words.get(text, reading.words.get("*"))
    try:
        number = float(text) * reading.scale
    except ValueError:
        return None
    return number if math.isfinite(number) else None
