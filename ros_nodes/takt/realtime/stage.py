"""A stage clock that, when its stage is late, says so at once with what Linux and Python did to the stage's thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from takt.deadlines.stage_clock import NOTHING, StageClock
from takt.realtime.probe import ThreadProbe

_MS = 1e-6


@dataclass(frozen=True)
class Late:
    """A miss as its stage saw it. ``at_ns``: ROS time of the deadline; ``begin_ns`` and ``end_ns``: the window of the
    evidence, by the steady clock."""

    stage: str
    at_ns: int
    late_ns: int
    begin_ns: int
    end_ns: int
    evidence: dict[str, float]
    ask: Callable[[int, int], dict[str, float]] | None = None  # for what is known a little later; same window
    cause: str = ""  # where it is known already


class WatchedStage(StageClock):
    """``tell`` gets each miss, in the stage's thread, and must not wait. ``ros_ns`` reads ROS time, which the stamps
    that the stage is given are of. Each thread that passes through has its own counters: use one thread."""

    __slots__ = ("_ask", "_ros_ns", "_tell", "probe")

    def __init__(
        self,
        name: str,
        budget_ms: float,
        tell: Callable[[Late], None],
        ros_ns: Callable[[], int] = time.time_ns,
        ask: Callable[[int, int], dict[str, float]] | None = None,
        probe: ThreadProbe | None = None,
    ) -> None:
        """``probe``: that of another stage of the same thread, which then sees to ``begin`` and ``rested``."""
        super().__init__(name, budget_ms)
        self._tell, self._ros_ns, self._ask = tell, ros_ns, ask
        self.probe = probe or ThreadProbe()

    def close(self) -> None:
        """Its probe, too, and with it every stage that was lent the probe."""
        self.probe.close()

    def begin(self) -> None:
        self.probe.mark()

    def rested(self, rest_ns: int) -> None:
        self.probe.rested_ns += rest_ns

    def missed(self, enter_ns: int, exit_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        now_ns = time.monotonic_ns()
        entered_ns = now_ns - (self._ros_ns() - enter_ns)
        begin_ns, evidence = self.probe.since(entered_ns)
        if begin_ns > entered_ns:
            evidence["before_start_ms"] = (begin_ns - entered_ns) * _MS
        budget_ns = round(self.budget_ms * 1e6)
        at_ns, late_ns = enter_ns + budget_ns, exit_ns - enter_ns - budget_ns
        self._tell(Late(self.name, at_ns, late_ns, begin_ns, now_ns, {**evidence, **facts}, self._ask))

    def given_up(self, enter_ns: int, now_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        self.misses += 1
        steady_ns = time.monotonic_ns()
        begin_ns, evidence = self.probe.seen_from_outside(steady_ns)
        budget_ns = round(self.budget_ms * 1e6)
        late_ns = now_ns - enter_ns - budget_ns
        late = Late(
            self.name, enter_ns + budget_ns, late_ns, begin_ns, steady_ns, {**evidence, **facts}, self._ask
        )
        self._tell(late)

    def wake_late(self, due_ns: int, woke_ns: int, facts: Mapping[str, float] = NOTHING) -> None:
        """The stage's own timer woke it late, by the steady clock; a miss when it is more than the budget."""
        late_ns = woke_ns - due_ns
        if late_ns > self.budget_ms * 1e6:
            self.misses += 1
            entered_ns = self._ros_ns() - (time.monotonic_ns() - due_ns)
            self.missed(entered_ns, entered_ns + late_ns, facts)
