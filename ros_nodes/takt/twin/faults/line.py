"""What goes wrong on the wire between the two computers."""

from __future__ import annotations

from dataclasses import replace

from takt.twin.episode import MS
from takt.twin.faults.kind import Begin, FaultKind, grew, line_quiet
from takt.twin.world import World


def _cut(world: World, _strength: float, _until_ns: int) -> None:
    world.up.cut()
    world.down.cut()


def _noise(world: World, strength: float, until_ns: int) -> None:
    duration_ns = until_ns - world.now_ns
    for index, wire in enumerate((world.up, world.down)):
        wire.noise(round(strength * 1e6) + index, world.now_ns, duration_ns)


def _harm(name: str) -> Begin:
    def change(world: World, strength: float, _until_ns: int) -> None:
        for wire in (world.up, world.down):
            wire.faults.rates = replace(wire.faults.rates, **{name: 0.02 + 0.25 * strength})

    return change


def _slow(world: World, strength: float, _until_ns: int) -> None:
    world.up.baud = world.down.baud = round(460_800 / (1.0 + 7.0 * strength))


def _delay(down_only: bool, low_ms: float, high_ms: float) -> Begin:
    def change(world: World, strength: float, _until_ns: int) -> None:
        delay_ns = round((low_ms + (high_ms - low_ms) * strength) * MS)
        world.down.delay_ns += delay_ns
        world.up.delay_ns += 0 if down_only else delay_ns

    return change


def _mend(world: World) -> None:
    world.mend_line()


LINE_FAULTS = (
    FaultKind("line_cut", "link", "the wire is open", _cut, line_quiet, _mend),
    FaultKind("line_noise", "link", "noise instead of bytes", _noise, grew("swallowed"), _mend),
    FaultKind("line_drops", "link", "frames vanish", _harm("drop"), grew("dropped"), _mend, shortest_s=0.5),
    FaultKind("line_flips", "link", "bits flip", _harm("flip"), grew("flipped"), _mend, shortest_s=0.5),
    FaultKind(
        "line_duplicates",
        "link",
        "frames come twice",
        _harm("duplicate"),
        grew("duplicated"),
        _mend,
        shortest_s=0.5,
    ),
    FaultKind(
        "line_slow",
        "link",
        "the line runs at 57600 to 460800 baud",
        _slow,
        grew("bound_ns"),
        _mend,
        shortest_s=0.6,
    ),
    FaultKind(
        "line_delay",
        "link",
        "both ways 5 to 80 ms late",
        _delay(False, 5.0, 80.0),
        grew("bound_ns"),
        _mend,
        shortest_s=0.6,
    ),
    FaultKind(
        "line_lopsided",
        "link",
        "one way 5 to 60 ms late",
        _delay(True, 5.0, 60.0),
        grew("bound_ns"),
        _mend,
        shortest_s=0.6,
    ),
)
