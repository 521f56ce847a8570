"""What goes wrong on the host: processes that die, stand still or are slow, and a detector that errs."""

from __future__ import annotations

from collections.abc import Callable

from takt.twin.faults.kind import (
    Begin,
    FaultKind,
    Felt,
    grew,
    line_quiet,
    no_commands,
    no_target,
    perception_old,
    two_targets,
)
from takt.twin.process import Process
from takt.twin.world import World

_GHOST_PX = (200.0, 80.0, 240.0, 190.0)
Pick = Callable[[World], Process]


def _camera(world: World) -> Process:
    return world.perceiver.camera


def _detector(world: World) -> Process:
    return world.perceiver.detector


def _planner(world: World) -> Process:
    return world.planner.process


def _agent(world: World) -> Process:
    return world.messenger.process


def _supervisor(world: World) -> Process:
    return world.supervisor.process


def _kill(pick: Pick) -> Begin:
    return lambda world, _strength, _until_ns: pick(world).kill(world.now_ns)


def _freeze(pick: Pick) -> Begin:
    return lambda world, _strength, until_ns: pick(world).freeze(until_ns)


def _gone(pick: Pick) -> Felt:
    return lambda world, _before: not pick(world).runs(world.now_ns)


def _pause_host(world: World, _strength: float, until_ns: int) -> None:
    for pick in (_camera, _detector, _planner, _agent, _supervisor):
        pick(world).freeze(until_ns)


def _perceiver(name: str, value: object) -> Begin:
    return lambda world, _strength, _until_ns: setattr(world.perceiver, name, value)


def _factor(name: str, low: float, high: float) -> Begin:
    def change(world: World, strength: float, _until_ns: int) -> None:
        setattr(world.perceiver, name, low + (high - low) * strength)

    return change


def _well(world: World) -> None:
    """Camera and detector as they should be."""
    perceiver = world.perceiver
    perceiver.capture_factor = perceiver.detect_factor = 1.0
    perceiver.unplugged = perceiver.covered = perceiver.blind = False
    perceiver.ghost = None


def _slow_planner(world: World, strength: float, _until_ns: int) -> None:
    world.planner.slow_factor = 10 + round(40 * strength)


def _brisk_planner(world: World) -> None:
    world.planner.slow_factor = 1


HOST_FAULTS = (
    FaultKind("camera_kill", "host", "kill -9 of the camera node", _kill(_camera), perception_old),
    FaultKind("camera_freeze", "host", "the camera node stands still", _freeze(_camera), perception_old),
    FaultKind(
        "camera_slow",
        "host",
        "capture takes 8 to 34 times as long",
        _factor("capture_factor", 8.0, 34.0),
        grew("skipped"),
        _well,
    ),
    FaultKind("camera_unplugged", "host", "no frames", _perceiver("unplugged", True), perception_old, _well),
    FaultKind(
        "lens_covered",
        "sensor",
        "pictures without anything in them",
        _perceiver("covered", True),
        no_target,
        _well,
        longest_s=3.0,
    ),
    FaultKind("detector_kill", "host", "kill -9 of the detector node", _kill(_detector), perception_old),
    FaultKind("detector_freeze", "host", "the detector stands still", _freeze(_detector), perception_old),
    FaultKind(
        "detector_slow",
        "host",
        "inference takes 55 to 150 times as long",
        _factor("detect_factor", 55.0, 150.0),
        perception_old,
        _well,
        shortest_s=0.5,
    ),
    FaultKind(
        "detector_blind",
        "host",
        "the detector finds nothing",
        _perceiver("blind", True),
        no_target,
        _well,
        longest_s=4.0,
    ),
    FaultKind(
        "ghost_target",
        "host",
        "the detector finds a second target that is not there",
        _perceiver("ghost", _GHOST_PX),
        two_targets,
        _well,
        moves_freely=True,
    ),
    FaultKind("planner_kill", "host", "kill -9 of the planner", _kill(_planner), no_commands),
    FaultKind("planner_freeze", "host", "the planner stands still", _freeze(_planner), no_commands),
    FaultKind(
        "planner_slow",
        "host",
        "the planner looks every 50 to 250 ms",
        _slow_planner,
        no_commands,
        _brisk_planner,
        shortest_s=0.6,
    ),
    FaultKind("agent_kill", "host", "kill -9 of the agent", _kill(_agent), line_quiet),
    FaultKind("agent_freeze", "host", "the agent stands still", _freeze(_agent), line_quiet),
    FaultKind("supervisor_kill", "host", "kill -9 of the supervisor", _kill(_supervisor), _gone(_supervisor)),
    FaultKind(
        "supervisor_freeze", "host", "the supervisor stands still", _freeze(_supervisor), _gone(_supervisor)
    ),
    FaultKind("host_pause", "host", "the whole host stands still", _pause_host, line_quiet),
)
