"""`takt bench twin`: how much faster than real time the twin lives, and where its time goes.

Processor time of one process, not wall time: on a shared machine the first is the program's, the second the
neighbours'. What is measured is what `takt twin` runs, invariants included. The bare physics is measured in the same
run: before every simulated second of the twin, MuJoCo alone steps a copy of the same plant on from the same state.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import takt.contract
from takt.simulation.engine import mujoco
from takt.simulation.plant import STEPS_PER_BATCH
from takt.twin.command import library_path
from takt.twin.episode import MS, SECOND, Episode
from takt.twin.injector import Injector
from takt.twin.invariants import Invariants
from takt.twin.world import Look, World

_SETTLE_S = 3.0  # both computers find each other, the robot is armed and sets out
_EPISODE_S = 10
_SECONDS = 60
_BATCHES = round(1.0 / 0.001) // STEPS_PER_BATCH
_PARTS = ("physics", "rest of the plant", "board", "camera and detector", "planner", "supervisor",
          "line and agent", "invariants", "log")  # fmt: skip


class Costs:
    """Seconds by part: wraps the parts' own methods of one world. A part inside another is taken off the outer one."""

    def __init__(self, world: World, invariants: Invariants) -> None:
        self.spent = dict.fromkeys(_PARTS, 0.0)
        self._inner = 0.0  # spent in a part inside the one that runs
        plant = world.plant
        plant.step = self._timed(plant.step, "physics")  # type: ignore[method-assign]
        for owner, name, part in (
            (plant, "advance_to", "rest of the plant"),
            (world.body, "advance", "board"),
            (world.body, "poll_link", "board"),
            (world.perceiver, "advance", "camera and detector"),
            (world, "_plan", "planner"),
            (world, "_supervise", "supervisor"),
            (world, "_carry", "line and agent"),
            (world, "_note_cycle", "log"),
        ):
            setattr(owner, name, self._timed(getattr(owner, name), part))
        world.watchers[world.watchers.index(invariants)] = self._timed(invariants, "invariants")

    def _timed(self, inner: Callable[..., Any], part: str) -> Callable[..., Any]:
        spent, clock = self.spent, time.perf_counter

        def timed(*arguments: Any) -> Any:
            outside, self._inner = self._inner, 0.0
            begun = clock()
            try:
                return inner(*arguments)
            finally:
                took = clock() - begun
                spent[part] += took - self._inner
                self._inner = outside + took

        return timed


def _worlds(
    library: Path, make_eye: Callable[..., Look] | None, seconds: int
) -> Iterator[tuple[World, Invariants]]:
    """A robot under way for each simulated second, a few of them after another."""
    contract = takt.contract.load()
    for seed in range(-(-seconds // _EPISODE_S)):
        world = World(library, contract, Episode("bench", seed), make_eye)
        injector = Injector(())
        invariants = Invariants(world, injector)
        world.watchers += [injector, invariants]
        try:
            _advance(world, _SETTLE_S)
            for _ in range(min(_EPISODE_S, seconds - seed * _EPISODE_S)):
                yield world, invariants
        finally:
            world.close()


def _advance(world: World, seconds: float) -> None:
    for _ in range(round(seconds * SECOND / MS)):
        world.step()


def _bare(world: World, data: mujoco.MjData) -> None:
    """One second of physics and nothing else, with the motors as they are."""
    for _ in range(_BATCHES):
        mujoco.mj_step(world.plant.scene.model, data, nstep=STEPS_PER_BATCH)


def _spent(work: Callable[[], object]) -> float:
    begun_s = time.process_time()
    work()
    return time.process_time() - begun_s


def measure(library: Path, make_eye: Callable[..., Look] | None, seconds: int) -> dict[str, Any]:
    """Speeds as multiples of real time, of the twin and of the bare physics; then, in runs of their own, the costs."""
    bare_s, twin_s = [], []
    for world, _ in _worlds(library, make_eye, seconds):
        data = mujoco.MjData(world.plant.scene.model)
        mujoco.mj_copyData(data, world.plant.scene.model, world.plant.scene.data)
        bare_s.append(_spent(lambda world=world, data=data: _bare(world, data)))  # type: ignore[misc]
        twin_s.append(_spent(lambda world=world: _advance(world, 1.0)))  # type: ignore[misc]
    return {
        "simulated_s": seconds,
        "speed_x_real_time": round(seconds / sum(twin_s), 1),
        "bare_mj_step_x_real_time": round(seconds / sum(bare_s), 1),
        "share_of_bare": round(sum(bare_s) / sum(twin_s), 3),
        "speed_of_each_second": _spread([1.0 / each for each in twin_s]),
        "ms_per_simulated_s": _costs(library, make_eye, seconds),
    }


def _costs(library: Path, make_eye: Callable[..., Look] | None, seconds: int) -> dict[str, float]:
    """The median second by part: wall time, so that the clock costs little; a neighbour's second is an outlier."""
    seen: dict[str, list[float]] = {part: [] for part in (*_PARTS, "the loop")}
    costs, watched = None, None
    for world, invariants in _worlds(library, make_eye, seconds):
        if world is not watched:
            costs, watched = Costs(world, invariants), world
        assert costs is not None
        before, begun_s = dict(costs.spent), time.perf_counter()
        _advance(world, 1.0)
        took_s = time.perf_counter() - begun_s
        parts = {part: costs.spent[part] - before[part] for part in _PARTS}
        for part, spent_s in {**parts, "the loop": took_s - sum(parts.values())}.items():
            seen[part].append(spent_s * 1e3)
    return {part: round(statistics.median(each), 2) for part, each in seen.items()}


def _spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    shares = {"min": 0.0, "p10": 0.1, "p50": 0.5, "p90": 0.9, "max": 1.0}
    places = {name: round(share * (len(ordered) - 1)) for name, share in shares.items()}
    return {"count": len(ordered), **{name: round(ordered[place], 1) for name, place in places.items()}}


def main(argv: list[str]) -> int:
    """Always 0: it measured."""
    made = argparse.ArgumentParser(prog="takt bench twin", description=__doc__)
    made.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    made.add_argument(
        "--seconds",
        type=int,
        default=_SECONDS,
        metavar="N",
        help=f"simulated, at least 2 (default {_SECONDS})",
    )
    made.add_argument("--library", help=argparse.SUPPRESS)
    options = made.parse_args(argv)
    library, seconds = Path(library_path(options.library)), max(2, options.seconds)
    report = {"geometric": measure(library, None, seconds)}
    from takt.twin.camera_eye import camera_eye  # OpenGL and a model

    report["camera"] = measure(library, camera_eye, max(2, seconds // 3))
    _tell(report)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _tell(report: dict[str, dict[str, Any]]) -> None:
    for name, figures in report.items():
        each = figures["speed_of_each_second"]
        print(
            f"{name}: {figures['speed_x_real_time']} x real time (its seconds {each['min']} to {each['max']}, n"
            f" {each['count']}), {figures['share_of_bare']:.2f} of bare mj_step"
            f" ({figures['bare_mj_step_x_real_time']} x)"
        )
    print(f"{'ms a simulated second':24s}" + "".join(f"{name:>12s}" for name in report))
    for part in (*_PARTS, "the loop"):
        cells = (f"{figures['ms_per_simulated_s'][part]:12.2f}" for figures in report.values())
        print(f"    {part:20s}" + "".join(cells))
