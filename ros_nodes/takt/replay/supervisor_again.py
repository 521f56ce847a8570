"""The supervisor's ticks judged again: ladder and arming policy, from what they knew then."""

from __future__ import annotations

from collections.abc import Iterable

from takt.contract import Contract
from takt.deadlines import Ladder
from takt.replay.difference import Comparison, Difference
from takt.supervision.arming import ArmingPolicy
from takt.supervision.watch import decide, ladder_limits
from takt.supervision.watch_tick import WatchTick

_SECOND = 1_000_000_000
_LADDER_WARM_NS = 2 * _SECOND  # more than it waits before it climbs
_ARMING_WARM_NS = 65 * _SECOND  # it looks back a minute


def judge_again(ticks: Iterable[WatchTick], contract: Contract) -> Comparison:
    """Ticks in their order. Where the recording does not begin with a supervisor's start, the ladder is taken to stand
    where it was seen at the first tick, and nothing is compared until its waits are over.
    """
    comparison = Comparison("supervisor")
    judge: _Judge | None = None
    begun_ns, expected = None, 0
    for tick in ticks:
        begun_ns = tick.steady_ns if begun_ns is None else begun_ns
        gap = judge is not None and tick.sequence != expected
        if tick.begins or judge is None or gap:
            comparison.lost += max(tick.sequence - expected, 1) if gap and not tick.begins else 0
            judge = _Judge(contract, tick)
        expected = tick.sequence + 1
        found = judge.differences(tick, (tick.steady_ns - begun_ns) / _SECOND)
        if judge.may_be_compared(tick.steady_ns):
            comparison.take(found)
        else:
            comparison.unknown += 1
    return comparison


class _Judge:
    def __init__(self, contract: Contract, first: WatchTick) -> None:
        self._ladder = Ladder(ladder_limits(contract), first.steady_ns)
        self._ladder_from_ns = first.steady_ns + (0 if first.begins else _LADDER_WARM_NS)
        self._arming_from_ns = first.steady_ns + (0 if first.begins else _ARMING_WARM_NS)
        if not first.begins:
            self._ladder.rung, self._ladder.reason = first.rung, first.reason
        rearm = "automatic" if first.automatic else "operator"
        self._arming = ArmingPolicy(rearm, contract.safety.rearm_per_minute)

    def may_be_compared(self, steady_ns: int) -> bool:
        return steady_ns >= self._ladder_from_ns

    def differences(self, tick: WatchTick, at_s: float) -> list[Difference]:
        for steady_ns in tick.granted_ns:
            self._arming.granted(steady_ns)
        self._arming.stopped = tick.conditions.stop_requested
        rung = self._ladder.update(tick.conditions, tick.steady_ns)
        wish = decide(self._arming, tick.readiness, tick.armed, tick.steady_ns)
        rows = (
            ("rung", tick.rung.name, rung.name),
            ("reason", tick.reason, self._ladder.reason),
            (
                "wish to arm",
                str(tick.wish),
                str(wish if tick.steady_ns >= self._arming_from_ns else tick.wish),
            ),
        )
        return [Difference(at_s, what, repr(old), repr(new)) for what, old, new in rows if old != new]
