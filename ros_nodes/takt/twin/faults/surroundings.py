"""What goes wrong around the robot: clocks that are set or drift, and people and programs that interfere."""

from __future__ import annotations

import math

from takt.contract.generated.messages import Header, Time, Twist, TwistStamped, Vector3
from takt.twin.episode import SECOND
from takt.twin.faults.kind import FaultKind, Marks, grew, not_nominal
from takt.twin.world import World


def _step_host_clock(world: World, strength: float, _until_ns: int) -> None:
    seconds = 0.1 + 5.0 * abs(strength - 0.5)
    world.step_clock(round(math.copysign(seconds, strength - 0.5) * SECOND))


def _drift(world: World, strength: float, _until_ns: int) -> None:
    world.body.set_drift(-100.0 + 200.0 * strength, world.now_ns)


def _usual_drift(world: World) -> None:
    world.body.set_drift(world.episode.board_drift_ppm, world.now_ns)


def _drifts(world: World, _before: Marks) -> bool:
    return world.body.has_power(world.now_ns)


def _twist(speed_m_s: float, yaw_rate_rad_s: float, stamp_ns: int) -> bytes:
    sec, nanosec = divmod(stamp_ns, SECOND)
    twist = Twist(Vector3(speed_m_s, 0.0, 0.0), Vector3(0.0, 0.0, yaw_rate_rad_s))
    return TwistStamped(Header(Time(sec, nanosec), "base_link"), twist).to_cdr()


def _absurd_commands(world: World, strength: float, _until_ns: int) -> None:
    """Not a number, infinite, stamped zero, or from the future."""
    kinds = (
        (math.nan, 0.0, world.ros_ns),
        (0.0, math.inf, world.ros_ns),
        (0.5, 0.0, 0),
        (0.5, 0.0, world.ros_ns + 5 * SECOND),
    )
    world.intruder = _twist(*kinds[min(int(strength * len(kinds)), len(kinds) - 1)])


def _old_commands(world: World, strength: float, _until_ns: int) -> None:
    """With the stamp that it once had: 0.25 to 1.25 s old when it begins, older from then on."""
    world.intruder = _twist(0.6, 0.5, world.ros_ns - round((0.25 + strength) * SECOND))


def _silence_intruder(world: World) -> None:
    world.intruder = None


def _press_stop(world: World, _strength: float, _until_ns: int) -> None:
    world.stop()


SURROUNDING_FAULTS = (
    FaultKind(
        "host_clock_step", "time", "the host's clock is set by up to 2.6 s", _step_host_clock, not_nominal
    ),
    FaultKind(
        "board_drift",
        "time",
        "the board's clock runs up to 100 ppm off",
        _drift,
        _drifts,
        _usual_drift,
        longest_s=5.0,
    ),
    FaultKind("stop_pressed", "person", "STOP on the page", _press_stop, not_nominal),
    FaultKind(
        "absurd_commands",
        "person",
        "another program publishes nonsense on cmd_vel",
        _absurd_commands,
        grew("refused"),
        _silence_intruder,
    ),
    FaultKind(
        "old_commands",
        "person",
        "another program repeats an old command on cmd_vel",
        _old_commands,
        grew("refused"),
        _silence_intruder,
    ),
)
