"""What a run of the deadlines' bench comes to: everything flat, with the count behind each ratio. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import takt.contract
from takt.deadline_bench.kinds import Kind
from takt.deadline_bench.score import Injection, Seen, ratios, score, sequences, shared
from takt.deadlines import Journey
from takt.deadlines.histogram import exact_summary
from takt.supervision.ledger_file import board_record
from takt.trouble.ledger_check import faults_of

_BOUND_NS = 1e8  # a stamp that may be wrong by more tells no latency
_LEDGER_MS, _PAGE_MS = 100.0, 500.0
Span = tuple[int, int]


@dataclass
class Measured:
    """What the run left behind. Times are ROS ns, as the run's processes saw it."""

    injections: list[Injection] = field(default_factory=list)
    not_done: int = 0
    spans: dict[str, Span] = field(default_factory=dict)
    stalls: list[tuple[int, int]] = field(
        default_factory=list
    )  # of the bare loop above all: release, lateness
    seen: list[Seen] = field(default_factory=list)
    shown: dict[tuple[str, int, int], int] = field(default_factory=dict)  # miss -> when it came to a viewer
    views: list[int] = field(default_factory=list)
    journeys: list[tuple[int, Journey]] = field(default_factory=list)
    slowed: list[tuple[int, list[str]]] = field(default_factory=list)  # when, and what from then on
    said: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # the newest statuses
    planner: Mapping[str, str] = field(default_factory=dict)  # its status at the end of the hogs
    beside: Mapping[str, Any] = field(default_factory=dict)  # report of the bare loop of its priority
    drained: bool = False

    def shown_ns(self, one: Seen) -> int | None:
        """When this miss came to a viewer of the page."""
        return self.shown.get((one.row["source"], one.row["epoch"], one.row["sequence"]))


def figures(found: Measured, kinds: Sequence[Kind]) -> dict[str, Any]:
    scores = score(found.injections, found.seen, found.stalls)
    rows = [one.row for one in found.seen]
    return {
        **ratios(scores),
        "injections": len(found.injections),
        "injections_of_each_kind_min": min(scores[kind.name].injected for kind in kinds),
        "injections_without_miss": sum(one.without_miss for one in scores.values()),
        "injections_not_done": found.not_done,
        "blame_host_stalls_excluded": sum(one.host_stalls for one in scores.values()),
        **_ledger(rows, found.said, found.drained),
        **_latency(found),
        **_roads(found.journeys, found.spans.get("quiet", (0, 0))),
        **_hogged(found, rows),
        **_soft_work(found),
    }


def in_order(told: Sequence[Sequence[str]], order: Sequence[str]) -> bool:
    """Whether each change of what is slowed took one kind more, or gave one back, by the declared order."""
    lengths = [len(kinds) for kinds in told]
    steps = all(abs(b - a) <= 1 for a, b in zip(lengths, lengths[1:], strict=False))
    return steps and all(list(kinds) == list(order[: len(kinds)]) for kinds in told)


def _ledger(
    rows: Sequence[Mapping[str, Any]], said: Mapping[str, Mapping[str, str]], drained: bool
) -> dict[str, Any]:
    """Numbers without a hole or a repeat, and as many as the nodes and the board counted by themselves."""
    missing, duplicate = sequences(rows)
    records = [record for row in rows if (record := board_record(row)) is not None]
    wrong = faults_of(records, said.get("base: loop", {}))
    differing = {}
    for node, stage in (("camera", "capture"), ("detector", "detect"), ("planner", "plan")):
        counted = int(float(said.get(f"{node}: {stage}", {}).get("misses", "0")))
        newest = max((row["epoch"] for row in rows if row["source"] == node), default=0)
        written = sum(row["source"] == node and row["epoch"] == newest for row in rows)
        differing[node] = counted - written
    return {
        "ledger_missing": missing + sum(max(n, 0) for n in differing.values()) + len(wrong),
        "ledger_duplicate": duplicate,
        "ledger_drained": drained,
        "ledger_lines": len(rows),
        "ledger_board_records": len(records),
    }


