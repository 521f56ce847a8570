"""What goes wrong on the robot: its board, its encoders, its motors, its battery."""

from __future__ import annotations

from takt.twin.episode import MS
from takt.twin.faults.kind import Begin, FaultKind, Felt, grew, line_quiet, not_nominal
from takt.twin.world import World

_TURN_COUNTS = 4096


def _reset(world: World, _strength: float, _until_ns: int) -> None:
    world.body.reset(world.now_ns)


def _cycle_power(world: World, _strength: float, until_ns: int) -> None:
    world.body.reset(world.now_ns, off_ns=until_ns - world.now_ns, keep_memory=False)


def _stretch_ms(strength: float) -> float:
    """More than a period, less than what four misses in a row would be."""
    return 11.0 + 17.0 * strength


def _overrun(cpu_share: float) -> Begin:
    def change(world: World, strength: float, _until_ns: int) -> None:
        world.body.stretch(round(_stretch_ms(strength) * MS), cpu_share)

    return change


def _overload(world: World, strength: float, _until_ns: int) -> None:
    world.body.overload(round(_stretch_ms(strength) * MS))


def _late(world: World, strength: float, _until_ns: int) -> None:
    world.body.delay(round(_stretch_ms(strength) * MS))


def _block_link(world: World, _strength: float, until_ns: int) -> None:
    world.body.link_blocked_until_ns = until_ns


def _encoder(fault: str) -> Begin:
    def change(world: World, strength: float, _until_ns: int) -> None:
        world.body.edge.encoder = (fault, "ok") if strength < 0.5 else ("ok", fault)

    return change


def _edge(name: str, value: object) -> Begin:
    return lambda world, _strength, _until_ns: setattr(world.body.edge, name, value)


def _weak_motor(world: World, strength: float, _until_ns: int) -> None:
    factor = 0.9 - 0.8 * strength
    world.body.edge.motor_factor = (factor, 1.0) if round(strength * 1e6) % 2 else (1.0, factor)


def _low_supply(world: World, strength: float, _until_ns: int) -> None:
    world.body.edge.supply_factor = 0.95 - 0.5 * strength


def _is_set(name: str, well: object) -> Felt:
    """The plant is driven by what the edge lets through, so that being set is being felt."""
    return lambda world, _before: getattr(world.body.edge, name) != well


def _mend(world: World) -> None:
    world.body.edge.mend()


ROBOT_FAULTS = (
    FaultKind("board_reset", "board", "the board's reset line", _reset, grew("boots")),
    FaultKind(
        "board_watchdog",
        "board",
        "cycles take 11 to 28 ms until the watchdog resets",
        _overload,
        grew("boots"),
    ),
    FaultKind("board_overrun", "board", "a cycle computes for 11 to 28 ms", _overrun(1.0), grew("misses")),
    FaultKind(
        "board_preempted", "board", "a cycle is kept from the processor", _overrun(0.05), grew("misses")
    ),
    FaultKind("board_late", "board", "a cycle begins 11 to 28 ms late", _late, grew("misses")),
    FaultKind("board_link_blocked", "board", "the link thread stands still", _block_link, line_quiet),
    FaultKind(
        "encoder_broken",
        "sensor",
        "one encoder counts no more",
        _encoder("broken"),
        not_nominal,
        _mend,
        shortest_s=0.8,
        moves_freely=True,
    ),
    FaultKind(
        "encoder_reversed",
        "sensor",
        "one encoder counts backwards",
        _encoder("reversed"),
        not_nominal,
        _mend,
        shortest_s=0.8,
        moves_freely=True,
    ),
    FaultKind(
        "encoder_silent",
        "sensor",
        "no encoder samples at all",
        _edge("silent", True),
        not_nominal,
        _mend,
        moves_freely=True,
    ),
    FaultKind(
        "encoder_jump",
        "sensor",
        "the left count jumps by a turn of the wheel",
        _edge("jump_counts", _TURN_COUNTS),
        not_nominal,
        moves_freely=True,
    ),
    FaultKind(
        "motor_weak",
        "actuator",
        "one motor has 10 to 90 % of its strength",
        _weak_motor,
        _is_set("motor_factor", (1.0, 1.0)),
        _mend,
        moves_freely=True,
    ),
    FaultKind(
        "motor_fault",
        "actuator",
        "the driver reports a fault",
        _edge("motor_fault", True),
        not_nominal,
        _mend,
    ),
    FaultKind(
        "supply_low",
        "power",
        "the battery sags to 45 to 95 %",
        _low_supply,
        _is_set("supply_factor", 1.0),
        _mend,
        longest_s=4.0,
        moves_freely=True,
    ),
    FaultKind("power_cycle", "power", "the board loses power, and its memory", _cycle_power, grew("boots")),
    FaultKind("e_stop", "person", "the red button", _edge("e_stop", True), not_nominal, _mend),
)
