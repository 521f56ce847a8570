"""`takt bench deadlines`: who was to blame, in a running robot with labelled faults; and what the measuring costs.

A quiet stretch (each frame's road), rounds of twelve kinds of faults until the time is over (at most 50 each), then
four processor hogs and a disk hog beside the robot, with a bare C loop at the planner's priority and one above all.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import takt.contract
from takt.deadline_bench import cost
from takt.deadline_bench.clock_step import SteppedClock
from takt.deadline_bench.figures import Measured, figures
from takt.deadline_bench.hogs import SteadyHogs
from takt.deadline_bench.injector import Injector
from takt.deadline_bench.kinds import KINDS, Kind
from takt.deadline_bench.ledger_watch import LedgerWatch
from takt.deadline_bench.page_watch import PageWatch, free_port
from takt.deadline_bench.score import score
from takt.errors import TaktError

_MOST_ROUNDS = 50
_QUIET_S, _HOGS_S = 45.0, 60.0
_SETTLE_S = 4.0
_DRAIN_S = 20.0
_ABOVE_ALL = 85
_CPU_HOGS = 4
_RELIEVED_S = 45.0  # three kinds are given back after some calm each
_AROUND_HOGS_S = 65.0  # what has to come before and after them, at most
_SHARES = {"quiet": 0.07, "hogs": 0.10}  # of a short run, where the usual lengths do not fit


class CLoop:
    """The bare C loop, from now until ``stop``; ``stalls`` are (ROS ns, lateness ns) beyond 1 ms."""

    def __init__(self, program: Path, folder: Path, name: str, priority: int) -> None:
        self._json, self._stalls = folder / f"{name}.json", folder / f"{name}.stalls"
        command = [
            str(program),
            "--fifo",
            str(priority),
            "--json",
            str(self._json),
            "--stalls",
            str(self._stalls),
        ]
        self._process = subprocess.Popen(command)

    def stop(self) -> tuple[dict[str, Any], list[tuple[int, int]]]:
        """Its report and its stalls."""
        self._process.terminate()
        self._process.wait()
        rows = [line.split() for line in self._stalls.read_text().splitlines()]
        return json.loads(self._json.read_text()), [(int(at), int(late)) for at, late in rows]


class Bench:
    """One run, in its three parts. ``seconds`` is all the time there is; ``kinds``: those of the faults."""

    def __init__(self, folder: Path, seconds: float, rounds: int, kinds: Sequence[Kind]) -> None:
        from takt.nodes.deadline_run import DeadlineRun  # needs ROS, which --help does not

        self._folder, self._rounds, self._kinds = folder, rounds, kinds
        self._end_s = time.monotonic() + seconds
        self._quiet_s = min(_QUIET_S, seconds * _SHARES["quiet"])
        self._hogs_s = min(_HOGS_S, seconds * _SHARES["hogs"])
        self.clock = SteppedClock(folder)
        port = free_port()
        self.run = DeadlineRun(folder, seconds, self.clock, port)
        self._ledger, self._page = LedgerWatch(folder / "ledger.jsonl", folder), PageWatch(port, folder)
        self.found = Measured()

    def go(self, program: Path) -> None:
        """The whole run."""
        try:
            self.run.start()
            self.run.wait_until_armed()
            self._quiet()
            self._inject(program)
            self._hog(program)
            self.run.watch_for(_SETTLE_S)
            self.found.drained = self.run.wait_until_drained(_DRAIN_S)
        finally:
            self.found.shown, self.found.views = self._page.stop()
            self.found.seen = self._ledger.stop()
            self.run.end()
            self.clock.close()
        self.found.journeys, self.found.slowed = self.run.journeys, self.run.slowed
        self.found.said = self.run.diagnostics

    def _quiet(self) -> None:
        self.run.rehearse("gc:0")
        self.run.wait_until_well()
        self.run.watch_for(2.0)
        self._span("quiet", self._quiet_s)

    def _inject(self, program: Path) -> None:
        """Each round beside a bare C loop of its own, which keeps a limited number of stalls."""
        injector = Injector(self.run)
        end_s = self._end_s - self._hogs_s - _AROUND_HOGS_S
        try:
            for number in range(self._rounds):
                above = CLoop(program, self._folder, "above_all", _ABOVE_ALL)
                for kind in self._kinds:
                    if time.monotonic() < end_s:
                        self._inject_one(injector, kind)
                self.found.stalls += above.stop()[1]
                done = f"round {number + 1}: {len(self.run.seen)} misses in the ledger"
                print(done, file=sys.stderr, flush=True)
                if time.monotonic() >= end_s:
                    return
        finally:
            injector.close()

    def _inject_one(self, injector: Injector, kind: Kind) -> None:
        if not self.run.wait_until_well():
            self.found.not_done += 1
            return
        try:
            self.found.injections.append(injector.inject(kind))
        except (TaktError, ProcessLookupError) as error:  # whom it was for has died meanwhile
            self.found.not_done += 1
            print(f"{kind.name} was not done: {error}", file=sys.stderr, flush=True)

    def _hog(self, program: Path) -> None:
        """Everybody's lateness is counted from the hogs' beginning, the planner's and the bare loop's."""
        self.run.wait_until_well()
        self.run.wait_until_relieved(_RELIEVED_S)
        above = CLoop(program, self._folder, "above_all_hogs", _ABOVE_ALL)
        priority = takt.contract.load().scheduling.planner
        beside = CLoop(program, self._folder, "beside_planner", priority)
        hogs = SteadyHogs(_CPU_HOGS, self._folder)
        self.run.rehearse("anew:0")
        try:
            self._span("hogs", self._hogs_s)
        finally:
            hogs.close()
            self.found.planner = dict(self.run.diagnostics.get("planner: plan", {}))
            self.found.beside = beside.stop()[0]
            self.found.stalls += above.stop()[1]

    def _span(self, name: str, seconds: float) -> None:
        begun_ns = self.run.ros_ns
        self.run.watch_for(seconds)
        self.found.spans[name] = (begun_ns, self.run.ros_ns)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt bench deadlines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    parser.add_argument(
        "--samples", type=Path, default=None, metavar="DIR", help="keep ledger, journeys, labels"
    )
    parser.add_argument("--seconds", type=float, default=840.0, help="all the time there is (default 840)")
    parser.add_argument("--rounds", type=int, default=_MOST_ROUNDS, help="of the twelve kinds (default 50)")
    names = [kind.name for kind in KINDS]
    parser.add_argument("--kinds", nargs="+", choices=names, default=names, help="only these faults")
    return parser


def _keep(found: Measured, costs: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    rows = [{**one.row, "on_disk_ns": one.on_disk_ns, "shown_ns": found.shown_ns(one)} for one in found.seen]
    for name, lines in (("injections", [asdict(one) for one in found.injections]), ("ledger", rows)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "journeys.jsonl").write_text("".join(one.to_json() + "\n" for _, one in found.journeys))
    (folder / "stalls.json").write_text(json.dumps(found.stalls))
    scores = {name: one.values() for name, one in score(found.injections, found.seen, found.stalls).items()}
    more = {"spans": found.spans, "cost": costs, "slowed": found.slowed}
    more |= {"beside": found.beside, "planner": found.planner}
    (folder / "scores.json").write_text(json.dumps({"kinds": scores, **more}, indent=1))


def table(found: Measured) -> str:
    """A line a kind, for people."""
    rows = ["kind                 injected  misses  right  unknown  causes"]
    for name, one in score(found.injections, found.seen, found.stalls).items():
        causes = ", ".join(f"{cause} {n}" for cause, n in one.causes.most_common(4))
        rows.append(f"{name:20s} {one.injected:8d} {one.misses:7d} {one.right:6d} {one.unknown:8d}  {causes}")
    return "\n".join(rows)


def main(argv: list[str]) -> int:
    """0 whenever it measured."""
    given = _parser().parse_args(argv)
    if given.seconds < 60.0 or not 1 <= given.rounds <= _MOST_ROUNDS:
        raise TaktError("that is no length for this bench", "--seconds 60 or more, --rounds 1 to 50")
    kinds = [kind for kind in KINDS if kind.name in given.kinds]
    costs = cost.measure()
    with tempfile.TemporaryDirectory(prefix="takt-deadlines-") as folder:
        bench = Bench(Path(folder), given.seconds, given.rounds, kinds)
        bench.go(bench.run.reference_loop)
    measuring = {"measuring_cpu_percent": round(sum(row["percent"] for row in costs.values()), 3)}
    text = json.dumps({**figures(bench.found, kinds), **measuring}, indent=1)
    if given.samples is not None:
        _keep(bench.found, costs, given.samples)
    print(table(bench.found), file=sys.stderr)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n")
    return 0
