"""Which faults a run of the demo gets: the twin's day of a seed, a scenario file, or those named one by one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from takt.errors import TaktError
from takt.trouble.kinds import KINDS, NOT_LIVE
from takt.twin import chaos, scenario_file
from takt.twin.episode import Arena, Episode, FaultPlan
from takt.twin.scenario_file import Expect

_FORM = re.compile(r"(\w+)@(\d+(?:\.\d+)?)(?:\+(\d+(?:\.\d+)?))?(?::(\d(?:\.\d+)?))?")
_USUAL_S = 1.0
_RECOVERY_S = 12.0  # so long a run goes on behind its last fault


@dataclass(frozen=True)
class Day:
    """An episode for the running demo. ``left_out``: what of it a real host cannot be given, and why.

    ``expect`` is the scenario file's; None: only the invariants are judged. ``helps_between``: the person comes after
    each fault and not only after the last.
    """

    episode: Episode
    expect: Expect | None = None
    left_out: tuple[str, ...] = field(default=())
    helps_between: bool = False

    @property
    def seconds(self) -> float:
        """Long enough to see the robot drive again."""
        faults = self.episode.faults_end_s
        return max(self.episode.seconds, faults + _RECOVERY_S if self.episode.faults else 0.0)


def of_chaos(seed: int) -> Day:
    """The day that `takt chaos --seeds SEED-SEED` lives in the twin: same arena, same line, same faults."""
    return _possible(chaos.draw(seed), None)


def of_scenario(name: str, seed: int) -> Day:
    """A scenario file in real time. Raises TaktError where it asks for what only the twin can change."""
    scenario = scenario_file.load(name)
    episode = scenario.episode(seed)
    if episode.arena != Arena():
        raise TaktError(
            f"scenario {scenario.name} has an arena of its own, the demo's is the seed's",
            "live it in the twin: takt twin " + scenario.name,
        )
    return _possible(episode, scenario.expect)


def of_faults(texts: list[str], seed: int, seconds: float) -> Day:
    """Faults from the command line, each KIND@SECOND[+LENGTH][:STRENGTH]."""
    faults = tuple(sorted(map(_fault, texts), key=lambda plan: plan.at_s))
    return Day(Episode(name="faults", seed=seed, seconds=seconds, faults=faults), helps_between=True)


def _fault(text: str) -> FaultPlan:
    found = _FORM.fullmatch(text)
    if found is None:
        raise TaktError(
            f"fault {text!r} cannot be read", "write KIND@SECOND+LENGTH:STRENGTH, as line_cut@10+2:0.5"
        )
    kind, at, length, strength = found.groups()
    if kind in NOT_LIVE:
        raise TaktError(
            f"fault {kind} cannot be brought into a running demo: {NOT_LIVE[kind]}", "use takt twin"
        )
    if kind not in KINDS:
        raise TaktError(f"unknown fault {kind!r}", f"one of: {', '.join(sorted(KINDS))}")
    value = float(strength or 0.5)
    if value > 1.0:
        raise TaktError(f"fault {text!r}: strength {value:g} is out of range", "give 0 to 1")
    return FaultPlan(kind, float(at), float(length or _USUAL_S), value)


def _possible(episode: Episode, expect: Expect | None) -> Day:
    """Without what cannot be done to a running host."""
    absent = [plan for plan in episode.faults if plan.kind not in KINDS]
    left_out = tuple(f"{plan.kind}: {NOT_LIVE.get(plan.kind, 'not known here')}" for plan in absent)
    kept = tuple(plan for plan in episode.faults if plan.kind in KINDS)
    return Day(replace(episode, faults=kept), expect, left_out)
