"""A run on one timeline: the host's stages, the link, the board's cycles, rungs, misses, faults, and curves.

Host and board are comparable because both stamp in ROS time; the board's clock error bound is one of the curves.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from takt.deadlines.miss import BOARD
from takt.report.run_record import RunRecord
from takt.report.trace_events import TraceEvents

HOST, BOARD_PROCESS, LADDER, CURVES = "host", "board", "ladder", "curves"
_ON_THE_BOARD = ("apply",)
_CYCLES, _MISSES, _FAULTS, _LOG = "control cycle", "misses", "faults brought in", "log"
_GAP_PERIODS = 1.5  # longer between two told cycles: those between were not told
_EVERY_NTH_CYCLE = 5  # of the wheels' speeds: 20 a second are enough for a curve
_WARN = 30
# status -> (curve, its values): key of the status, and its name on the curve
_CURVES_OF = {
    "base: clock": (("clock error bound", {"bound_us": "us"}), ("clock drift", {"drift_ppm": "ppm"})),
    "base: link": (("link round trip", {"round_trip_us": "us"}),),
    "base: motors": (("duty", {"duty_left": "left", "duty_right": "right"}),),
    "base: loop": (("ledger pending", {"ledger_pending": "records"}),),
    "agent: link": (("agent queue", {"queue_depth": "messages"}),),
    "recorder: recordings": (("recorder memory", {"held_bytes": "bytes"}),),
}


def trace(record: RunRecord) -> dict[str, Any]:
    """The document that json.dump writes."""
    began_ns, ended_ns = record.span_ns
    events = TraceEvents(began_ns)
    stages = ("capture", "ring", "detect", "plan_wait", "plan", "middleware", "link")
    events.declare(HOST, *stages, _MISSES, _FAULTS, _LOG)
    events.declare(BOARD_PROCESS, *_ON_THE_BOARD, _CYCLES, _MISSES)
    events.declare(LADDER, HOST, BOARD_PROCESS)
    _journeys(events, record)
    _cycles(events, record)
    _misses(events, record)
    _rungs(events, record, ended_ns)
    for fault in record.faults:
        events.slice(HOST, _FAULTS, fault.kind, fault.at_ns, fault.until_ns, {"strength": fault.strength})
    for line in record.log:
        if line.level >= _WARN:
            events.instant(HOST, _LOG, f"{line.name}: {line.text}"[:120], line.at_ns, {"text": line.text})
    _curves(events, record)
    facts = {"run": record.name, "contract": record.contract.hash_property, "notes": "; ".join(record.notes)}
    return events.document({**facts, "ended_ns": ended_ns})


def _journeys(events: TraceEvents, record: RunRecord) -> None:
    """Each frame's stretches on the tracks of their stages, joined by an arrow from the light to the motor."""
    pieces = [
        (entered_ns, left_ns, name, number)
        for number, journey in enumerate(record.journeys, start=1)
        for name, entered_ns, left_ns in journey.stages
    ]
    stops: dict[int, list[tuple[tuple[int, int], int]]] = {}
    for entered_ns, left_ns, name, number in sorted(pieces):
        journey = record.journeys[number - 1]
        process = BOARD_PROCESS if name in _ON_THE_BOARD else HOST
        args = {"frame": number, "observed_ns": str(journey.observed_ns), "outcome": journey.outcome}
        place = events.slice(process, name, name, entered_ns, left_ns, args)
        stops.setdefault(number, []).append((place, entered_ns))
    for number, places in stops.items():
        events.flow(number, "frame to motor", sorted(places, key=lambda stop: stop[1]))
    for observed_ns, whole_ms in record.photon_to_motor_ms():
        at_ns = observed_ns + round(whole_ms * 1e6)
        events.counter(CURVES, "photon to motor", at_ns, {"ms": round(whole_ms, 3)})


def _cycles(events: TraceEvents, record: RunRecord) -> None:
    """From one cycle's stamp to the next one's: what joint_states told, nothing that was not measured."""
    period_ns = 1_000_000_000 // record.contract.control.rate_hz
    for before, after in pairwise(record.cycles):
        gap_ns = after.at_ns - before.at_ns
        name = "cycle" if gap_ns <= _GAP_PERIODS * period_ns else "cycles that were not told"
        args = {"period_ms": round(gap_ns / 1e6, 3)}
        events.slice(BOARD_PROCESS, _CYCLES, name, before.at_ns, after.at_ns, args)
    for cycle in record.cycles[::_EVERY_NTH_CYCLE]:
        speeds = {"left": round(cycle.left_rad_s, 3), "right": round(cycle.right_rad_s, 3)}
        events.counter(CURVES, "wheel speed rad/s", cycle.at_ns, speeds)


def _misses(events: TraceEvents, record: RunRecord) -> None:
    for miss in record.misses:
        process = BOARD_PROCESS if miss.source == BOARD else HOST
        late_ms = round(miss.late_ns / 1e6, 3)
        args = {"source": miss.source, "stage": miss.stage, "late_ms": late_ms, "sequence": miss.sequence}
        args |= {"bound_us": miss.bound_ns / 1e3, **miss.evidence}
        events.instant(process, _MISSES, f"{miss.source} {miss.stage}: {miss.cause}", miss.at_ns, args)


def _rungs(events: TraceEvents, record: RunRecord, ended_ns: int) -> None:
    for computer in ("host", "board"):
        steps = [step for step in record.rungs if step.computer == computer]
        ends = [*(step.at_ns for step in steps[1:]), *(max(ended_ns, step.at_ns) for step in steps[-1:])]
        for step, end_ns in zip(steps, ends, strict=True):
            events.slice(LADDER, computer, step.rung, step.at_ns, end_ns, {"reason": step.reason})


def _curves(events: TraceEvents, record: RunRecord) -> None:
    for status, curves in _CURVES_OF.items():
        for told in record.statuses.get(status, []):
            for name, keys in curves:
                found = {shown: told.number(key) for key, shown in keys.items()}
                values = {shown: value for shown, value in found.items() if value is not None}
                if values and all(abs(value) < float("inf") for value in values.values()):
                    events.counter(CURVES, name, told.at_ns, values)
