"""`takt prove clock`: the board's ROS time against the truth, in virtual time over a line of limited rate.

Each seed runs every scenario: steady at drifts of -100, 0 and +100 ppm, a step of the host's clock by 2 s either way, a
spike of 50 ms in one direction, and a cut of 10 s.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import takt.contract
from takt.errors import TaktError
from takt.link_proofs.clock_world import MS, ClockWorld, Reading, S
from takt.resources import path as resource_path

_SETTLED_NS = 5 * S
_ERROR_LIMIT_NS = 250_000
_HELD_RATIO = 0.999
_SPIKE_MS, _SPIKE_S = 50.0, 3.0
_STEP_NS = 2 * S
_CUT_S = 10.0
_DRIFTS_PPM = (-100.0, 0.0, 100.0)

Scenario = Callable[[ClockWorld, float], dict[str, Any]]


def percentile(values: list[int], share: float) -> int:
    """The smallest value that ``share`` of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def figures(readings: list[Reading]) -> dict[str, Any]:
    """Error, bound and order of the locked readings."""
    locked = [reading for reading in readings if reading.locked]
    errors = [abs(reading.error_ns) for reading in locked]
    bounds = [reading.bound_ns for reading in locked]
    pairs = zip(locked, locked[1:], strict=False)
    return {
        "samples": len(readings),
        "locked_ratio": round(len(locked) / len(readings), 5),
        "error_p99_us": round(percentile(errors, 0.99) / 1e3, 1),
        "error_max_us": round(max(errors) / 1e3, 1),
        "bound_p99_us": round(percentile(bounds, 0.99) / 1e3, 1),
        "bound_held_ratio": round(sum(e <= b for e, b in zip(errors, bounds, strict=True)) / len(locked), 5),
        "backward_steps": sum(a.epoch == b.epoch and b.shown_ns < a.shown_ns for a, b in pairs),
        "epochs": len({reading.epoch for reading in locked}),
    }


def steady(world: ClockWorld, seconds: float) -> dict[str, Any]:
    """Nothing happens."""
    world.run(seconds)
    result = figures([reading for reading in world.readings if reading.at_ns >= _SETTLED_NS])
    half_min_us = world.min_round_trip_ns / 2e3
    limit_us = max(half_min_us + 250.0, 4.0 * result["error_p99_us"])
    result["half_min_round_trip_us"] = round(half_min_us, 1)
    result["ok"] = (
        result["error_p99_us"] * 1e3 <= _ERROR_LIMIT_NS
        and result["bound_held_ratio"] >= _HELD_RATIO
        and result["bound_p99_us"] <= limit_us
        and result["backward_steps"] == 0
        and result["locked_ratio"] == 1.0
        and result["epochs"] == 1
    )
    return result


def stepped(world: ClockWorld, seconds: float) -> dict[str, Any]:
    """The host's clock steps by 2 s, the direction by turns of the seed."""
    world.run(6.0)
    world.ros_step_ns += world.step_sign * _STEP_NS
    at_ns = world.now_ns
    world.run(seconds - 6.0)
    after = [reading for reading in world.readings if reading.at_ns >= at_ns]
    again = next((r for r in after if r.locked and r.epoch > world.readings[500].epoch), None)
    result = figures([r for r in after if again and r.at_ns >= again.at_ns] or after[-1:])
    result["relocked_s"] = None if again is None else round((again.at_ns - at_ns) / 1e9, 3)
    wrong = [r for r in after if r.locked and abs(r.error_ns) > r.bound_ns]
    result["wrong_but_locked_s"] = round((wrong[-1].at_ns - at_ns) / 1e9, 3) if wrong else 0.0
    result["ok"] = (
        again is not None
        and result["relocked_s"] <= 1.0
        and result["backward_steps"] == 0
        and result["bound_held_ratio"] >= _HELD_RATIO
    )
    return result