def _latency(found: Measured) -> dict[str, Any]:
    """From the end of the late work (when it can first be known) to the line in the file, and to a viewer of the page;
    of all misses while faults were injected."""
    begin_ns = min((one.at_ns for one in found.injections), default=0)
    end_ns = max((one.until_ns for one in found.injections), default=0)
    misses = [
        (one, one.row["at_ns"] + one.row["late_ns"])
        for one in found.seen
        if one.row["bound_ns"] < _BOUND_NS and begin_ns <= one.row["at_ns"] <= end_ns
    ]
    shown = [(at_ns - done_ns) / 1e6 for one, done_ns in misses if (at_ns := found.shown_ns(one)) is not None]
    return {
        **_waits("ledger_wait", [(one.on_disk_ns - done_ns) / 1e6 for one, done_ns in misses]),
        "ledger_within_100ms_ratio": _within(
            [(one.on_disk_ns - done_ns) / 1e6 for one, done_ns in misses], len(misses), _LEDGER_MS
        ),
        **_waits("page_wait", shown),
        "page_within_500ms_ratio": _within(shown, len(misses), _PAGE_MS),
        "page_missing": len(misses) - len(shown),
    }


def _waits(name: str, waits_ms: list[float]) -> dict[str, float]:
    summary = exact_summary(waits_ms)
    return {f"{name}_{key}_ms": summary[key] for key in ("p50", "p95", "p99", "max")} | {
        f"{name}_count": summary["count"]
    }


def _within(waits_ms: Sequence[float], count: int, limit_ms: float) -> float:
    return round(sum(wait <= limit_ms for wait in waits_ms) / count, 4) if count else 0.0


def _roads(journeys: Sequence[tuple[int, Journey]], span: tuple[int, int]) -> dict[str, Any]:
    """Frames of the quiet stretch whose stages add up to the board's own measurement."""
    applied = [
        one for heard_ns, one in journeys if one.outcome == "applied" and span[0] <= heard_ns <= span[1]
    ]
    explained = sum(one.explained for one in applied)
    return {
        "stage_sum_explained_ratio": round(explained / len(applied), 5) if applied else 0.0,
        "stage_sum_frames": len(applied),
        "photon_to_motor_p99_ms": exact_summary([one.photon_to_motor_ns / 1e6 for one in applied])["p99"],
    }


def _hogged(found: Measured, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The board's misses beside the hogs, and the planner's timer against a bare C loop of its priority: both count how
    late each wake-up was, from the hogs' beginning to their end."""
    begin_ns, end_ns = found.spans.get("hogs", (0, 0))
    board = [row for row in rows if row.get("stage") == "control" and begin_ns <= row["at_ns"] <= end_ns]
    stalled = [row for row in board if shared(row, found.stalls)]
    c_p99_us = float(found.beside.get("lateness_us", {}).get("p99", 0.0))
    ours_us = float(found.planner.get("wake_late_p99_ms", "0")) * 1e3
    return {
        "board_misses_with_hogs": len(board),
        "board_misses_host_stall": len(stalled),
        "board_misses_unexplained": len(board) - len(stalled),
        "hogs_seconds": round((end_ns - begin_ns) / 1e9, 1),
        "host_lateness_p99_us": round(ours_us, 1),
        "host_lateness_wakes": int(float(found.planner.get("wakes", "0"))),
        "c_loop_lateness_p99_us": c_p99_us,
        "c_loop_cycles": found.beside.get("cycles", 0),
        "host_lateness_over_c_loop_p99_ratio": round(ours_us / c_p99_us, 3) if c_p99_us else 0.0,
    }


def _soft_work(found: Measured) -> dict[str, Any]:
    """Which kinds the hogs had slowed, in the order in which it came, and how long after their beginning; a kind that
    was slowed before already is none of theirs."""
    begin_ns, end_ns = found.spans.get("hogs", (0, 0))
    declared = tuple(takt.contract.load().soft_work)
    after_s: dict[str, float] = {}
    already: Sequence[str] = ()
    for at_ns, kinds in found.slowed:
        if at_ns < begin_ns:
            already = kinds
        elif at_ns <= end_ns:
            for kind in kinds:
                if kind not in already:
                    after_s.setdefault(kind, round((at_ns - begin_ns) / 1e9, 2))
    return {
        "soft_work_declared": ", ".join(declared),
        "soft_work_slowed": ", ".join(sorted(after_s, key=lambda kind: after_s[kind])),
        "soft_work_slowed_in_order": in_order([kinds for _, kinds in found.slowed], declared),
        **{f"soft_work_{kind}_slowed_after_s": after_s.get(kind, -1.0) for kind in declared},
        "page_views_per_s_quiet": _rate(found.views, found.spans.get("quiet", (0, 0))),
        "page_views_per_s_hogs": _rate(found.views, ((begin_ns + end_ns) // 2, end_ns)),
    }


def _rate(at_ns: Sequence[int], span: Span) -> float:
    """How often a second, within the span."""
    seconds = (span[1] - span[0]) / 1e9
    return round(sum(span[0] <= one <= span[1] for one in at_ns) / seconds, 2) if seconds > 0.0 else 0.0
