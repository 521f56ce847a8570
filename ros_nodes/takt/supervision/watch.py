"""The supervisor's judgement without ROS: which rung, and whether to ask the board to arm or to disarm.

The supervisor node and the twin run this same code. ``steady_ns`` comes from a clock that never steps; ages that
arrive as arguments are in ms of ROS time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from takt.contract import Contract
from takt.deadlines import Conditions, Ladder
from takt.deadlines.ladder import Limits
from takt.supervision.arming import ArmingPolicy, Readiness
from takt.supervision.board_view import BoardView
from takt.supervision.watch_tick import WatchTick

_CALL_PATIENCE_NS = 500_000_000
_BOARD = "base"


class Watch:
    """``rearm``: automatic or operator, as in :class:`ArmingPolicy`. ``last``: the newest tick, as it was judged."""

    def __init__(self, contract: Contract, rearm: str, steady_ns: int) -> None:
        limits = contract.ladder
        self.ladder = Ladder(ladder_limits(contract), steady_ns)
        self.arming = ArmingPolicy(rearm, contract.safety.rearm_per_minute)
        self.board = BoardView()
        self._limits = limits
        self._contract_refusal = ""
        self._skip_ratio = 0.0
        self._frames_told = (0.0, 0.0)
        self._asked_ns: int | None = None
        self.last: WatchTick | None = None
        self._granted_ns: list[int] = []

    def hear_joints(self, steady_ns: int) -> None:
        """The board's wheel angles came."""
        self.board.hear(steady_ns)

    def learn(
        self,
        hardware_id: str,
        name: str,
        is_error: bool,
        message: str,
        values: Mapping[str, str],
        steady_ns: int,
    ) -> None:
        """One diagnostic status of anybody; most are of no interest here.

        The board speaks by its statuses too: without a clock it sends no wheel angles, and is not silent for that.
        """
        if hardware_id == _BOARD:
            self.board.hear(steady_ns)
            self.board.learn(name, values)
        elif name == "agent: contract":
            self._contract_refusal = message if is_error else ""
        elif name == "detector: detect":
            self._learn_skips(values)

    def _learn_skips(self, values: Mapping[str, str]) -> None:
        skipped = sum(float(value) for key, value in values.items() if key.startswith("skipped_"))
        done = float(values.get("count", "0"))
        new_skipped, new_done = skipped - self._frames_told[0], done - self._frames_told[1]
        self._frames_told = (skipped, done)
        if new_skipped >= 0.0 and new_done + new_skipped > 0.0:
            self._skip_ratio = new_skipped / (new_done + new_skipped)

    def tick(self, steady_ns: int, perception_age_ms: float, nodes_active: bool) -> bool | None:
        """Move the ladder on. Returns True to ask the board to arm now, False to disarm, None for neither.

        An observation from the future (the clock was set back) is as good as none: its age is unknown.
        """
        link_age_ms = self.board.age_ms(steady_ns)
        if perception_age_ms < -self._limits.hold_perception_age_ms:
            perception_age_ms = math.inf
        conditions = Conditions(
            perception_age_ms, link_age_ms, self._skip_ratio, self.board.rung, self.arming.stopped
        )
        self.ladder.update(conditions, steady_ns)
        readiness = Readiness(
            nodes_active=nodes_active,
            link_fresh=link_age_ms < self._limits.safe_link_silence_ms,
            perception_fresh=perception_age_ms < self._limits.hold_perception_age_ms,
            clock_locked=self.board.clock_locked,
            contract_matches=not self._contract_refusal,
            board_fault=self.board.fault,
        )
        wish = decide(self.arming, readiness, self.board.armed, steady_ns)
        self._note(steady_ns, conditions, readiness, wish)
        return wish

    def _note(self, steady_ns: int, conditions: Conditions, readiness: Readiness, wish: bool | None) -> None:
        self.last = WatchTick(
            sequence=1 if self.last is None else self.last.sequence + 1,
            begins=self.last is None,
            automatic=self.arming.automatic,
            steady_ns=steady_ns,
            conditions=conditions,
            readiness=readiness,
            armed=self.board.armed,
            granted_ns=tuple(self._granted_ns),
            rung=self.ladder.rung,
            reason=self.ladder.reason,
            wish=wish,
        )
        self._granted_ns.clear()

    def may_call(self, steady_ns: int) -> bool:
        """Whether a call may go out: none is under way, or it has waited for half a second."""
        if self._asked_ns is not None and steady_ns - self._asked_ns < _CALL_PATIENCE_NS:
            return False
        self._asked_ns = steady_ns
        return True

    def answered(self, arm: bool, success: bool, steady_ns: int) -> None:
        """The board's answer to a call."""
        self._asked_ns = None
        if arm and success:
            self.arming.granted(steady_ns)
            self._granted_ns.append(steady_ns)


def ladder_limits(contract: Contract) -> Limits:
    """The contract's thresholds as the ladder wants them."""
    limits = contract.ladder
    return Limits(
        limits.reduced_skip_ratio,
        limits.hold_perception_age_ms,
        limits.safe_link_silence_ms,
        limits.recover_ms,
    )


def decide(arming: ArmingPolicy, readiness: Readiness, armed: bool, steady_ns: int) -> bool | None:
    """True to ask the board to arm now, False to disarm, None for neither."""
    if arming.stopped and armed:
        return False
    return True if arming.wants_to_arm(readiness, armed, steady_ns) else None
