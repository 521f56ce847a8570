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
from takt.deadline_bench.hogs import SteadyHogs
from takt.deadline_bench.injector import Injector
from takt.deadline_bench.kinds import KINDS
from takt.deadline_bench.score import Injection, Seen, ratios, score, sequences, shared
from takt.deadlines import Journey
from takt.deadlines.histogram import exact_summary
from takt.errors import TaktError
from takt.supervision.ledger_file import board_record
from takt.trouble.ledger_check import faults_of

_MOST_ROUNDS = 50
_QUIET_S, _HOGS_S = 45.0, 60.0
_SETTLE_S = 4.0
_DRAIN_S = 20.0
_ABOVE_ALL = 85
_CPU_HOGS = 4
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
    """One run, in its three parts. ``seconds`` is all the time there is."""

    def __init__(self, folder: Path, seconds: float, rounds: int) -> None:
        from takt.nodes.deadline_run import DeadlineRun  # needs ROS, which --help does not

        self._folder, self._rounds = folder, rounds
        self._end_s = time.monotonic() + seconds
        self._quiet_s = min(_QUIET_S, seconds * _SHARES["quiet"])
        self._hogs_s = min(_HOGS_S, seconds * _SHARES["hogs"])
        self.clock = SteppedClock(folder)
        self.run = DeadlineRun(folder, seconds, self.clock)
        self.injections: list[Injection] = []
        self.spans: dict[str, tuple[int, int]] = {}
        self.stalls: list[tuple[int, int]] = []
        self.beside: dict[str, Any] = {}
        self.planner: Mapping[str, str] = {}
        self.not_well = 0
        self.slowed_by_hogs = 0
        self.drained = False

    def go(self, program: Path) -> None:
        """The whole run."""
        try:
            self.run.start()
            self.run.wait_until_armed()
            above = CLoop(program, self._folder, "above_all", _ABOVE_ALL)
            self._quiet()
            self._inject()
            self.stalls += above.stop()[1]
            self._hog(program)
            self.run.watch_for(_SETTLE_S)
            self.drained = self.run.wait_until_drained(_DRAIN_S)
        finally:
            self.run.end()
            self.clock.close()

    def _quiet(self) -> None:
        self.run.rehearse("gc:0")
        self.run.wait_until_well()
        self.run.watch_for(2.0)
        self._span("quiet", self._quiet_s)

    def _inject(self) -> None:
        injector = Injector(self.run)
        end_s = self._end_s - self._hogs_s - 3 * _SETTLE_S
        try:
            for number in range(self._rounds):
                for kind in KINDS:
                    if time.monotonic() >= end_s:
                        return
                    if not self.run.wait_until_well():
                        self.not_well += 1
                        continue
                    self.injections.append(injector.inject(kind))
                print(
                    f"round {number + 1}: {len(self.run.seen)} misses in the ledger",
                    file=sys.stderr,
                    flush=True,
                )
        finally:
            injector.close()

    def _hog(self, program: Path) -> None:
        """A planner that has just begun has figures of its own, without the faults before."""
        self.run.wait_until_well()
        self.run.hands.kill("planner")
        self.run.watch_for(3.0)
        self.run.wait_until_well()
        above = CLoop(program, self._folder, "above_all_hogs", _ABOVE_ALL)
        priority = takt.contract.load().scheduling.planner
        beside = CLoop(program, self._folder, "beside_planner", priority)
        hogs = SteadyHogs(_CPU_HOGS, self._folder)
        try:
            self._span("hogs", self._hogs_s)
        finally:
            hogs.close()
            self.slowed_by_hogs = len(self.run.slowed[-1]) if self.run.slowed else 0
            self.planner = dict(self.run.diagnostics.get("planner: plan", {}))
            self.beside = beside.stop()[0]
            self.stalls += above.stop()[1]

    def _span(self, name: str, seconds: float) -> None:
        begun_ns = self.run.ros_ns
        self.run.watch_for(seconds)
        self.spans[name] = (begun_ns, self.run.ros_ns)


