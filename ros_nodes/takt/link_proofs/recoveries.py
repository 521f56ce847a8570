"""`takt prove recoveries`: everything that befalls a link, a thousand times, and how soon it is good again.

Kinds take turns; lanes with lines of their own work through them at the same time. Parameters of trial n follow from
the seed and n. A run that was ended goes on where it was with the same --state folder.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.link_proofs.recovery_lane import kind_of
from takt.link_proofs.recovery_trial import AGENT_KINDS, KINDS, LIMIT_S, Outcome
from takt.link_proofs.rig import environment
from takt.resources import path as resource_path

LANES = 4
_SERIAL_LIMIT_S = 1.0
_ROS_LIMIT_S = 5.0
_GROWTH_LIMIT_SHARE = (
    0.05  # of the agent's memory between the tenth and the last recovery: pools of DDS settle
)
_DOMAINS_PER_LANE = 2
_END_LIMIT_S = 30.0


def lane_of(index: int) -> int:
    """Noise takes long and restarts take processor time, so each has lanes of its own."""
    kind = kind_of(index)
    if kind == "noise":
        return 1
    if kind in AGENT_KINDS:
        return 2 + index // len(KINDS) % 2
    return 0


def read_outcomes(state: Path) -> tuple[dict[int, Outcome], list[list[dict[str, int]]]]:
    """What the lanes have recorded so far: outcomes by number, and each lane's figures of the agent in order."""
    outcomes: dict[int, Outcome] = {}
    figures: list[list[dict[str, int]]] = []
    for lane in range(LANES):
        own: list[dict[str, int]] = []
        path = state / f"lane{lane}" / "outcomes.jsonl"
        for line in path.read_text().splitlines() if path.exists() else []:
            row = json.loads(line)
            if "outcome" in row:
                outcome = Outcome(**row["outcome"])
                outcomes[outcome.index] = outcome
            else:
                own.append(row["figures"])
        figures.append(own)
    return outcomes, figures


def start_lane(
    state: Path, lane: int, trials: list[int], given: argparse.Namespace
) -> subprocess.Popen[bytes]:
    folder = state / f"lane{lane}"
    folder.mkdir(parents=True, exist_ok=True)
    domain = given.domain + lane * _DOMAINS_PER_LANE
    arguments = ["--folder", str(folder), "--firmware", str(given.firmware), "--domain", str(domain)]
    arguments += ["--seed", str(given.seed), "--trials", ",".join(map(str, trials))]
    arguments += ["--noise-s", str(given.noise_s), "--limit-s", str(given.limit_s)]
    with (folder / "lane.log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "takt.link_proofs.recovery_lane", *arguments],
            env=environment(domain),
            stdout=log,
            stderr=log,
        )


def run_lanes(state: Path, given: argparse.Namespace) -> None:
    """Run what is not recorded yet; returns when every lane has ended."""
    done, _ = read_outcomes(state)
    lanes: dict[int, list[int]] = {}
    for index in range(given.count):
        if index not in done:
            lanes.setdefault(lane_of(index), []).append(index)
    running = {lane: start_lane(state, lane, trials, given) for lane, trials in lanes.items()}
    try:
        while any(process.poll() is None for process in running.values()):
            time.sleep(5.0 if given.count > 20 else 0.2)
            outcomes, _ = read_outcomes(state)
            bad = sum(not outcome.recovered for outcome in outcomes.values())
            print(f"{len(outcomes)} of {given.count}, {bad} not recovered", flush=True)
    finally:
        for process in running.values():
            if process.poll() is None:
                process.terminate()
        for process in running.values():
            process.wait(_END_LIMIT_S)
    failed = [lane for lane, process in running.items() if process.returncode]
    if failed:
        raise TaktError(f"lane {failed[0]} ended early", f"see {state}/lane{failed[0]}/lane.log")


