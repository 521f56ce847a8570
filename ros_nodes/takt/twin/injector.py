"""Brings an episode's faults into the twin at their times, and notes which were felt."""

from __future__ import annotations

from dataclasses import dataclass

from takt.errors import TaktError
from takt.twin.episode import MS, SECOND, FaultPlan
from takt.twin.faults import KINDS, FaultKind, Marks, marks
from takt.twin.world import World

_LOOK_NS = 10 * MS
_AFTER_NS = SECOND
_LIMP_NS = 1_500 * MS  # how long a fault that moves the robot freely is still in its motion


@dataclass
class _Open:
    plan: FaultPlan
    kind: FaultKind
    before: Marks
    until_ns: int
    ended: bool = False
    felt: bool = False


class Injector:
    """A watcher of the world. ``felt`` counts, by kind, the faults whose effect was seen."""

    def __init__(self, plans: tuple[FaultPlan, ...]) -> None:
        for plan in plans:
            if plan.kind not in KINDS:
                raise TaktError(f"no fault is called {plan.kind!r}", f"one of: {', '.join(sorted(KINDS))}")
        self._waiting = sorted(plans, key=lambda plan: (plan.at_s, plan.kind))
        self._open: list[_Open] = []
        self.done: list[_Open] = []
        self.free_until_ns = 0

    def __call__(self, world: World, _cycled: bool) -> None:
        if world.first_armed_ns is None:
            return
        while self._waiting and world.since_armed_s >= self._waiting[0].at_s:
            self._begin(world, self._waiting.pop(0))
        if self._open and world.now_ns % _LOOK_NS == 0:
            self._look(world)

    def active(self, name: str) -> bool:
        """Whether a fault of this kind is in force, or ended within the last second."""
        return any(one.kind.name == name for one in self._open)

    @property
    def quiet(self) -> bool:
        return not self._open and not self._waiting

    def felt(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for one in (*self.done, *self._open):
            if one.felt:
                counts[one.kind.name] = counts.get(one.kind.name, 0) + 1
        return counts

    def _begin(self, world: World, plan: FaultPlan) -> None:
        kind = KINDS[plan.kind]
        until_ns = world.now_ns + round(plan.for_s * SECOND)
        self._open.append(_Open(plan, kind, marks(world), until_ns))
        kind.begin(world, plan.strength, until_ns)
        if kind.moves_freely:
            self.free_until_ns = max(self.free_until_ns, until_ns + _LIMP_NS)

    def _look(self, world: World) -> None:
        for one in self._open:
            one.felt = one.felt or one.kind.felt(world, one.before)
            if not one.ended and world.now_ns >= one.until_ns:
                one.kind.end(world)
                one.ended = True
        for one in [one for one in self._open if world.now_ns >= one.until_ns + _AFTER_NS]:
            self._open.remove(one)
            self.done.append(one)
