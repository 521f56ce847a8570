"""A run as plain values, whatever files they came from. All times are ns of ROS time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from takt.contract import Contract
from takt.deadlines import Journey, Miss


class RungStep(NamedTuple):
    """``computer`` ("host" or "board") stands on ``rung`` from here on."""

    at_ns: int
    computer: str
    rung: str
    reason: str


class StatusAt(NamedTuple):
    """One DiagnosticStatus; ``level`` is 0 OK, 1 WARN, 2 ERROR."""

    at_ns: int
    level: int
    message: str
    values: dict[str, str]

    def number(self, key: str) -> float | None:
        """A value as a number; None where it is absent or none."""
        try:
            return float(self.values[key])
        except (KeyError, ValueError):
            return None


class AppliedAt(NamedTuple):
    """The board's word on a command: ``outcome`` is "applied" or why it was refused."""

    at_ns: int
    observed_ns: int
    outcome: str


class Cycle(NamedTuple):
    """One control cycle as joint_states told it: its stamp, and the two wheels' speeds."""

    at_ns: int
    left_rad_s: float
    right_rad_s: float


class LogLine(NamedTuple):
    at_ns: int
    level: int  # of rcl_interfaces/msg/Log: 10 debug, 20 info, 30 warn, 40 error, 50 fatal
    name: str
    text: str


class Fault(NamedTuple):
    """A fault that was brought into the run on purpose."""

    at_ns: int
    until_ns: int
    kind: str
    strength: str


@dataclass
class RunRecord:
    """``notes`` say what could not be read. ``statuses`` are by name, such as "planner: plan"; lists are by time."""

    name: str
    contract: Contract
    results: dict[str, Any] = field(default_factory=dict)
    journeys: list[Journey] = field(default_factory=list)
    misses: list[Miss] = field(default_factory=list)
    rungs: list[RungStep] = field(default_factory=list)
    statuses: dict[str, list[StatusAt]] = field(default_factory=dict)
    applied: list[AppliedAt] = field(default_factory=list)
    cycles: list[Cycle] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_empty(self) -> bool:
        """Nothing with a time in it."""
        return not (
            self.journeys or self.misses or any(self.statuses.values()) or self.applied or self.cycles
        )

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last moment of what is here; (0, 0) when it is empty. Misses count where there is nothing else:
        when one of the board happened may be known to the hour only."""
        edges = [
            *(one.at_ns for row in (self.cycles, self.applied, self.log) for one in _ends(row)),
            *(one.at_ns for row in self.statuses.values() for one in _ends(row)),
            *(one.observed_ns for one in _ends(self.journeys)),
        ]
        edges = edges or [one.at_ns for one in _ends(self.misses)]
        return (min(edges), max(edges)) if edges else (0, 0)

    def photon_to_motor_ms(self) -> list[tuple[int, float]]:
        """(observation stamp, ms) at the first application of each observation, by the board's measurement."""
        told = {one.observed_ns: one.photon_to_motor_ns for one in self.journeys if one.photon_to_motor_ns}
        for one in self.applied:
            if one.outcome == "applied":
                told.setdefault(one.observed_ns, one.at_ns - one.observed_ns)
        return [(observed_ns, whole_ns / 1e6) for observed_ns, whole_ns in sorted(told.items())]

    def latest(self, status: str) -> StatusAt | None:
        """The last that was said under this name."""
        row = self.statuses.get(status)
        return row[-1] if row else None

    def between(self, from_s: float, to_s: float) -> RunRecord:
        """What was in these seconds since the begin; the rungs that held then, too."""
        zero_ns = self.span_ns[0]
        low_ns, high_ns = zero_ns + round(from_s * 1e9), zero_ns + round(min(to_s, 1e9) * 1e9)

        def kept(row: list[Any]) -> list[Any]:
            return [one for one in row if low_ns <= one.at_ns <= high_ns]

        before = {step.computer: step for step in self.rungs if step.at_ns < low_ns}
        return replace(
            self,
            journeys=[one for one in self.journeys if low_ns <= one.observed_ns <= high_ns],
            misses=kept(self.misses),
            rungs=[step._replace(at_ns=low_ns) for step in before.values()] + kept(self.rungs),
            statuses={name: kept(row) for name, row in self.statuses.items()},
            applied=kept(self.applied),
            cycles=kept(self.cycles),
            log=kept(self.log),
            faults=[one for one in self.faults if one.at_ns <= high_ns and one.until_ns >= low_ns],
        )

    def in_order(self) -> RunRecord:
        """Sort everything by time and drop what was told twice; returns itself."""
        self.journeys = sorted({one.observed_ns: one for one in self.journeys}.values(), key=_observed)
        self.misses = sorted({one.identity: one for one in self.misses}.values(), key=lambda one: one.at_ns)
        self.applied = sorted(set(self.applied))
        self.cycles = sorted({one.at_ns: one for one in self.cycles}.values())
        self.log, self.faults = sorted(set(self.log)), sorted(self.faults)
        for row in self.statuses.values():
            row.sort(key=lambda one: one.at_ns)
        self.rungs = _steps(sorted(self.rungs, key=lambda one: one.at_ns))
        return self


def _steps(told: list[RungStep]) -> list[RungStep]:
    """Only where rung or reason changed; both ladders say theirs once a second as well."""
    kept: list[RungStep] = []
    newest: dict[str, tuple[str, str]] = {}
    for step in told:
        if newest.get(step.computer) != (step.rung, step.reason):
            newest[step.computer] = (step.rung, step.reason)
            kept.append(step)
    return kept


def _ends(row: Any) -> list[Any]:
    return [row[0], row[-1]] if row else []


def _observed(journey: Journey) -> int:
    return journey.observed_ns