def spiked(world: ClockWorld, seconds: float) -> dict[str, Any]:
    """One direction takes 50 ms longer for 3 s."""
    world.run(6.0)
    before = world.readings[-1]
    wire = world.down if world.step_sign > 0 else world.up
    wire.delay_ns = int(_SPIKE_MS * MS)
    world.run(_SPIKE_S)
    during = [reading for reading in world.readings if reading.at_ns > before.at_ns]
    wire.delay_ns = 0
    world.run(seconds - 6.0 - _SPIKE_S)
    result = figures([reading for reading in world.readings if reading.at_ns >= _SETTLED_NS])
    result["bound_before_us"] = round(before.bound_ns / 1e3, 1)
    result["bound_at_its_end_us"] = round(during[-1].bound_ns / 1e3, 1)
    result["ok"] = (
        result["error_max_us"] * 1e3 <= 2 * _ERROR_LIMIT_NS
        and result["bound_held_ratio"] >= _HELD_RATIO
        and during[-1].bound_ns > before.bound_ns + 0.8 * _SPIKE_S * world.drift_limit * S
        and result["backward_steps"] == 0
        and result["epochs"] == 1
    )
    return result


def held_over(world: ClockWorld, seconds: float) -> dict[str, Any]:
    """The line is cut for 10 s: the clock goes on, its bound widens by the drift limit, its epoch stays."""
    world.run(8.0)
    before = world.readings[-1]
    for wire in (world.up, world.down):
        wire.cut()
    world.run(_CUT_S)
    during = [reading for reading in world.readings if reading.at_ns > before.at_ns]
    for wire in (world.up, world.down):
        wire.mend()
    world.run(max(seconds - 8.0 - _CUT_S, 3.0))
    result = figures([reading for reading in world.readings if reading.at_ns >= _SETTLED_NS])
    widened = (during[-1].bound_ns - before.bound_ns) / (_CUT_S * S * world.drift_limit)
    result["widened_by_drift_limits"] = round(widened, 3)
    result["ok"] = (
        result["bound_held_ratio"] >= _HELD_RATIO
        and 0.9 <= widened <= 1.1
        and result["backward_steps"] == 0
        and result["epochs"] == 1
    )
    return result


SCENARIOS: dict[str, Scenario] = {
    "steady": steady,
    "stepped": stepped,
    "spiked": spiked,
    "held_over": held_over,
}


def run_scenario(name: str, library: Path, seed: int, drift_ppm: float, seconds: float) -> dict[str, Any]:
    """One scenario with one drift and seed."""
    contract = takt.contract.load()
    world = ClockWorld(library, seed=seed, baud=contract.link.baud, drift_ppm=drift_ppm)
    world.step_sign = 1 if seed % 2 else -1
    world.drift_limit = contract.link.clock_drift_limit_ppm * 1e-6
    return {"scenario": name, "seed": seed, "drift_ppm": drift_ppm, **SCENARIOS[name](world, seconds)}


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt prove clock", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--count", type=int, default=5, help="seeds, each through every scenario and drift")
    made.add_argument("--seconds", type=float, default=60.0, help="virtual seconds of a scenario")
    made.add_argument("--library", type=Path, default=None, help="libtakt_core.so; default: build/firmware")
    made.add_argument("--json", type=Path, default=None, metavar="FILE")
    return made


def main(argv: list[str]) -> int:
    """Run all; 0 when every scenario held."""
    given = parser().parse_args(argv)
    if given.seconds < 22.0:
        raise TaktError(f"{given.seconds} s are too short for the scenarios", "give --seconds 22 or more")
    library = given.library or resource_path("package.xml").parent / "build/firmware/libtakt_core.so"
    rows = []
    for seed in range(1, given.count + 1):
        for name in SCENARIOS:
            for drift_ppm in _DRIFTS_PPM:
                row = run_scenario(name, library, seed, drift_ppm, given.seconds)
                rows.append(row)
                print(json.dumps(row), flush=True)
    result = {
        "scenarios": len(rows),
        "held": sum(row["ok"] for row in rows),
        "error_p99_us": max(row["error_p99_us"] for row in rows if row["scenario"] == "steady"),
        "bound_held_ratio": min(row["bound_held_ratio"] for row in rows),
        "relocked_s": max(row["relocked_s"] or 99.0 for row in rows if row["scenario"] == "stepped"),
        "backward_steps": sum(row["backward_steps"] for row in rows),
        "samples": sum(row["samples"] for row in rows),
        "time": "simulated",
    }
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps({**result, "rows": rows}, indent=1) + "\n")
    return 0 if result["held"] == result["scenarios"] else 1
