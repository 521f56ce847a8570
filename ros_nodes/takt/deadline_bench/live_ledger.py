"""The real-time half of `takt prove ledger-host`: a running demo whose parts are killed while it misses deadlines."""

from __future__ import annotations

import json
import random
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from takt.deadline_bench.clock_step import SteppedClock
from takt.deadline_bench.score import sequences
from takt.errors import TaktError
from takt.supervision.ledger_file import board_record
from takt.trouble.ledger_check import faults_of

if TYPE_CHECKING:
    from takt.nodes.deadline_run import DeadlineRun

_CYCLES_A_SECOND = 100
_STRETCH_EVERY_S = 2.0
_MISHAP_EVERY_S = 10.0
_DRAIN_S = 15.0
_KILLED = ("agent", "supervisor", "firmware", "planner", "camera", "detector", "agent", "supervisor")


def prove_live(cycles: int, seed: int) -> dict[str, Any]:
    """So many cycles of the posix board, by the host's clock; what was done, and what is wrong."""
    from takt.nodes.deadline_run import DeadlineRun

    with tempfile.TemporaryDirectory(prefix="takt-ledger-") as folder:
        clock = SteppedClock(Path(folder))
        run = DeadlineRun(Path(folder), cycles / _CYCLES_A_SECOND + _DRAIN_S, clock)
        try:
            run.start()
            run.wait_until_armed()
            done = _trouble(run, cycles / _CYCLES_A_SECOND, random.Random(seed))
            run.watch_for(_DRAIN_S)
            waiting = _outboxes(run)
            loop = run.diagnostics.get("base: loop", {})
        finally:
            run.end()
            clock.close()
        rows = [json.loads(line) for line in (Path(folder) / "ledger.jsonl").read_text().splitlines()]
    return {"time": "real", "seed": seed, **_judge(rows, loop, done, waiting)}


def _trouble(run: DeadlineRun, seconds: float, rng: random.Random) -> Counter[str]:
    """Stretches of the board and stops of the planner by the clock; now and then somebody dies, or the line is cut."""
    done: Counter[str] = Counter()
    mishaps = 0
    for number in range(round(seconds / _STRETCH_EVERY_S)):
        done["stretches"] += _done(lambda: run.hands.board("stretch 25"))
        run.watch_for(_STRETCH_EVERY_S / 4)
        done["planner_stops"] += _done(lambda: run.hands.freeze("planner"))
        run.watch_for(0.05)
        run.hands.thaw()
        run.watch_for(_STRETCH_EVERY_S / 4)
        if number % round(_MISHAP_EVERY_S / _STRETCH_EVERY_S) == 0:
            _mishap(run, mishaps, rng, done)
            mishaps += 1
        run.watch_for(_STRETCH_EVERY_S / 2 - 0.05)
    run.hands.mend_line()
    return done


def _mishap(run: DeadlineRun, number: int, rng: random.Random, done: Counter[str]) -> None:
    if number % 4 == 3:
        run.hands.line(cut=True)
        run.watch_for(rng.uniform(0.2, 1.5))
        run.hands.line(mend=True)
        done["line_cuts"] += 1
        return
    name = _KILLED[number % len(_KILLED)]
    done[f"killed_{name}"] += _done(lambda: run.hands.kill(name))


def _done(act: Callable[[], object]) -> bool:
    """Whether there was somebody to do it to: who was killed a moment ago is not back yet."""
    try:
        act()
    except (TaktError, ProcessLookupError):
        return False
    return True


def _outboxes(run: DeadlineRun) -> dict[str, tuple[int, int]]:
    """Node -> (its newest epoch, how many misses it had), by the memory that it keeps itself."""
    found: dict[str, tuple[int, int]] = {}
    for path in run.outbox_files():
        newest: Counter[int] = Counter()
        for line in path.read_text().splitlines():
            row = json.loads(line)
            epoch = row.get("confirmed_epoch", row.get("epoch", 0))
            newest[epoch] = max(newest[epoch], row.get("confirmed", row.get("sequence", 0)))
        if newest:
            found[path.name.rsplit(".", 1)[-1]] = max(newest.items())
    return found


def _judge(
    rows: list[dict[str, Any]],
    loop: dict[str, str],
    done: Counter[str],
    outboxes: dict[str, tuple[int, int]],
) -> dict[str, Any]:
    records = [record for row in rows if (record := board_record(row)) is not None]
    missing, duplicate = sequences(rows)
    wrong = faults_of(records, loop)
    for node, (epoch, count) in outboxes.items():
        told = [row["sequence"] for row in rows if row["source"] == node and row["epoch"] == epoch]
        if max(told, default=0) != count:
            wrong.append(
                f"{node} had {count} misses in its last epoch, the file ends with {max(told, default=0)}"
            )
    overruns = sum(record["cause"] == "own_overrun" for record in records)
    overruns += sum(int(record.get("own_overrun", 0)) for record in records)
    swallowed = done["killed_firmware"]  # a stretch at the moment of the kill is none
    if not done["stretches"] - swallowed <= overruns <= done["stretches"]:
        wrong.append(f"{done['stretches']} cycles were stretched, the file holds {overruns}")
    return {
        **done,
        "ledger_lines": len(rows),
        "board_records": len(records),
        "board_overruns": overruns,
        "host_misses": len(rows) - len(records),
        "ledger_missing": missing,
        "ledger_duplicate": duplicate,
        "wrong": wrong[:20],
        "held": not wrong and not missing and not duplicate,
    }
