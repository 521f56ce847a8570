"""`takt bench twin`: how much faster than real time the twin lives, and where its time goes.

Processor time of one process, not wall time: on a shared machine the first is the program's, the second the
neighbours'. The bare physics is measured in the same run, in blocks between those of the twin.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import takt.contract
from takt.simulation.engine import mujoco
from takt.simulation.plant import STEPS_PER_BATCH, Plant
from takt.simulation.scenario import Scenario
from takt.twin.command import library_path
from takt.twin.episode import MS, SECOND, Episode
from takt.twin.world import Look, World

_BLOCK_S = 5.0
_BLOCKS = 6
_PARTS = ("body", "perceiver", "planner", "supervisor", "line and agent", "log")


class Costs:
    """Processor seconds by part: wraps the parts' own methods of one world."""

    def __init__(self, world: World) -> None:
        self.spent = dict.fromkeys(_PARTS, 0.0)
        self._wrap(world.body, "advance", "body")
        self._wrap(world.perceiver, "advance", "perceiver")
        self._wrap(world, "_plan", "planner")
        self._wrap(world, "_supervise", "supervisor")
        self._wrap(world, "_carry", "line and agent")
        self._wrap(world, "_note_cycle", "log")

    def _wrap(self, owner: object, name: str, part: str) -> None:
        inner: Callable[..., Any] = getattr(owner, name)
        spent, clock = self.spent, time.thread_time

        def timed(*arguments: Any) -> Any:
            begun = clock()
            try:
                return inner(*arguments)
            finally:
                spent[part] += clock() - begun

        setattr(owner, name, timed)


def _advance(world: World, seconds: float) -> None:
    for _ in range(round(seconds * SECOND / MS)):
        world.step()


def _speed(work: Callable[[], object], simulated_s: float) -> float:
    begun_s = time.process_time()
    work()
    return simulated_s / (time.process_time() - begun_s)


def _bare(plant: Plant, seconds: float) -> None:
    steps = round(seconds / 0.001) // STEPS_PER_BATCH
    for _ in range(steps):
        mujoco.mj_step(plant.scene.model, plant.scene.data, nstep=STEPS_PER_BATCH)


def measure(library: Path, make_eye: Callable[..., Look] | None, blocks: int) -> dict[str, Any]:
    """Speeds of each block (x real time), of the twin and of the bare physics beside it."""
    contract = takt.contract.load()
    world = World(library, contract, Episode("bench", 1), make_eye)
    plant = Plant(Scenario.from_seed(1, contract), contract)
    try:
        _advance(world, 1.0)
        pairs = [
            (
                _speed(lambda: _bare(plant, _BLOCK_S), _BLOCK_S),
                _speed(lambda: _advance(world, _BLOCK_S), _BLOCK_S),
            )
            for _ in range(blocks)
        ]
        costs = Costs(world)
        _advance(world, _BLOCK_S)
    finally:
        world.close()
    bare, twin = ([round(speed, 1) for speed in column] for column in zip(*pairs, strict=True))
    middle = sorted(twin)[len(twin) // 2]
    return {
        "speed_x_real_time": middle,
        "speeds": twin,
        "bare_mj_step_x_real_time": sorted(bare)[len(bare) // 2],
        "share_of_bare": round(sorted(b / a for a, b in pairs)[len(pairs) // 2], 3),
        "ms_per_simulated_s": {part: round(spent / _BLOCK_S * 1e3, 2) for part, spent in costs.spent.items()},
    }


def main(argv: list[str]) -> int:
    """Always 0: it measured."""
    made = argparse.ArgumentParser(prog="takt bench twin", description=__doc__)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    made.add_argument(
        "--blocks", type=int, default=_BLOCKS, metavar="N", help=f"of {_BLOCK_S:g} simulated s each"
    )
    made.add_argument("--library", help=argparse.SUPPRESS)
    options = made.parse_args(argv)
    library = Path(library_path(options.library))
    report = {"geometric": measure(library, None, options.blocks)}
    from takt.twin.camera_eye import camera_eye  # OpenGL and a model

    report["camera"] = measure(library, camera_eye, max(1, options.blocks // 3))
    for name, figures in report.items():
        low, high = min(figures["speeds"]), max(figures["speeds"])
        print(
            f"{name}: {figures['speed_x_real_time']} x real time ({low} to {high}),"
            f" {figures['share_of_bare']:.2f} of bare mj_step ({figures['bare_mj_step_x_real_time']} x)"
        )
        for part, spent_ms in figures["ms_per_simulated_s"].items():
            print(f"    {part:16s} {spent_ms:7.2f} ms a simulated second")
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0
