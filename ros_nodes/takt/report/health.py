"""The page's section on link, clock and machine: what they said of themselves over the run."""

from __future__ import annotations

from takt.report import html, plot
from takt.report.plot import Mark
from takt.report.run_record import RunRecord

_COUNTERS = {
    "base: link": ("rx", "tx", "crc_errors", "retransmits", "reconnects", "dropped", "refused"),
    "agent: link": ("crc_errors", "framing_errors", "retransmits", "reopened", "drops"),
    "base: loop": ("cycles", "misses", "skipped", "ledger_pending", "boot_count"),
    "base: commands": tuple(f"refused_{why}" for why in ("stale", "future", "zero", "clock", "nan")),
    "recorder: recordings": ("taken", "dropped", "held_bytes"),
}


def health(record: RunRecord) -> list[str]:
    bound = Mark(float(record.contract.link.clock_bound_limit_ms), "unlocked beyond")
    parts = [
        html.heading("Link and clock"),
        html.heading("round trip on the line", 3),
        plot.curves([("board", _line(record, "base: link", "round_trip_us", 1e-3))], "ms"),
        html.heading("error bound of the board's clock", 3),
        plot.curves([("bound", _line(record, "base: clock", "bound_us", 1e-3))], "ms", [bound]),
        html.heading("drift between the two clocks", 3),
        plot.curves([("drift", _line(record, "base: clock", "drift_ppm", 1.0))], "ppm"),
        html.heading("counters at the end", 3),
        html.table(("", ""), _counters(record)),
    ]
    machine = record.results.get("machine")
    if machine:
        parts += [html.heading("The machine"), html.table(("", ""), _machine(machine))]
    return parts


def _line(record: RunRecord, status: str, key: str, factor: float) -> list[tuple[float, float]]:
    began_ns = record.span_ns[0]
    told = [(one.at_ns, one.number(key)) for one in record.statuses.get(status, [])]
    return [
        ((at_ns - began_ns) / 1e9, value * factor)
        for at_ns, value in told
        if value is not None and abs(value) < 1e15
    ]


def _counters(record: RunRecord) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for status, keys in _COUNTERS.items():
        told = record.latest(status)
        if told is not None:
            shown = [f"{key} {told.values[key]}" for key in keys if key in told.values]
            rows.append((status, ", ".join(shown)))
    return rows


def _machine(machine: dict[str, object]) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = [("steal time, all processors", f"{machine.get('steal_ms', '-')} ms")]
    loop = machine.get("reference_loop_us")
    if isinstance(loop, dict):
        late = ", ".join(f"{key} {value}" for key, value in loop.get("lateness_us", {}).items())
        rows.append(("a bare C loop beside the run", f"{late} us late"))
    scheduling = machine.get("scheduling")
    for name, one in scheduling.items() if isinstance(scheduling, dict) else ():
        rows.append((f"priority of {name}", f"asked {one['asked']}, granted {one['granted']}"))
    return rows
