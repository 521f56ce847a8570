"""The page about a run, section by section: what it was, how fast, what was late and why, what was done about it."""

from __future__ import annotations

from typing import Any

from takt.report import findings, html, plot
from takt.report.findings import Spread
from takt.report.health import health
from takt.report.plot import Mark
from takt.report.run_record import RunRecord

_MOST_MISSES = 400
_BOARD_MOMENTS = ("release_jitter", "execution")
_MOST_STEPS = 20  # of the ladders, before they are folded away
_NAMES = {
    "ring": "wait in the ring",
    "plan_wait": "wait for the planner",
    "middleware": "ROS",
    "apply": "line and board",
}
_RUNG_CLASSES = ("nominal", "reduced", "hold", "safe")
_Bar = tuple[float, float, str, str]  # from s, to s, class, text


def report_page(record: RunRecord) -> str:
    """A whole HTML document that loads nothing."""
    sections = (_summary, _rungs, _photon_to_motor, _stages, _board, _ledger, _slowest, health, _notes)
    parts = [part for section in sections for part in section(record)]
    return html.page(f"Takt run {record.name}", parts)


def _summary(record: RunRecord) -> list[str]:
    results = record.results
    began_ns, ended_ns = record.span_ns
    rows: list[tuple[str, object]] = [("length", f"{(ended_ns - began_ns) / 1e9:.1f} s")]
    rows += [(key, str(results[key])) for key in ("firmware", "time", "seed") if key in results]
    if "bring_up_s" in results:
        rows.append(("armed after", f"{results['bring_up_s']} s"))
    rows += [(f"ladder of the {name}", words) for name, words in findings.rung_shares(record).items()]
    rows += _mission(results.get("mission", {}))
    rows.append(("frames to the motor", sum(1 for one in record.journeys if one.photon_to_motor_ns)))
    rows.append(("misses", _blamed(record)))
    rows.append(("contract", record.contract.hash_property))
    verdict = "" if "ok" not in results else _verdict(results)
    return [
        html.heading(f"Run {record.name}", 1),
        verdict,
        html.table(("", ""), [(name, str(value)) for name, value in rows]),
    ]


def _blamed(record: RunRecord) -> str:
    """How many, and what most of them came from."""
    by_cause = findings.causes(record.misses)
    most = ", ".join(f"{row.source} {row.cause} {row.count}" for row in by_cause[:3])
    return f"{sum(row.count for row in by_cause)}" + (f"; most: {most}" if most else "")


def _verdict(results: dict[str, Any]) -> str:
    if results["ok"]:
        return html.paragraph("The run did what it was for.", "good")
    return html.paragraph("Failed: " + "; ".join(map(str, results.get("failed", ["?"]))), "bad")


def _mission(mission: dict[str, Any]) -> list[tuple[str, object]]:
    if not mission:
        return []
    distance = mission.get("distance_error_m", {})
    return [
        ("target visible", f"{mission.get('target_visible_ratio', 0.0):.1%} of frames"),
        ("distance error", f"p50 {distance.get('p50')} m, p95 {distance.get('p95')} m"),
        ("way", f"target {mission.get('target_path_m')} m, robot {mission.get('robot_path_m')} m"),
        ("collisions", mission.get("collisions", 0)),
    ]


def _photon_to_motor(record: RunRecord) -> list[str]:
    told = record.photon_to_motor_ms()
    budget = Mark(record.contract.stages["photon_to_motor"].budget_ms, "deadline (p99)")
    began_ns = record.span_ns[0]
    line = [((observed_ns - began_ns) / 1e9, ms) for observed_ns, ms in told]
    figures = findings.spread(ms for _, ms in told)
    shares = [Mark(figures.p50, "p50", "figure"), Mark(figures.p99, "p99", "figure")] if figures else []
    ratio = findings.explained_ratio(record.journeys)
    said = "Measured on the board at the first application of each observation."
    if ratio is not None:
        said += f" The stages' sum explains it in {ratio:.2%} of the frames (within 1 ms or 2 %)."
    return [
        html.heading("From the light to the motor"),
        html.paragraph(said, "soft"),
        html.table(
            ("", "p50 ms", "p95 ms", "p99 ms", "max ms", "samples"),
            _spread_rows({"photon to motor": figures}),
        ),
        plot.histogram([ms for _, ms in told], "ms", [budget, *shares]),
        plot.curves([("photon to motor", line)], "ms", [budget], dots=True),
    ]


