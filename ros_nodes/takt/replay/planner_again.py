"""The planner's ticks thought again: the same pictures, wheel angles, rungs and times, with the code as it is now."""

from __future__ import annotations

from collections.abc import Sequence

from takt.contract import Contract
from takt.planning import Command, Follower, Observation, WheelOdometry
from takt.planning.plan_tick import PlanTick
from takt.replay.difference import Comparison, Difference

_SECOND = 1_000_000_000
_WARM_NS = 10 * _SECOND
_WARM_TOLERANCE = 0.05


def think_again(ticks: Sequence[PlanTick], contract: Contract, tolerance: float = 0.0) -> Comparison:
    """Ticks in their order. ``tolerance``: by how much a speed (m/s, rad/s) may differ.

    From a planner's beginning on, the same code on the same machine thinks the same to the bit. Where the beginning is
    not in the recording, what the planner remembered then is not known: it thinks on from an empty mind, is not
    compared for the first ten seconds, and after them only within 0.05.
    """
    comparison = Comparison("planner")
    mind: _Mind | None = None
    begun_ns, expected = None, 0
    for tick in ticks:
        begun_ns = tick.now_ns if begun_ns is None else begun_ns
        gap = mind is not None and tick.sequence != expected
        if tick.begins:
            mind = _Mind(contract, mind if tick.begins == "follower" else None, knows_all=True)
        elif mind is None or gap:
            comparison.lost += max(tick.sequence - expected, 1) if gap else 0
            mind = _Mind(contract, None, knows_all=False)
        expected = tick.sequence + 1
        again = mind.think(tick)
        if not mind.may_be_compared(tick.now_ns):
            comparison.unknown += 1
            continue
        allowed = tolerance if mind.knows_all else max(tolerance, _WARM_TOLERANCE)
        comparison.take(_compare(tick, again, (tick.now_ns - begun_ns) / _SECOND, allowed, comparison))
    return comparison


class _Mind:
    """One planner process, or one activation of it. ``knows_all``: nothing had been before its first tick."""

    def __init__(self, contract: Contract, before: _Mind | None, knows_all: bool) -> None:
        self.knows_all: bool = knows_all and (before is None or before.knows_all)
        self._first_ns: int | None = None
        self._follower = Follower(contract)
        self._wheels: WheelOdometry = WheelOdometry(contract) if before is None else before._wheels
        self._seen: Observation | None = None

    def may_be_compared(self, now_ns: int) -> bool:
        return self.knows_all or (self._first_ns is not None and now_ns - self._first_ns >= _WARM_NS)

    def think(self, tick: PlanTick) -> Command:
        self._first_ns = tick.now_ns if self._first_ns is None else self._first_ns
        for left_rad, right_rad, stamp_ns in tick.joints:
            self._wheels.update(left_rad, right_rad, stamp_ns)
        self._seen = tick.observation or self._seen
        seen = self._seen if tick.looked else None
        return self._follower.update(seen, self._wheels.odometry, tick.rung, tick.now_ns)


def _compare(
    tick: PlanTick, again: Command, at_s: float, tolerance: float, comparison: Comparison
) -> list[Difference]:
    recorded, found = tick.command, []
    for name in ("speed_m_s", "yaw_rate_rad_s"):
        old, new = getattr(recorded, name), getattr(again, name)
        comparison.widen(name, abs(new - old))
        if not abs(new - old) <= tolerance:
            found.append(Difference(at_s, name, f"{old:.6f}", f"{new:.6f}"))
    for name in ("stamp_ns", "reason"):
        old, new = getattr(recorded, name), getattr(again, name)
        if old != new:
            found.append(Difference(at_s, name, str(old), str(new)))
    return found
