"""Joins what the stages stamped to each frame's road to the motor. No ROS in here.

Planner and agent write a row for each observation into journals in shared memory; the board says when it first applied
a command that rests on it.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable, Mapping

from takt.deadlines import Journey, Miss
from takt.deadlines.journey import APPLIED, stretches
from takt.deadlines.miss import UNKNOWN
from takt.frames.journal import Row

PLAN_WIDTH, PLAN_ROWS = 6, 128  # observed, capture exit, detect enter, detect exit, looked, published
LINK_WIDTH, LINK_ROWS = 4, 128  # observed, published, taken, written
_KEPT = 256
_LEARN = 0.05  # of each frame in time, for what is usual
_NEAR_NS = 5_000_000
Marks = dict[str, tuple[int, int]]


def plan_journal(ring: str) -> str:
    """Name of the planner's journal of the robot whose ring this is."""
    return f"{ring}.plan"


def link_journal(ring: str) -> str:
    """Name of the agent's."""
    return f"{ring}.link"


class RoadJoin:
    """``planned`` and ``sent`` take rows, ``applied`` the board's word; each gives the journey once."""

    def __init__(self) -> None:
        self._marks: OrderedDict[int, Marks] = OrderedDict()
        self._done: OrderedDict[int, None] = OrderedDict()

    def planned(self, rows: Iterable[Row]) -> None:
        """Rows of the planner's journal."""
        for observed, captured, taken, detected, looked, published in rows:
            marks = self._of(observed)
            marks["capture"] = (observed, captured)
            marks["detect"] = (taken, detected)
            marks["plan"] = (looked, published)

    def sent(self, rows: Iterable[Row]) -> None:
        """Rows of the agent's journal."""
        for observed, published, taken, written in rows:
            marks = self._of(observed)
            marks["middleware"] = (published, taken)
            marks["link"] = (taken, written)

    def applied(self, observed_ns: int, applied_ns: int, source: str, bound_ns: int) -> Journey | None:
        """The board's report: the whole road at its first application; ``source`` is "applied" or why not.

        None for a repeat, and for a refusal of what was applied before.
        """
        if observed_ns in self._done or (source != APPLIED and observed_ns not in self._marks):
            return None
        self._finish(observed_ns)
        marks = self._marks.pop(observed_ns, {})
        if source == APPLIED:
            road = stretches(observed_ns, _contiguous(marks), applied_ns)
            return Journey(observed_ns, road, applied_ns, bound_ns)
        road = tuple(one for one in stretches(observed_ns, _contiguous(marks), 0) if one[0] != "apply")
        return Journey(observed_ns, road, 0, 0, f"skipped: {source}")

    def _of(self, observed_ns: int) -> Marks:
        marks = self._marks.setdefault(observed_ns, {})
        while len(self._marks) > _KEPT:
            self._marks.popitem(last=False)
        return marks

    def _finish(self, observed_ns: int) -> None:
        self._done[observed_ns] = None
        while len(self._done) > _KEPT:
            self._done.popitem(last=False)


def _contiguous(marks: Marks) -> Marks:
    """The planner reads its clock right after publishing, the middleware right before: the send's own time is the
    planner's, so the middleware's stretch begins where the planner's ends."""
    if "plan" in marks and "middleware" in marks:
        taken = marks["middleware"][1]
        return {**marks, "middleware": (min(marks["plan"][1], taken), taken)}
    return marks


def latest_stretch(journey: Journey, usual_ns: Mapping[str, float]) -> tuple[str, int, int]:
    """The stretch that took most beyond what it usually takes."""
    return max(journey.stages, key=lambda one: one[2] - one[1] - usual_ns.get(one[0], 0.0))


class SlowRoads:
    """Finds frames whose photon to motor was over its budget, and who was to blame.

    The stage that was late has said so itself, so the cause is that of the newest known miss that overlaps the stretch
    that took most beyond its usual time; without one it is unknown. Misses come some ten ms after the frame, so a slow
    frame is judged when ``due`` is asked after ``PATIENCE_NS``.
    """

    PATIENCE_NS = 60_000_000

    def __init__(self, budget_ns: int) -> None:
        self._budget_ns = budget_ns
        self._usual_ns: dict[str, float] = {}
        self._misses: deque[Miss] = deque(maxlen=64)
        self._slow: deque[tuple[int, Journey]] = deque(maxlen=64)

    def missed(self, miss: Miss) -> None:
        """A miss of any stage of host or board."""
        self._misses.append(miss)

    def travelled(self, journey: Journey, now_ns: int) -> None:
        """A frame has come to its motor; ``now_ns`` of any steady clock."""
        if journey.outcome != APPLIED:
            return
        if journey.photon_to_motor_ns > self._budget_ns:
            self._slow.append((now_ns, journey))
            return
        for name, entered, left in journey.stages:
            usual = self._usual_ns.setdefault(name, float(left - entered))
            self._usual_ns[name] = usual + _LEARN * (left - entered - usual)

    def due(self, now_ns: int) -> list[tuple[Journey, str, dict[str, float]]]:
        """Slow frames whose cause can be told now: journey, cause, and the stretches in ms as evidence."""
        found = []
        while self._slow and now_ns - self._slow[0][0] >= self.PATIENCE_NS:
            journey = self._slow.popleft()[1]
            evidence = {
                f"{name}_ms": round((left - entered) / 1e6, 3) for name, entered, left in journey.stages
            }
            found.append((journey, self._cause(journey), evidence))
        return found

    def _cause(self, journey: Journey) -> str:
        if not journey.stages:
            return UNKNOWN
        _, entered_ns, left_ns = latest_stretch(journey, self._usual_ns)
        for miss in reversed(list(self._misses)):  # another thread may be adding one
            if miss.at_ns - _NEAR_NS <= left_ns and miss.at_ns + miss.late_ns + _NEAR_NS >= entered_ns:
                return miss.cause
        return UNKNOWN
