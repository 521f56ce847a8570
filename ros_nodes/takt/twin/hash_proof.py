"""`takt prove twin-hash`: the same run again and again gives the same log, in one process and in two, seen or unseen.

Two episodes take turns, a scenario and a day of chaos; every other run draws its sheet of pictures. The processes are
started anew and order their sets and dictionaries differently (PYTHONHASHSEED), so that nothing may rest on that.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import takt.contract
from takt.errors import TaktError
from takt.twin.chaos import draw
from takt.twin.command import library_path
from takt.twin.episode import Episode
from takt.twin.run import run
from takt.twin.scenario_file import load
from takt.twin.workers import answers

_SCENARIO, _SEED = "follow", 3
_OTHER_SEEDS = 10


@dataclass(frozen=True)
class Question:
    episode: Episode
    library: str
    picture: str = ""  # where the sheet goes; empty: not drawn


def hash_of(question: Question) -> str:
    """The log's hash of one run."""
    film = None
    if question.picture:
        from takt.twin.film import Film  # needs OpenGL

        film = Film(Path(question.picture))
    contract = takt.contract.load()
    each_row = film.see if film else None
    result = run(Path(question.library), contract, question.episode, None, each_row)
    if film:
        film.close()
        if not Path(question.picture).stat().st_size:
            raise TaktError(f"{question.picture} is empty", "look at the disk")
    return result.log_hash


def _episodes(seed: int) -> list[Episode]:
    return [load(_SCENARIO).episode(seed), draw(seed)]


def repeat(count: int, library: str, jobs: int, folder: Path) -> dict[str, Any]:
    """``count`` runs of each episode, every other one with pictures; how many gave the commonest hash."""
    told: dict[str, Any] = {}
    for episode in _episodes(_SEED):
        pictures = [str(folder / f"{jobs}-{number}.png") if number % 2 else "" for number in range(count)]
        questions = [Question(episode, library, picture) for picture in pictures]
        hashes = Counter(answers(hash_of, questions, jobs))
        told[episode.name] = {
            "runs": count,
            "drawn": count // 2,
            "same": hashes.most_common(1)[0][1],
            "log_hash": hashes.most_common(1)[0][0],
        }
    return told


def prove(count: int, library: str) -> dict[str, Any]:
    """``held`` when all runs agree, on one worker and on two, and every other seed has a hash of its own."""
    with tempfile.TemporaryDirectory(prefix="takt-hash-") as folder:
        workers = {str(jobs): repeat(count, library, jobs, Path(folder)) for jobs in (1, 2)}
    others = [
        Question(replace(episode, seconds=20.0), library)
        for seed in range(_SEED, _SEED + max(2, min(_OTHER_SEEDS, count)))
        for episode in _episodes(seed)
    ]
    distinct = len(set(answers(hash_of, others, 2)))
    agree = all(one["same"] == one["runs"] for told in workers.values() for one in told.values())
    same = all(workers["1"][name]["log_hash"] == workers["2"][name]["log_hash"] for name in workers["1"])
    held = agree and same and distinct == len(others)
    return {
        "time": "simulated",
        "workers": workers,
        "other_seeds": {"runs": len(others), "distinct": distinct},
        "held": held,
    }


def main(argv: list[str]) -> int:
    """0 when it held."""
    parser = argparse.ArgumentParser(prog="takt prove twin-hash", description=__doc__)
    parser.add_argument(
        "--count", type=int, default=100, help="runs of each episode and number of workers (default 100)"
    )
    parser.add_argument("--library", help=argparse.SUPPRESS)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report")
    given = parser.parse_args(argv)
    if given.count < 2:
        raise TaktError(f"--count {given.count} repeats nothing", "give 2 or more")
    found = prove(given.count, library_path(given.library))
    print(json.dumps(found, indent=1))
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0 if found["held"] else 1