def figures(bench: Bench) -> dict[str, Any]:
    """Everything flat, with the count behind each ratio."""
    run, scores = bench.run, score(bench.injections, bench.run.seen, bench.stalls)
    rows = [one.row for one in run.seen]
    return {
        **ratios(scores),
        "injections": len(bench.injections),
        "injections_of_each_kind_min": min(one.injected for one in scores.values()),
        "injections_without_miss": sum(one.without_miss for one in scores.values()),
        "injections_not_done": bench.not_well,
        "blame_host_stalls_excluded": sum(one.host_stalls for one in scores.values()),
        **_ledger(rows, run.diagnostics, bench.drained),
        **_latency(run.seen, bench.injections),
        **_roads(run.journeys, bench.spans.get("quiet", (0, 0))),
        **_hogged(bench, rows),
    }


def in_order(told: Sequence[Sequence[str]], order: Sequence[str]) -> bool:
    """Whether each change of what is slowed took one kind more, or gave one back, by the declared order."""
    lengths = [len(kinds) for kinds in told]
    steps = all(abs(b - a) <= 1 for a, b in zip(lengths, lengths[1:], strict=False))
    return steps and all(list(kinds) == list(order[: len(kinds)]) for kinds in told)


def _ledger(
    rows: Sequence[Mapping[str, Any]], said: Mapping[str, Mapping[str, str]], drained: bool
) -> dict[str, Any]:
    """Numbers without a hole or a repeat, and as many as the nodes and the board counted by themselves."""
    missing, duplicate = sequences(rows)
    records = [record for row in rows if (record := board_record(row)) is not None]
    wrong = faults_of(records, said.get("base: loop", {}))
    differing = {}
    for node, stage in (("camera", "capture"), ("detector", "detect"), ("planner", "plan")):
        counted = int(float(said.get(f"{node}: {stage}", {}).get("misses", "0")))
        newest = max((row["epoch"] for row in rows if row["source"] == node), default=0)
        written = sum(row["source"] == node and row["epoch"] == newest for row in rows)
        differing[node] = counted - written
    return {
        "ledger_missing": missing + sum(max(n, 0) for n in differing.values()) + len(wrong),
        "ledger_duplicate": duplicate,
        "ledger_drained": drained,
        "ledger_lines": len(rows),
        "ledger_board_records": len(records),
    }


def _latency(seen: Sequence[Seen], injections: Sequence[Injection]) -> dict[str, Any]:
    """From the end of the late work (when it can first be known) to the line in the file, polled every 5 ms; of all
    misses while faults were injected."""
    begin_ns = min((one.at_ns for one in injections), default=0)
    end_ns = max((one.until_ns for one in injections), default=0)
    waits = [
        (one.on_disk_ns - one.row["at_ns"] - one.row["late_ns"]) / 1e6
        for one in seen
        if one.row["bound_ns"] < 1e8 and begin_ns <= one.row["at_ns"] <= end_ns
    ]
    found = exact_summary(waits)
    within = sum(wait <= 100.0 for wait in waits)
    return {
        **{f"ledger_wait_{key}_ms": found[key] for key in ("p50", "p95", "p99", "max")},
        "ledger_within_100ms_ratio": round(within / len(waits), 4) if waits else 0.0,
    }


def _roads(journeys: Sequence[tuple[int, Journey]], span: tuple[int, int]) -> dict[str, Any]:
    """Frames of the quiet stretch whose stages add up to the board's own measurement."""
    applied = [
        one for heard_ns, one in journeys if one.outcome == "applied" and span[0] <= heard_ns <= span[1]
    ]
    explained = sum(one.explained for one in applied)
    return {
        "stage_sum_explained_ratio": round(explained / len(applied), 5) if applied else 0.0,
        "stage_sum_frames": len(applied),
        "photon_to_motor_p99_ms": exact_summary([one.photon_to_motor_ns / 1e6 for one in applied])["p99"],
    }


