"""The four rungs on which the robot stands, as one table: which condition leads where, and when it may climb."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Rung(IntEnum):
    """How much the robot may do; a higher number means less."""

    NOMINAL = 0
    REDUCED = 1
    HOLD = 2
    SAFE = 3


@dataclass(frozen=True)
class Conditions:
    """What the supervisor knows at one moment. Ages in ms; infinity means never seen."""

    perception_age_ms: float
    link_age_ms: float
    skip_ratio: float  # of frames in the last second
    board_rung: Rung
    stop_requested: bool = False


@dataclass(frozen=True)
class Limits:
    """Thresholds of the contract's ``ladder`` section."""

    reduced_skip_ratio: float
    hold_perception_age_ms: float
    safe_link_silence_ms: float
    recover_ms: float


def demanded(conditions: Conditions, limits: Limits) -> tuple[Rung, str]:
    """The lowest rung that any condition demands, and why. One row a condition, worst first."""
    rows = (
        (conditions.stop_requested, Rung.SAFE, "stop requested"),
        (conditions.link_age_ms > limits.safe_link_silence_ms, Rung.SAFE, "link silent"),
        (conditions.board_rung is Rung.SAFE, Rung.SAFE, "board is safe"),
        (conditions.perception_age_ms > limits.hold_perception_age_ms, Rung.HOLD, "perception stale"),
        (conditions.board_rung is Rung.HOLD, Rung.HOLD, "board holds"),
        (conditions.skip_ratio > limits.reduced_skip_ratio, Rung.REDUCED, "frames skipped"),
    )
    for holds, rung, reason in rows:
        if holds:
            return rung, reason
    return Rung.NOMINAL, ""


class Ladder:
    """Down at once, up only after the better state has held for ``recover_ms``. Pure: time is an argument."""

    def __init__(self, limits: Limits, now_ns: int) -> None:
        self._limits = limits
        self.rung = Rung.SAFE
        self.reason = "starting"
        self._better_since_ns: int | None = None
        self._entered_ns = now_ns
        self._nanoseconds_in = dict.fromkeys(Rung, 0)

    def update(self, conditions: Conditions, now_ns: int) -> Rung:
        """Advance to ``now_ns`` and return the rung that holds from now on."""
        wanted, reason = demanded(conditions, self._limits)
        if wanted >= self.rung:
            self._better_since_ns = None
            self._enter(wanted, reason, now_ns)
            return self.rung
        if self._better_since_ns is None:
            self._better_since_ns = now_ns
        if now_ns - self._better_since_ns >= self._limits.recover_ms * 1_000_000:
            self._better_since_ns = None
            self._enter(wanted, reason, now_ns)
        return self.rung

    def seconds_in(self, now_ns: int) -> dict[str, float]:
        """Seconds spent on each rung so far."""
        spent = dict(self._nanoseconds_in)
        spent[self.rung] += now_ns - self._entered_ns
        return {rung.name: round(spent[rung] / 1e9, 3) for rung in Rung}

    def _enter(self, rung: Rung, reason: str, now_ns: int) -> None:
        self._nanoseconds_in[self.rung] += now_ns - self._entered_ns
        self._entered_ns = now_ns
        self.rung = rung
        self.reason = reason
