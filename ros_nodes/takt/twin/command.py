"""`takt twin`: scenarios in virtual time, judged by what they expect and by the invariants that always hold."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import takt.contract
from takt import resources
from takt.errors import TaktError
from takt.twin.episode import MAX_SEED
from takt.twin.run import run
from takt.twin.scenario_file import load, shipped
from takt.twin.verdict import recovery_s, stop_distance_m, unmet
from takt.twin.workers import answers

_MOST_RUNS = 1_000_000
LIBRARY = "build/firmware/libtakt_core.so"


@dataclass(frozen=True)
class Question:
    scenario: str
    seed: int
    library: str
    camera: bool = False
    render: str = ""
    record: str = ""


def answer(question: Question) -> dict[str, Any]:
    """One run's report, as ``--json`` writes it."""
    scenario = load(question.scenario)
    contract = takt.contract.load()
    make_eye, each_row, watcher = None, None, None
    if question.camera:
        from takt.twin.camera_eye import camera_eye  # needs OpenGL and a model: only when asked for

        make_eye = camera_eye
    if question.render:
        from takt.twin.film import Film

        film = Film(Path(question.render))
        each_row = film.see
    if question.record:
        from takt.twin.flight_recorder import FlightRecorder

        recorder = FlightRecorder(Path(question.record), contract)
        watcher = recorder.see
    begun_s = time.perf_counter()
    episode = scenario.episode(question.seed)
    result = run(Path(question.library), contract, episode, make_eye, each_row, watcher)
    spent_s = time.perf_counter() - begun_s
    if question.render:
        film.close()
    if question.record:
        recorder.finish(result)
    failures = unmet(result, scenario.expect)
    return result.as_json() | {
        "perception": "camera" if question.camera else "geometric",
        "speed_x_real_time": round(result.simulated_s / spent_s, 1),
        "stop_distance_m": stop_distance_m(result) if result.episode.faults else None,
        "recovery_s": recovery_s(result) if result.episode.faults else None,
        "passed": not failures,
        "failures": failures,
    }


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt twin", description=__doc__)
    made.add_argument("scenario", nargs="?", help=f"a file, or one of: {', '.join(shipped())}")
    made.add_argument("--all", action="store_true", help="every scenario that comes with Takt")
    made.add_argument("--seed", type=int, metavar="N", help="one seed (default 0)")
    made.add_argument("--seeds", metavar="A-B", help="seeds from A to B, both included")
    made.add_argument(
        "-j", "--jobs", type=int, nargs="?", const=0, default=1, help="processes; -j alone: one a core"
    )
    made.add_argument("--json", type=Path, metavar="FILE", help="write the report (several runs: a list)")
    made.add_argument("--camera", action="store_true", help="draw pictures and run the real detector on them")
    made.add_argument(
        "--render", metavar="FILE", default="", help="a film (.mp4) or a picture (.png) for people"
    )
    made.add_argument(
        "--record", metavar="FILE.mcap", default="", help="what it thought from, for takt replay"
    )
    made.add_argument("--library", help=argparse.SUPPRESS)
    return made


def main(argv: list[str]) -> int:
    """Returns 0 if every run came to what it should, 1 if not."""
    options = parser().parse_args(argv)
    names = shipped() if options.all else [options.scenario] if options.scenario else []
    if not names:
        raise TaktError(
            "no scenario was named", f"name a file or one of: {', '.join(shipped())}; or give --all"
        )
    seeds = seeds_of(options.seeds) if options.seeds else [0 if options.seed is None else options.seed]
    if (options.render or options.record) and len(names) * len(seeds) != 1:
        raise TaktError("--render and --record are of one run", "name one scenario and one --seed")
    if options.record and not Path(options.record).resolve().parent.is_dir():
        raise TaktError(f"the folder of {options.record} does not exist", "make it, or name another file")
    for name in names:
        load(name).episode(seeds[0])  # what is wrong with a file or a seed is said before anything runs
    library = library_path(options.library)
    questions = [
        Question(name, seed, library, options.camera, options.render, options.record)
        for name in names
        for seed in seeds
    ]
    reports = []
    for report in answers(answer, questions, jobs_of(options.jobs)):
        reports.append(report)
        tell(report)
    if options.json:
        body = reports[0] if len(reports) == 1 else reports
        options.json.write_text(json.dumps(body, indent=1) + "\n")
    failed = sum(not report["passed"] for report in reports)
    if len(reports) > 1:
        print(f"{len(reports) - failed} of {len(reports)} passed")
    return 1 if failed else 0


def tell(report: dict[str, Any]) -> None:
    verdict = "ok  " if report["passed"] else "FAIL"
    mission = report["mission"]
    figures = (
        f"visible {mission['target_visible_ratio']:.3f}, off {mission['distance_error_m']['p95']} m (p95)"
        if mission["armed"]
        else "never armed"
    )
    print(
        f"{verdict} {report['scenario']} seed {report['seed']}: {figures}, {report['speed_x_real_time']} x real time,"
        f" {report['log_hash'][:12]}",
        flush=True,
    )
    for failure in report["failures"]:
        print(f"     {failure}", file=sys.stderr)


def seeds_of(text: str) -> list[int]:
    """``A-B``, both included. Raises TaktError for anything else."""
    low, dash, high = text.partition("-")
    if not (dash and low.isdecimal() and high.isdecimal() and int(low) <= int(high)):
        raise TaktError(f"{text!r} is no range of seeds", "give A-B with A <= B, such as 0-99")
    if int(high) > MAX_SEED:
        raise TaktError(f"seed {high} is out of range", f"give seeds from 0 to {MAX_SEED}")
    if int(high) - int(low) >= _MOST_RUNS:
        raise TaktError(f"{text} is more than {_MOST_RUNS} runs", "give fewer at a time")
    return list(range(int(low), int(high) + 1))


def jobs_of(asked: int) -> int:
    if asked < 0:
        raise TaktError(f"{asked} processes cannot be", "give 1 or more, or -j alone")
    return asked or os.cpu_count() or 1


def library_path(asked: str | None) -> str:
    """The firmware's core as a shared library: named, or where `./run` builds it."""
    path = Path(asked) if asked else resources.roots()[0] / LIBRARY
    if not path.exists():
        fix = "build it: cmake -S firmware -B build/firmware && cmake --build build/firmware"
        raise TaktError(f"the firmware's core library {path} is not there", fix)
    return str(path)


__all__ = ["Question", "answer", "jobs_of", "library_path", "main", "seeds_of"]
