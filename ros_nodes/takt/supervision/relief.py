"""Which soft work is slowed: one kind more for each second in which critical stages run late or processors are short.

The order is the contract's: the first kind goes first and is let go last. Pure; the supervisor's node feeds it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from takt.contract.sections import Relief

SECOND_NS = 1_000_000_000
_FEWEST_PASSES = 10  # a second with fewer says nothing about shares


class ReliefPolicy:
    """``slowed`` holds the kinds that are slowed now, ``reason`` why the last one was."""

    def __init__(self, rules: Relief, order: Sequence[str]) -> None:
        self._rules, self._order = rules, tuple(order)
        self._stages: dict[str, tuple[float, float]] = {}  # status -> passes and misses told so far
        self._passes = self._late = 0.0
        self._level = 0
        self._calm_since_ns: int | None = None
        self._looked: tuple[int, int] | None = None  # when, and the processors' pressure by then
        self.reason = ""

    @property
    def slowed(self) -> tuple[str, ...]:
        return self._order[: self._level]

    def learn(self, status: str, values: Mapping[str, str]) -> None:
        """The figures of a stage's status, which only grow; a stage that began anew counts from there on."""
        try:
            passes, misses = float(values["count"]), float(values["misses"])
        except (KeyError, ValueError):
            return
        before = self._stages.get(status, (passes, misses))
        self._stages[status] = passes, misses
        if passes >= before[0] and misses >= before[1]:
            self._passes += passes - before[0]
            self._late += misses - before[1]

    def step(self, now_ns: int, cpu_pressure_ns: int) -> bool:
        """Once a second; ``cpu_pressure_ns``: how long anybody has waited for a processor since boot (0: not known).

        True when what is slowed has changed."""
        before, self._looked = self._looked, (now_ns, cpu_pressure_ns)
        if before is None or now_ns <= before[0]:
            return False
        late_share = self._late / self._passes if self._passes >= _FEWEST_PASSES else 0.0
        pressure = (cpu_pressure_ns - before[1]) / (now_ns - before[0])
        self._passes = self._late = 0.0
        if late_share > self._rules.late_share:
            return self._press(f"{late_share:.0%} of critical work late")
        if pressure > self._rules.cpu_pressure_share:
            return self._press(f"processors short for {pressure:.0%} of the time")
        calm = late_share <= self._rules.calm_share and pressure <= self._rules.cpu_pressure_share
        return self._ease(now_ns, calm)

    def _press(self, reason: str) -> bool:
        self._calm_since_ns = None
        if self._level == len(self._order):
            return False
        self._level += 1
        self.reason = reason
        return True

    def _ease(self, now_ns: int, calm: bool) -> bool:
        if not calm or self._level == 0:
            self._calm_since_ns = None
            return False
        if self._calm_since_ns is None:
            self._calm_since_ns = now_ns
        if now_ns - self._calm_since_ns < self._rules.calm_s * SECOND_NS:
            return False
        self._calm_since_ns = now_ns
        self._level -= 1
        if self._level == 0:
            self.reason = ""
        return True
