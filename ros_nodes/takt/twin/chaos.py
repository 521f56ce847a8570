"""Bad days by number: a seed draws faults, times and strength; a failing day is cut down to what matters."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from takt.twin.episode import Episode, FaultPlan, LineQuality
from takt.twin.faults import KINDS
from takt.twin.run import Result

_FIRST_S, _LAST_S = 3.0, 11.0
_MOST = 4
_MIN_SECONDS = 20.0
_ARENAS = 200  # layouts; drawing one takes longer than living some seconds in it


def draw(seed: int) -> Episode:
    """The bad day of this seed: one to four faults at random times; kinds take turns, so that none is left out.

    Kind number ``seed`` modulo their count is always among them: as many seeds in a row as there are kinds hold all.
    """
    rng = random.Random(f"chaos {seed}")
    names = sorted(KINDS)
    others = rng.sample([name for name in names if name != names[seed % len(names)]], rng.randrange(_MOST))
    faults = tuple(sorted((_fault(rng, name) for name in (names[seed % len(names)], *others)), key=_begin))
    return Episode(
        name="chaos",
        seed=seed,
        seconds=_MIN_SECONDS,
        arena_seed=rng.randrange(_ARENAS),
        board_drift_ppm=rng.uniform(-60.0, 60.0),
        line=LineQuality(latency_ms=rng.choice((0.0, 1.0, 2.0)), flip_rate=rng.choice((0.0, 0.0, 0.002))),
        faults=faults,
    )


def _fault(rng: random.Random, name: str) -> FaultPlan:
    kind = KINDS[name]
    return FaultPlan(
        name,
        at_s=round(rng.uniform(_FIRST_S, _LAST_S), 3),
        for_s=round(rng.uniform(kind.shortest_s, kind.longest_s), 3),
        strength=round(rng.random(), 3),
    )


def _begin(fault: FaultPlan) -> tuple[float, str]:
    return fault.at_s, fault.kind


@dataclass(frozen=True)
class Minimal:
    """The fewest faults that still break ``invariant``; ``places`` are their indices in the day's list."""

    seed: int
    places: tuple[int, ...]
    invariant: str
    detail: str

    @property
    def replay(self) -> str:
        return (
            f"takt chaos --seeds {self.seed}-{self.seed} --faults {','.join(map(str, self.places)) or 'none'}"
        )


def only(episode: Episode, places: Sequence[int]) -> Episode:
    """The same day with some of its faults."""
    return episode.with_faults(tuple(episode.faults[place] for place in places))


def minimise(episode: Episode, invariant: str, live: Callable[[Episode], Result]) -> Minimal:
    """Leave out one fault after the other as long as the invariant still breaks (each day has four at most)."""
    places = list(range(len(episode.faults)))
    detail = ""
    for place in list(places):
        fewer = [one for one in places if one != place]
        broken = _broken(live(only(episode, fewer)), invariant)
        if broken:
            places, detail = fewer, broken
    if not detail:
        detail = _broken(live(only(episode, places)), invariant)
    return Minimal(episode.seed, tuple(places), invariant, detail)


def _broken(result: Result, invariant: str) -> str:
    return next((str(one) for one in result.violations if one.invariant == invariant), "")