def _spread_rows(spreads: dict[str, Spread | None]) -> list[tuple[object, ...]]:
    return [
        (_NAMES.get(name, name), s.p50, s.p95, s.p99, s.max, s.count)
        for name, s in spreads.items()
        if s is not None
    ]


def _stages(record: RunRecord) -> list[str]:
    values = findings.stretch_values_ms(record.journeys)
    budgets = {name: stage.budget_ms for name, stage in record.contract.stages.items()}
    spreads = {name: findings.spread(row) for name, row in values.items()}
    columns = ("stretch", "p50 ms", "p95 ms", "p99 ms", "max ms", "frames")
    parts = [
        html.heading("Stages of the host, and the waits between them"),
        html.paragraph(
            "Frame by frame, joined by the observation stamp; the last stretch ends on the board.", "soft"
        ),
        html.table(columns, _spread_rows(spreads)),
    ]
    for name, row in values.items():
        marks = [Mark(budgets[name], "budget")] if name in budgets else []
        parts += [html.heading(_NAMES.get(name, name), 3), plot.histogram(row, "ms", marks, bins=60)]
    parts += [html.heading("By the nodes' own histograms", 3), html.table(columns, _own_histograms(record))]
    return parts


def _own_histograms(record: RunRecord) -> list[tuple[object, ...]]:
    """The last that each node said of its stage since its start."""
    rows: list[tuple[object, ...]] = []
    for name in ("camera: capture", "detector: detect", "planner: plan", "agent: link"):
        told = record.latest(name)
        numbers = [told.number(key) for key in ("p50", "p95", "p99", "max", "count")] if told else []
        if told is not None:
            rows.append((name, *("-" if one is None else one for one in numbers[:-1]), int(numbers[-1] or 0)))
    return rows


def _board(record: RunRecord) -> list[str]:
    timing, commands = record.latest("base: timing"), record.latest("base: commands")
    moments = [("base: timing", what, timing) for what in _BOARD_MOMENTS]
    moments.append(("base: commands", "photon_to_motor", commands))
    rows = [
        (what.replace("_", " "), *(_ms(told.number(f"{what}_{p}_us")) for p in ("p50", "p95", "p99", "max")))
        for _, what, told in moments
        if told is not None
    ]
    period_ms = 1000.0 / record.contract.control.rate_hz
    stamps = [one.at_ns for one in record.cycles]
    gaps = [(after - before) / 1e6 for before, after in zip(stamps, stamps[1:], strict=False)]
    kept = [gap for gap in gaps if gap < 4 * period_ms]
    return [
        html.heading("The board's loop"),
        html.paragraph(
            "The board's own fixed histograms since its start, and its cycles as joint_states told them.",
            "soft",
        ),
        html.table(("", "p50 ms", "p95 ms", "p99 ms", "max ms"), rows),
        html.heading("from one told cycle to the next", 3),
        plot.histogram(kept, "ms", [Mark(period_ms, "period")]),
        html.paragraph(
            f"{len(gaps) - len(kept)} stretches of more than four periods without a told cycle", "soft"
        ),
    ]


def _ms(us: float | None) -> object:
    return "-" if us is None else us / 1e3


def _rungs(record: RunRecord) -> list[str]:
    began_ns, ended_ns = record.span_ns
    span_s = (0.0, max((ended_ns - began_ns) / 1e9, 0.1))
    rows = [(computer, _rung_bars(record, computer)) for computer in ("host", "board")]
    ticks = [
        _bar(miss.at_ns, miss.at_ns, began_ns, "miss", f"{miss.source} {miss.stage}: {miss.cause}")
        for miss in record.misses
    ]
    rows.append(("misses", [tick for tick in ticks if span_s[0] <= tick[0] <= span_s[1]]))
    if record.faults:
        bars = [
            _bar(one.at_ns, one.until_ns, began_ns, "fault", f"{one.kind}: {one.strength}")
            for one in record.faults
        ]
        rows.append(("faults", bars))
    steps_table = [
        ((step.at_ns - began_ns) / 1e9, step.computer, step.rung, step.reason) for step in record.rungs
    ]
    table = html.table(("at s", "computer", "rung", "reason"), steps_table[:200])
    return [
        html.heading("The ladder"),
        plot.lanes(rows, span_s),
        table
        if len(steps_table) <= _MOST_STEPS
        else html.folded(f"step by step ({len(steps_table)})", [table]),
    ]


