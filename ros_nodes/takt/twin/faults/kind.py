"""What a fault is to the twin, and the signs by which one knows that it was felt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from takt.twin.episode import MS
from takt.twin.world import World

Marks = dict[str, float]
Begin = Callable[[World, float, int], None]
Felt = Callable[[World, Marks], bool]


def _no_end(_world: World) -> None:
    """Nothing to take back."""


@dataclass(frozen=True)
class FaultKind:
    """``begin(world, strength, until_ns)`` and ``end(world)``; ``felt(world, before)`` is asked while the fault lasts
    and for a second after, ``before`` being :func:`marks` of its beginning.

    ``shortest_s`` and ``longest_s`` bound its duration in chaos. ``moves_freely``: a motor or an encoder lies, so that
    the robot may for a while move otherwise than it was told; a collision then is no fault of the software.
    """

    name: str
    where: str  # host, link, board, sensor, actuator, power, time or person
    what: str
    begin: Begin
    felt: Felt
    end: Callable[[World], None] = _no_end
    shortest_s: float = 0.3
    longest_s: float = 2.0
    moves_freely: bool = False


def marks(world: World) -> Marks:
    """Counters by which effects are noticed."""
    view, agent = world.body.board.view, world.messenger
    wires = (world.up, world.down)
    return {
        "line_errors": agent.line_errors,
        "dropped": sum(wire.faults.counts["drop"] for wire in wires),
        "flipped": sum(wire.faults.counts["flip"] for wire in wires),
        "duplicated": sum(wire.faults.counts["duplicate"] for wire in wires),
        "swallowed": sum(wire.swallowed for wire in wires),
        "boots": world.body.boots,
        "misses": world.body.misses_before + sum(view.misses),
        "refused": world.body.refused_before + sum(view.refused),
        "skipped": world.perceiver.skipped,
        "bound_ns": view.clock_bound_ns,
    }


def grew(key: str) -> Felt:
    return lambda world, before: marks(world)[key] > before[key]


def perception_old(world: World, _before: Marks) -> bool:
    return world.perceiver.perception_age_ms(world.ros_ns) > 100.0


def no_commands(world: World, _before: Marks) -> bool:
    return world.now_ns - world.command_sent_ns > 40 * MS


def line_quiet(world: World, _before: Marks) -> bool:
    """The board's link thread has got nothing for three times the planner's period."""
    return world.now_ns - world.body.fed_ns > 60 * MS


def no_target(world: World, _before: Marks) -> bool:
    newest = world.perceiver.newest()
    return newest is not None and not bool((newest.detections.class_ids == 0).any())


def two_targets(world: World, _before: Marks) -> bool:
    newest = world.perceiver.newest()
    return newest is not None and int((newest.detections.class_ids == 0).sum()) > 1


def not_nominal(world: World, _before: Marks) -> bool:
    return int(world.body.board.view.rung) > 0