def _hogged(bench: Bench, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The board's misses beside the hogs, and the planner's timer against a bare C loop of its priority."""
    begin_ns, end_ns = bench.spans.get("hogs", (0, 0))
    board = [row for row in rows if row.get("stage") == "control" and begin_ns <= row["at_ns"] <= end_ns]
    stalled = [row for row in board if shared(row, bench.stalls)]
    order = tuple(takt.contract.load().soft_work)
    c_p99_us = float(bench.beside.get("lateness_us", {}).get("p99", 0.0))
    ours_us = float(bench.planner.get("wake_late_p99_ms", "0")) * 1e3
    return {
        "board_misses_with_hogs": len(board),
        "board_misses_host_stall": len(stalled),
        "board_misses_unexplained": len(board) - len(stalled),
        "soft_work_slowed_by_hogs": bench.slowed_by_hogs,
        "soft_work_slowed_in_order": in_order(bench.run.slowed, order),
        "hogs_seconds": round((end_ns - begin_ns) / 1e9, 1),
        "host_lateness_p99_us": round(ours_us, 1),
        "c_loop_lateness_p99_us": c_p99_us,
        "c_loop_cycles": bench.beside.get("cycles", 0),
        "host_lateness_over_c_loop_p99_ratio": round(ours_us / c_p99_us, 3) if c_p99_us else 0.0,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt bench deadlines", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    parser.add_argument(
        "--samples", type=Path, default=None, metavar="DIR", help="keep ledger, journeys, labels"
    )
    parser.add_argument("--seconds", type=float, default=840.0, help="all the time there is (default 840)")
    parser.add_argument("--rounds", type=int, default=_MOST_ROUNDS, help="of the twelve kinds (default 50)")
    return parser


def _keep(bench: Bench, costs: Mapping[str, Any], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    labels = "".join(json.dumps(asdict(one)) + "\n" for one in bench.injections)
    (folder / "injections.jsonl").write_text(labels)
    lines = "".join(json.dumps({**one.row, "on_disk_ns": one.on_disk_ns}) + "\n" for one in bench.run.seen)
    (folder / "ledger.jsonl").write_text(lines)
    (folder / "journeys.jsonl").write_text("".join(one.to_json() + "\n" for _, one in bench.run.journeys))
    (folder / "stalls.json").write_text(json.dumps(bench.stalls))
    scores = score(bench.injections, bench.run.seen, bench.stalls)
    told = {name: one.values() for name, one in scores.items()}
    (folder / "scores.json").write_text(
        json.dumps({"kinds": told, "spans": bench.spans, "cost": costs}, indent=1)
    )


def table(bench: Bench) -> str:
    """A line a kind, for people."""
    rows = ["kind                 injected  misses  right  unknown  causes"]
    for name, one in score(bench.injections, bench.run.seen, bench.stalls).items():
        causes = ", ".join(f"{cause} {n}" for cause, n in one.causes.most_common(4))
        rows.append(f"{name:20s} {one.injected:8d} {one.misses:7d} {one.right:6d} {one.unknown:8d}  {causes}")
    return "\n".join(rows)


def main(argv: list[str]) -> int:
    """0 whenever it measured."""
    given = _parser().parse_args(argv)
    if given.seconds < 60.0 or not 1 <= given.rounds <= _MOST_ROUNDS:
        raise TaktError("that is no length for this bench", "--seconds 60 or more, --rounds 1 to 50")
    costs = cost.measure()
    with tempfile.TemporaryDirectory(prefix="takt-deadlines-") as folder:
        bench = Bench(Path(folder), given.seconds, given.rounds)
        bench.go(bench.run.reference_loop)
        found = {
            **figures(bench),
            "measuring_cpu_percent": round(sum(row["percent"] for row in costs.values()), 3),
        }
        if given.samples is not None:
            _keep(bench, costs, given.samples)
    print(table(bench), file=sys.stderr)
    text = json.dumps(found, indent=1)
    print(text)
    if given.json is not None:
        given.json.write_text(text + "\n")
    return 0
