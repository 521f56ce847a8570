"""One fault in the twin, and when each computer came to which rung: what `takt prove ladder` asks in virtual time."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from takt.contract import Contract
from takt.twin.episode import MS, Arena, Episode, FaultPlan
from takt.twin.injector import Injector
from takt.twin.world import World

_AT_S = 5.0
_MOVING_RAD_S = 0.5
_STANDING_RAD_S = 0.2
_PATIENCE_S = 20.0


@dataclass
class Reached:
    """Milliseconds from a fault's beginning, by rung as a number: when each computer was that low first.

    ``setpoint_zero_ms`` and ``standing_ms``: when the board's setpoint was zero, and the wheels stood; None: not yet.
    """

    kind: str
    seed: int
    was_moving: bool = False
    board_ms: dict[int, float] = field(default_factory=dict)
    host_ms: dict[int, float] = field(default_factory=dict)
    setpoint_zero_ms: float | None = None
    standing_ms: float | None = None

    @property
    def board_lowest(self) -> int:
        return max(self.board_ms, default=0)

    @property
    def host_lowest(self) -> int:
        return max(self.host_ms, default=0)


def live(
    library: Path, contract: Contract, kind: str, seed: int, strength: float, for_s: float, look_s: float
) -> Reached:
    """An empty arena and a moving target, the fault five seconds after the arming; looked at for ``look_s``."""
    fault = FaultPlan(kind, _AT_S, for_s, strength)
    episode = Episode("ladder", seed, arena=Arena(obstacles=0, occlusions=False), faults=(fault,))
    world = World(library, contract, episode)
    try:
        world.watchers.append(Injector(episode.faults))
        while world.since_armed_s < _AT_S - 0.001 and world.now_ns < _PATIENCE_S * 1e9:
            world.step()
        reached, began_ns = Reached(kind, seed), world.now_ns + MS
        reached.was_moving = max(map(abs, world.body.board.view.setpoint_rad_s)) > _MOVING_RAD_S
        while world.now_ns < began_ns + look_s * 1e9:
            world.step()
            _note(reached, world, (world.now_ns - began_ns) / MS)
        return reached
    finally:
        world.close()


def _note(reached: Reached, world: World, since_ms: float) -> None:
    view = world.body.board.view
    if world.body.has_power(world.now_ns):
        reached.board_ms.setdefault(int(view.rung), since_ms)
    if world.supervisor.process.runs(world.now_ns):
        reached.host_ms.setdefault(int(world.supervisor.watch.ladder.rung), since_ms)
    quiet = not any(view.setpoint_rad_s) or not world.body.has_power(world.now_ns)
    if quiet and reached.setpoint_zero_ms is None:
        reached.setpoint_zero_ms = since_ms
    speeds = [abs(float(world.plant.scene.data.qvel[index])) for index in world.plant.scene.wheel_qvel]
    if quiet and max(speeds) < _STANDING_RAD_S and reached.standing_ms is None:
        reached.standing_ms = since_ms
