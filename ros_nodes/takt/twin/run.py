"""Runs one episode to its end and says what came of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from takt.contract import Contract
from takt.simulation.mission import count_contacts
from takt.twin.body import A_BOARD, BoardTraits
from takt.twin.episode import SECOND, Episode
from takt.twin.injector import Injector
from takt.twin.invariants import Invariants, Violation
from takt.twin.world import Look, World, table

QUIET_S = 6.0  # after the last fault and the person's help: the ledger drains, the robot drives again
_START_PATIENCE_S = 15.0
_SCORED_FROM_S = 5.0
_PATH_STEP = 2


@dataclass
class Result:
    """``mission`` has the keys of the demo's report."""

    episode: Episode
    log_hash: str
    simulated_s: float
    mission: dict[str, Any]
    violations: list[Violation]
    felt: dict[str, int]
    misses: dict[str, int]
    checks: int
    rows: list[bytes] = field(repr=False, default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return {
            "scenario": self.episode.name,
            "seed": self.episode.seed,
            "log_hash": self.log_hash,
            "simulated_s": round(self.simulated_s, 3),
            "mission": self.mission,
            "violations": [str(one) for one in self.violations],
            "faults_felt": self.felt,
            "misses": self.misses,
        }


def run(
    library: Path,
    contract: Contract,
    episode: Episode,
    make_eye: Callable[..., Look] | None = None,
    each_row: Callable[[World], None] | None = None,
    watcher: Callable[[World, bool], None] | None = None,
    traits: BoardTraits = A_BOARD,
) -> Result:
    """Equal episodes give equal results. ``each_row`` is called after every control cycle, ``watcher`` after every step
    (with whether a cycle ran in it); both look and do not touch.
    """
    world = World(library, contract, episode, make_eye, traits)
    try:
        injector = Injector(episode.faults)
        invariants = Invariants(world, injector)
        world.watchers += [injector, invariants]
        if watcher is not None:
            world.watchers.append(watcher)
        if each_row is not None:
            world.watchers.append(lambda seen, cycled: each_row(seen) if cycled else None)
        end_s = max(episode.seconds, episode.faults_end_s + QUIET_S)
        while world.since_armed_s < end_s and world.now_ns < (_START_PATIENCE_S + end_s) * SECOND:
            world.step()
        invariants.at_the_end(world)
        return Result(
            episode,
            world.log_hash,
            world.now_ns / SECOND,
            mission_of(world),
            list(invariants.found.values()),
            injector.felt(),
            world.body.misses_by_cause(),
            invariants.checks,
            world.rows,
        )
    finally:
        world.close()


def mission_of(world: World) -> dict[str, Any]:
    """Visibility, distance, ways and contacts, counted as for the demo: from the first arming, scored from 5 s."""
    rows = table(world.rows)
    armed_ns = world.first_armed_ns
    if armed_ns is None:
        return {"armed": False}
    moving = rows[rows["time_ns"] >= armed_ns]
    scored = moving[moving["time_ns"] >= armed_ns + round(_SCORED_FROM_S * SECOND)]
    gap_m = np.hypot(scored["robot_x_m"] - scored["target_x_m"], scored["robot_y_m"] - scored["target_y_m"])
    error_m = np.abs(gap_m - world.contract.planning.follow_distance_m)
    seen = world.perceiver.seen
    counted = seen.frames - seen.hidden
    return {
        "armed": True,
        "target_visible_ratio": round(seen.found / counted, 4) if counted else 0.0,
        "distance_error_m": {
            "p50": round(float(np.percentile(error_m, 50)), 3) if len(error_m) else None,
            "p95": round(float(np.percentile(error_m, 95)), 3) if len(error_m) else None,
        },
        "target_path_m": _way_m(moving["target_x_m"], moving["target_y_m"]),
        "robot_path_m": _way_m(moving["robot_x_m"], moving["robot_y_m"]),
        "command_age_p99_ms": round(world.body.board.view.photon_to_motor_p99_us / 1e3, 1),
        "collisions": count_contacts(moving["time_ns"], moving["touched"]),
        "rungs_s": _seconds_on(moving["rung"]),
        "host_rungs_s": _seconds_on(moving["host_rung"]),
    }


def _seconds_on(rungs: np.ndarray[Any, Any]) -> dict[str, float]:
    names = ("NOMINAL", "REDUCED", "HOLD", "SAFE")
    return {name: round(int(np.count_nonzero(rungs == place)) / 100.0, 2) for place, name in enumerate(names)}


def _way_m(x_m: np.ndarray[Any, Any], y_m: np.ndarray[Any, Any]) -> float:
    steps = np.hypot(np.diff(x_m[::_PATH_STEP]), np.diff(y_m[::_PATH_STEP]))
    return round(float(steps.sum()), 3)
