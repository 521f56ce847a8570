"""`takt prove model-faults`: models that are slow, fail, answer with NaN or crash in a running demo, one by one.

Each must lead to its rung within three frames of the first frame that it spoiled, and the robot must be NOMINAL again
within two seconds of the model's being well, its command climbing within the acceleration. A crashed process is well
again when another one could be: at its death.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from takt.errors import TaktError

_FIRST_S, _APART_S = 7.0, 6.0
_FRAME_MS = 1000.0 / 30.0
_HOLD_FRAMES = 3.0
_RECOVERY_S = 2.0
_BACK = ("NOMINAL", "REDUCED")


@dataclass(frozen=True)
class Case:
    """A kind of misbehaviour and what docs/vision.md says of it. ``rung``: what the host must come to."""

    kind: str
    seconds: float
    rung: str
    frames: float = _HOLD_FRAMES
    well_at_once: bool = False  # its process died of it, and the next one is sound


CASES = (
    Case("model_slow", 1.5, "NOMINAL"),
    Case("model_fails", 1.5, "HOLD"),
    Case("model_nan", 1.5, "HOLD"),
    Case(
        "detector_slow", 1.5, "HOLD", frames=_HOLD_FRAMES + 4.0
    ),  # two runs up to the time limit of 66 ms come first
    Case("model_crash", 0.2, "HOLD", well_at_once=True),
)


@dataclass(frozen=True)
class Outcome:
    """What one fault led to. Times count from the first spoiled frame, and from the model's being well."""

    kind: str
    seed: int
    lowest: str
    frames_to_rung: float | None
    back_after_s: float | None
    holds: bool


def plan(cases: Sequence[Case] = CASES) -> tuple[list[str], float]:
    """The demo's arguments for one run of all cases, and its length in s."""
    faults: list[str] = []
    for place, case in enumerate(cases):
        faults += ["--fault", f"{case.kind}@{_FIRST_S + place * _APART_S:g}+{case.seconds:g}"]
    return faults, _FIRST_S + len(cases) * _APART_S + 2.0


def judged(report: dict[str, Any], seed: int, cases: Sequence[Case] = CASES) -> list[Outcome]:
    """Read one run's report. Raises TaktError when a fault was not brought in."""
    told = report["trouble"]
    by_kind = {one["kind"]: one for one in told["injected"]}
    missing = [case.kind for case in cases if case.kind not in by_kind]
    if missing:
        raise TaktError(f"{missing[0]} was not brought in: {told['not_done']}", "see the run's logs")
    return [_outcome(case, by_kind[case.kind], told["host_rungs"], seed) for case in cases]


def _outcome(case: Case, injected: dict[str, Any], rungs: list[tuple[int, str, str]], seed: int) -> Outcome:
    begin_ns = injected["first_frame_ns"]
    end_ns = injected["at_ns"] + round(_APART_S * 1e9)
    well_ns = injected["at_ns"] if case.well_at_once else injected["until_ns"]
    during = [(at_ns, rung) for at_ns, rung, _ in rungs if injected["at_ns"] <= at_ns < end_ns]
    order = ("NOMINAL", "REDUCED", "HOLD", "SAFE")
    lowest = max((rung for _, rung in during), key=order.index, default="NOMINAL")
    reached = next((at_ns for at_ns, rung in during if rung == case.rung), None)
    frames = None if reached is None else round((reached - begin_ns) / 1e6 / _FRAME_MS, 2)
    back = next((at_ns for at_ns, rung in during if rung in _BACK and reached and at_ns > reached), None)
    back_s = None if back is None else round(max(0.0, (back - well_ns) / 1e9), 3)
    if case.rung == "NOMINAL":
        holds = lowest in _BACK
    else:
        in_time = frames is not None and frames <= case.frames
        holds = lowest == case.rung and in_time and back_s is not None and back_s <= _RECOVERY_S
    return Outcome(case.kind, seed, lowest, frames, back_s, holds)


def run(seed: int, run_dir: Path, cases: Sequence[Case] = CASES) -> tuple[list[Outcome], list[str]]:
    """One demo with all cases; outcomes, and the invariants that did not hold."""
    faults, seconds = plan(cases)
    command = [sys.executable, "-m", "takt.cli", "demo", "--headless", "--run-dir", str(run_dir)]
    command += ["--seconds", f"{seconds:g}", "--seed", str(seed), "--json", str(run_dir / "report.json")]
    with (run_dir / "demo.log").open("wb") as log:
        subprocess.run([*command, *faults], stdout=log, stderr=log)
    try:
        report = json.loads((run_dir / "report.json").read_text())
    except (OSError, ValueError):
        raise TaktError(f"the demo did not end well, see {run_dir}", "let `takt demo` pass first") from None
    return judged(report, seed, cases), report["trouble"]["violations"]


def summary(outcomes: list[Outcome], violations: list[str]) -> dict[str, Any]:
    """Counts, and each kind's times: median and worst."""
    result: dict[str, Any] = {"tried": len(outcomes), "held": sum(one.holds for one in outcomes)}
    for kind in dict.fromkeys(one.kind for one in outcomes):
        own = [one for one in outcomes if one.kind == kind]
        for key in ("frames_to_rung", "back_after_s"):
            values = [value for one in own if (value := getattr(one, key)) is not None]
            if values:
                result[f"{kind}_{key}"] = {"median": statistics.median(values), "max": max(values)}
    jumps = [line for line in violations if line.startswith(("command_jump", "setpoint_jump"))]
    return {
        **result,
        "jumps": jumps,
        "violations": violations,
        "ok": result["held"] == len(outcomes) and not jumps,
    }


def main(argv: list[str]) -> int:
    """``--count N`` runs, seeds 1 to N, of about 45 s each; 0 when every limit was kept every time."""
    parser = argparse.ArgumentParser(prog="takt prove model-faults", description=__doc__)
    parser.add_argument("--count", type=int, default=5, help="runs; each holds every kind once")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    outcomes: list[Outcome] = []
    violations: list[str] = []
    for seed in range(1, given.count + 1):
        found, broken = run(seed, Path(tempfile.mkdtemp(prefix="takt-models-")))
        violations += broken
        outcomes += found
        for outcome in found:
            print(f"{outcome}  {'ok' if outcome.holds else 'FAILED'}", flush=True)
    result = summary(outcomes, violations)
    print(json.dumps(result, indent=1))
    if given.json is not None:
        rows = {**result, "outcomes": [asdict(one) for one in outcomes]}
        given.json.write_text(json.dumps(rows, indent=1) + "\n")
    return 0 if result["ok"] else 1