def _rung_bars(record: RunRecord, computer: str) -> list[_Bar]:
    """Each stay of one computer on a rung, the last one until the run's end."""
    began_ns, ended_ns = record.span_ns
    steps = [step for step in record.rungs if step.computer == computer]
    ends = [step.at_ns for step in steps[1:]] + [ended_ns]
    return [
        _bar(step.at_ns, end_ns, began_ns, _rung_class(step.rung), _rung_text(step.rung, step.reason))
        for step, end_ns in zip(steps, ends, strict=False)
    ]


def _rung_class(rung: str) -> str:
    return rung.lower() if rung.lower() in _RUNG_CLASSES else "fault"


def _rung_text(rung: str, reason: str) -> str:
    return f"{rung}: {reason}" if reason else rung


def _bar(from_ns: int, to_ns: int, began_ns: int, kind: str, text: str) -> _Bar:
    return (from_ns - began_ns) / 1e9, (to_ns - began_ns) / 1e9, kind, text


def _ledger(record: RunRecord) -> list[str]:
    began_ns = record.span_ns[0]
    rows = [
        (row.source, row.cause, row.count, row.late_p50_ms, row.late_max_ms, _measured(row.evidence))
        for row in findings.causes(record.misses)
    ]
    each = [
        (
            (miss.at_ns - began_ns) / 1e9,
            f"{miss.source} {miss.sequence}",
            miss.stage,
            miss.cause,
            miss.late_ns / 1e6,
            miss.bound_ns / 1e6,
            _measured({key: (value, value) for key, value in miss.evidence.items()}),
        )
        for miss in record.misses[:_MOST_MISSES]
    ]
    shown = html.table(
        ("at s", "record", "stage", "cause", "late ms", "bound ms", "measured around it"), each
    )
    parts = [shown]
    if len(record.misses) > _MOST_MISSES:
        parts.append(html.paragraph(f"the first {_MOST_MISSES}; the ledger has all", "soft"))
    return [
        html.heading("Missed deadlines, by cause"),
        html.table(
            ("source", "cause", "count", "late p50 ms", "late max ms", "measured: median (greatest)"), rows
        ),
        html.folded(f"one by one ({len(record.misses)})", parts),
    ]


def _measured(evidence: dict[str, tuple[float, float]]) -> str:
    """The greatest first; what was measured as nothing is left out."""
    shown = sorted(((key, *two) for key, two in evidence.items() if two[1]), key=lambda row: -abs(row[2]))
    return ", ".join(
        f"{key} {middle:.4g}" + (f" ({greatest:.4g})" if greatest != middle else "")
        for key, middle, greatest in shown
    )


def _slowest(record: RunRecord) -> list[str]:
    slow = findings.slowest(record)
    if not slow:
        return [
            html.heading("What was slowest, and why"),
            html.paragraph("no frame's road was recorded", "none"),
        ]
    rows = [
        (
            (one.journey.observed_ns - record.span_ns[0]) / 1e9,
            one.number,
            one.journey.photon_to_motor_ns / 1e6,
            f"{_NAMES.get(one.blame, one.blame)}, {one.excess_ms:.1f} ms over its median",
            "; ".join(one.near) or "nothing was told near it",
        )
        for one in slow
    ]
    bars = [(f"frame {one.number}", _road(one.journey)) for one in slow]
    longest_ms = slow[0].journey.photon_to_motor_ns / 1e6
    return [
        html.heading("What was slowest, and why"),
        html.table(("at s", "frame", "ms", "slow stretch", "near it"), rows),
        plot.lanes(bars, (0.0, longest_ms), "ms since the light"),
    ]


def _road(journey: Any) -> list[tuple[float, float, str, str]]:
    return [
        (
            (entered_ns - journey.observed_ns) / 1e6,
            (left_ns - journey.observed_ns) / 1e6,
            f"stage{number % 2}",
            f"{_NAMES.get(name, name)}: {(left_ns - entered_ns) / 1e6:.2f} ms",
        )
        for number, (name, entered_ns, left_ns) in enumerate(journey.stages)
    ]


def _notes(record: RunRecord) -> list[str]:
    if not record.notes:
        return []
    return [html.heading("What could not be read"), *(html.paragraph(note) for note in record.notes)]
