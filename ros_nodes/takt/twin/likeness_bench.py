"""`takt bench twin-vs-real`: ten scenarios in the real-time demo and in the twin, and whether they can be told apart.

Real runs are made one after the other (8 to 9 minutes), or taken from a folder of finished ones, each in a folder named
SCENARIO-SEED.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import takt.contract
from takt.contract import Contract
from takt.errors import TaktError
from takt.twin.command import library_path
from takt.twin.likeness import Likeness, Series, compare
from takt.twin.run_samples import RunSamples, of_folder, of_twin
from takt.twin.scenario_file import load

SCENARIOS = (
    "follow", "bad_line", "board_reset", "busy_board", "cut_cable",
    "dead_agent", "dead_camera", "frozen_model", "paused_host", "weak_battery",
)  # fmt: skip
ERROR_SHIFT_M = 0.05
AGE_SHIFT_MS = 5.0
DOWN_SHIFT_MS = 60.0  # a supervisor's tick and a frame
RECOVERY_SHIFT_S = 1.0  # how long processes take to start again is the machine's matter
_RUN_LIMIT_S = 180.0


def main(argv: list[str]) -> int:
    """Exit status 0 when it could be measured, whether the two agree or not."""
    parser = argparse.ArgumentParser(prog="takt bench twin-vs-real", description=__doc__)
    parser.add_argument(
        "--runs", type=Path, metavar="DIR", help="compare with the finished runs that lie here"
    )
    parser.add_argument("--keep", type=Path, metavar="DIR", help="make the runs here, and leave them")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="of all scenarios (default 1)")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="this scenario; may be repeated"
    )
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--library", help=argparse.SUPPRESS)
    options = parser.parse_args(argv)
    contract, library = takt.contract.load(), Path(library_path(options.library))
    names = options.only or SCENARIOS
    for name in names:
        load(name).episode(options.seed)
    with tempfile.TemporaryDirectory(prefix="takt-likeness-") as folder:
        place = options.runs or options.keep or Path(folder)
        if options.runs is None:
            _make_runs(place, names, options.seed)
        pairs = _pairs(place, names, contract, library)
    report = judged(pairs)
    _print(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _make_runs(place: Path, names: Sequence[str], seed: int) -> None:
    for name in names:
        run_dir = place / f"{name}-{seed}"
        run_dir.mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "takt.cli",
            "demo",
            "--headless",
            "--scenario",
            name,
            "--seed",
            str(seed),
        ]
        print(f"demo {name} seed {seed}", flush=True)
        with (run_dir / "demo.log").open("wb") as log:
            subprocess.run(
                [*command, "--run-dir", str(run_dir)],
                stdout=log,
                stderr=log,
                timeout=_RUN_LIMIT_S,
                check=False,
            )


def _pairs(
    place: Path, names: Sequence[str], contract: Contract, library: Path
) -> list[tuple[RunSamples, RunSamples]]:
    """Every finished run of these scenarios beside its twin, of the same seed."""
    pairs = []
    for name in names:
        for run_dir in sorted(place.glob(f"{name}-[0-9]*")):
            episode = load(name).episode(int(run_dir.name.rpartition("-")[2]))
            pairs.append((of_folder(run_dir, contract, episode), of_twin(library, contract, episode)))
    if not pairs:
        raise TaktError(f"{place} holds no finished run", f"name a folder with runs such as {names[0]}-1")
    return pairs


def judged(pairs: Sequence[tuple[RunSamples, RunSamples]]) -> dict[str, Any]:
    """One row a scenario, and all scenarios together; (real, twin) everywhere."""
    rows = [_row(pair) for pair in pairs]
    together = [
        _likeness("distance error m", pairs, lambda one: one.error_m, ERROR_SHIFT_M),
        _likeness("command age ms", pairs, lambda one: one.age_ms, AGE_SHIFT_MS),
    ]
    compared = [one for row in rows for one in (*row["distributions"], *row["times"])]
    return {
        "test": "F(x) <= G(x + shift) + KS bound at 1 % for the effective sizes, both ways; times within shift",
        "shifts": {
            "error_m": ERROR_SHIFT_M,
            "age_ms": AGE_SHIFT_MS,
            "down_ms": DOWN_SHIFT_MS,
            "recovery_s": RECOVERY_SHIFT_S,
        },
        "agree": sum(one["agrees"] for one in compared),
        "compared": len(compared),
        "together": together,
        "scenarios": rows,
    }


def _row(pair: tuple[RunSamples, RunSamples]) -> dict[str, Any]:
    real, twin = pair
    return {
        "scenario": real.scenario,
        "seed": real.seed,
        "distributions": [
            _likeness("distance error m", [pair], lambda one: one.error_m, ERROR_SHIFT_M),
            _likeness("command age ms", [pair], lambda one: one.age_ms, AGE_SHIFT_MS),
        ],
        "times": [
            _times("down ms", real.down_ms, twin.down_ms, DOWN_SHIFT_MS),
            _times("recovery s", real.recovery_s, twin.recovery_s, RECOVERY_SHIFT_S),
        ],
    }


def _likeness(
    name: str,
    pairs: Sequence[tuple[RunSamples, RunSamples]],
    series: Callable[[RunSamples], Series],
    shift: float,
) -> dict[str, Any]:
    real, twin = [series(one) for one, _ in pairs], [series(other) for _, other in pairs]
    found: Likeness = compare(name, real, twin, shift)
    return asdict(found) | {"agrees": found.agrees}


def _times(name: str, real: float | None, twin: float | None, shift: float) -> dict[str, Any]:
    """Where one of them never went down, both must not have."""
    both = real is not None and twin is not None
    apart = abs((real or 0.0) - (twin or 0.0)) if both else (0.0 if real is twin else math.inf)
    return {"quantity": name, "real": real, "twin": twin, "shift": shift, "agrees": apart <= shift}


def _print(report: dict[str, Any]) -> None:
    print(f"{'scenario':14s} {'quantity':18s} {'real':>26s} {'twin':>26s}  excess  noise")
    for row in [
        *report["scenarios"],
        {"scenario": "together", "distributions": report["together"], "times": []},
    ]:
        for one in row["distributions"]:
            real, twin = (" ".join(f"{value:8.3f}" for value in side) for side in one["quantiles"])
            verdict = "" if one["agrees"] else "  DIFFERS"
            test = f"{one['excess']:6.3f} {one['noise']:6.3f}{verdict}"
            print(f"{row['scenario']:14s} {one['quantity']:18s} {real} {twin}  {test}")
        for one in row["times"]:
            verdict = "" if one["agrees"] else "  DIFFERS"
            print(
                f"{row['scenario']:14s} {one['quantity']:18s} {one['real']!s:>26s} {one['twin']!s:>26s}{verdict}"
            )
    print(f"{report['agree']} of {report['compared']} agree")