def percentile(values: list[float], share: float) -> float:
    """The smallest value that ``share`` of all do not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "count": len(values),
        "p50_s": round(statistics.median(values), 3) if values else 0.0,
        "p99_s": round(percentile(values, 0.99), 3),
        "max_s": round(max(values, default=0.0), 3),
    }


def summary(outcomes: dict[int, Outcome], figures: list[list[dict[str, int]]]) -> dict[str, Any]:
    """Counts, spreads by kind and over all, and what the agents that lived through their lane grew by."""
    every = list(outcomes.values())
    line = [o.line_s() or 0.0 for o in every if o.recovered and o.kind not in AGENT_KINDS]
    agent = [o.serial_s or 0.0 for o in every if o.recovered and o.kind in AGENT_KINDS]
    ros = [
        max(o.to_host_s or 0.0, o.to_board_s or 0.0) for o in every if o.recovered and o.kind in AGENT_KINDS
    ]
    kinds = {
        kind: {
            "ok": sum(o.recovered for o in every if o.kind == kind),
            **_spread([o.line_s() or 0.0 for o in every if o.kind == kind and o.recovered]),
        }
        for kind in KINDS
    }
    return {
        "recoveries_tried": len(every),
        "recoveries_ok": sum(o.recovered for o in every),
        "recoveries_by_kind": kinds,
        "recovery_p99_s": round(percentile(line, 0.99), 3),
        "recovery_agent_p99_s": round(percentile(agent, 0.99), 3),
        "recovery_ros_p99_s": round(percentile(ros, 0.99), 3),
        "agent_growth": [_growth(rows) for rows in figures if _growth(rows)],
    }


def _growth(rows: list[dict[str, int]]) -> dict[str, int]:
    """Of one agent process that lived from the tenth recovery of its lane to the last; empty for others."""
    if len(rows) < 2 or rows[0]["pid"] != rows[-1]["pid"]:
        return {}
    first, last = rows[0], rows[-1]
    return {
        "recoveries": last["after"],
        "rss_kb_after_10": first["rss_kb"],
        "rss_kb_at_end": last["rss_kb"],
        "nodes_after_10": first["nodes"],
        "nodes_at_end": last["nodes"],
        "descriptors_after_10": first["descriptors"],
        "descriptors_at_end": last["descriptors"],
    }


def holds(result: dict[str, Any]) -> bool:
    """Whether every limit was kept."""
    leaks = [
        grown["rss_kb_at_end"] > (1.0 + _GROWTH_LIMIT_SHARE) * grown["rss_kb_after_10"]
        or grown["nodes_at_end"] > max(grown["nodes_after_10"], 1)
        or grown["descriptors_at_end"] > grown["descriptors_after_10"] + 2
        for grown in result["agent_growth"]
    ]
    return (
        result["recoveries_ok"] == result["recoveries_tried"]
        and result["recovery_p99_s"] <= _SERIAL_LIMIT_S
        and result["recovery_agent_p99_s"] <= _SERIAL_LIMIT_S
        and result["recovery_ros_p99_s"] <= _ROS_LIMIT_S
        and not any(leaks)
    )


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt prove recoveries", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--count", type=int, default=1000, help="recoveries, over all kinds in turn")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--noise-s", type=float, default=10.0, help="length of a burst of noise")
    made.add_argument("--limit-s", type=float, default=LIMIT_S, help="later is not recovered")
    made.add_argument("--domain", type=int, default=80, help="first of eight ROS domains to work in")
    made.add_argument("--state", type=Path, help="folder to record in, and to go on from after an end")
    made.add_argument("--firmware", type=Path, default=None, help="takt_firmware; default: build/firmware")
    made.add_argument("--json", type=Path, default=None, metavar="FILE")
    return made


def main(argv: list[str]) -> int:
    """Run the proof; 0 when every link recovered and every limit was kept."""
    given = parser().parse_args(argv)
    if given.firmware is None:
        given.firmware = resource_path("package.xml").parent / "build/firmware/takt_firmware"
    if not given.firmware.exists():
        raise TaktError(f"{given.firmware} is not built", "./run firmware, or name it with --firmware")
    state = given.state or Path(tempfile.mkdtemp(prefix="takt-recoveries-"))
    run_lanes(state, given)
    outcomes, figures = read_outcomes(state)
    result = summary({index: outcomes[index] for index in range(given.count) if index in outcomes}, figures)
    result["ok"] = holds(result)
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["ok"] else 1
