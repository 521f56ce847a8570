"""`takt prove ladder`: every cell of the table, and faults that must each end on their rung in time, twin and demo.

First every cell of both computers' tables, against the rules written down a second time. Then each fault of the table
of reactions in the twin, ``--count`` seeds each, and those that a running host can be given in the demo, ``--live``
rounds. Where the host is unplugged or stands still, the setpoint must be zero within 300 ms and the wheels at rest
within 800 ms, without its help.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import takt.contract
from takt.contract import Contract
from takt.deadlines import Rung
from takt.deadlines.ladder import Limits
from takt.errors import TaktError
from takt.micropython import c_core
from takt.trouble import ladder_cells, ladder_live, ladder_twin
from takt.trouble.ladder_twin import Reached
from takt.trouble.reactions import Reaction, reactions
from takt.twin.command import library_path

_OBSERVER_MS = 50.0  # from the supervisor's telling to the referee's hearing
_UNPLUGGED = ("line_cut", "host_pause", "agent_kill", "agent_freeze")
_SETPOINT_ZERO_MS, _STANDING_MS = 300.0, 800.0


def faults_of(case: Reaction, found: Reached, observer_ms: float = 0.0) -> list[str]:
    """What is wrong with one outcome; empty if it ended on its rung in time."""
    wrong = []
    start = Rung.NOMINAL
    if found.board_ms.get(start, 1e9) > 20.0 and case.board is not start and not _reset_at_once(case, found):
        wrong.append("the board was not NOMINAL before")
    if case.host is not None and min(found.host_ms, default=0) != start:
        wrong.append("the host was not NOMINAL before")
    for side, rung, limit_ms, times in (
        ("board", case.board, case.board_ms, found.board_ms),
        ("host", case.host, case.host_ms + observer_ms, found.host_ms),
    ):
        if rung is None:
            continue
        lowest = Rung(max(times, default=0))
        if lowest is not rung:
            wrong.append(f"{side} went to {lowest.name}, must be {rung.name}")
        elif rung is not Rung.NOMINAL and times[rung] > limit_ms:
            wrong.append(f"{side} on {rung.name} after {times[rung]:.0f} ms, must be {limit_ms:.0f}")
    if case.kind in _UNPLUGGED and found.was_moving:
        for what, took_ms, limit_ms in (
            ("setpoint zero", found.setpoint_zero_ms, _SETPOINT_ZERO_MS),
            ("wheels at rest", found.standing_ms, _STANDING_MS),
        ):
            if took_ms is None or took_ms > limit_ms:
                wrong.append(f"{what} after {took_ms} ms, must be {limit_ms:.0f}")
    return wrong


def _reset_at_once(case: Reaction, found: Reached) -> bool:
    """A board without power has no rung until it starts again."""
    return case.kind in ("board_reset", "board_watchdog", "power_cycle") and bool(found.board_ms)


def cells(contract: Contract) -> dict[str, Any]:
    """Both tables in full."""
    limits = contract.ladder
    host = ladder_cells.host(
        Limits(
            limits.reduced_skip_ratio,
            limits.hold_perception_age_ms,
            limits.safe_link_silence_ms,
            limits.recover_ms,
        )
    )
    board = ladder_cells.board(c_core.load())
    return {
        "host_cells": host.cells,
        "board_cells": board.cells,
        "cells_wrong": [*(host.wrong or []), *(board.wrong or [])],
    }


def in_twin(contract: Contract, cases: list[Reaction], seeds: range) -> list[dict[str, Any]]:
    """Each fault with each seed in virtual time."""
    library = Path(library_path(None))
    rows = []
    for case in cases:
        for seed in seeds:
            look_s = case.seconds + 0.2
            found = ladder_twin.live(library, contract, case.kind, seed, case.strength, case.seconds, look_s)
            rows.append(_row("twin", case, found, faults_of(case, found)))
    return rows


def in_demo(cases: list[Reaction], rounds: int) -> list[dict[str, Any]]:
    """Those that a running host can be given, some to a run."""
    rows = []
    possible = [case for case in cases if case.live]
    for seed in range(1, rounds + 1):
        for begin in range(0, len(possible), ladder_live.PER_RUN):
            part = possible[begin : begin + ladder_live.PER_RUN]
            run_dir = Path(tempfile.mkdtemp(prefix="takt-ladder-"))
            for case, found in zip(part, ladder_live.live(part, seed, run_dir), strict=True):
                rows.append(_row("demo", case, found, faults_of(case, found, _OBSERVER_MS)))
    return rows


def _row(world: str, case: Reaction, found: Reached, wrong: list[str]) -> dict[str, Any]:
    row = {
        "world": world,
        **asdict(found),
        "stated": f"{case.board.name} in {case.board_ms:.0f} ms",
        "wrong": wrong,
    }
    board = found.board_ms.get(int(case.board))
    host = None if case.host is None else found.host_ms.get(int(case.host))
    verdict = "ok" if not wrong else "FAILED: " + "; ".join(wrong)
    print(
        f"{world:5s} {case.kind:18s} seed {found.seed}  {case.board.name:8s} board {board} host {host} ms  {verdict}",
        flush=True,
    )
    return row


def summary(table: dict[str, Any], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Counts, and the worst of the unplugged host."""
    unplugged = [row for row in rows if row["kind"] in _UNPLUGGED and row["was_moving"]]
    worst = {
        f"unplugged_{key}_max": max((row[key] for row in unplugged if row[key] is not None), default=None)
        for key in ("setpoint_zero_ms", "standing_ms")
    }
    counts = {
        f"{world}_{what}": sum(
            row["world"] == world and (what == "tried" or not row["wrong"]) for row in rows
        )
        for world in ("twin", "demo")
        for what in ("tried", "held")
    }
    kinds = {world: len({row["kind"] for row in rows if row["world"] == world}) for world in ("twin", "demo")}
    ok = not table["cells_wrong"] and not any(row["wrong"] for row in rows)
    return {**table, **counts, "kinds": kinds, **worst, "ok": ok}


def main(argv: list[str]) -> int:
    """Exit status 0 when every cell is right and every fault ended on its rung in time."""
    parser = argparse.ArgumentParser(prog="takt prove ladder", description=__doc__)
    parser.add_argument("--count", type=int, default=3, help="seeds in the twin for each fault (default 3)")
    parser.add_argument("--live", type=int, default=1, help="rounds in the demo, of 6 min each (default 1)")
    parser.add_argument("--only", metavar="KIND", action="append", help="only this fault")
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args(argv)
    contract = takt.contract.load()
    cases = [case for case in reactions(contract) if not given.only or case.kind in given.only]
    if not cases:
        raise TaktError(
            f"no fault {given.only}", f"one of: {', '.join(one.kind for one in reactions(contract))}"
        )
    table = cells(contract)
    rows = in_twin(contract, cases, range(1, given.count + 1)) + in_demo(cases, given.live)
    result = summary(table, rows)
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps({**result, "faults": rows}, indent=1) + "\n")
    return 0 if result["ok"] else 1
