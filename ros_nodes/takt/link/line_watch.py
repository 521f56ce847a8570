"""What a line did to the messages on it, as evidence for a command that was applied late. Pure.

Three things tell a slow line from a lossy one and from a board whose link thread stands still: how old the board's
messages are when they come, whether some are missing, and how long nothing came.
"""

from __future__ import annotations

from collections import deque

_KEPT = 256
_USUAL_GAP_NS = 15_000_000  # the board speaks 100 times a second
_AGES = 500  # five seconds of wheel angles: the least of them is what the line takes when all is well


class LineWatch:
    """``heard`` for every message, ``aged`` for those with a stamp, ``counted`` for the line's running counts."""

    def __init__(self) -> None:
        self._heard_ns = 0
        self._gaps: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # end, length
        self._ages: deque[tuple[int, int]] = deque(maxlen=_AGES)  # when, age
        self._losses: deque[tuple[int, int]] = deque(maxlen=_KEPT)  # when, how many
        self._board_late: deque[int] = deque(maxlen=_KEPT)
        self._lost = -1

    def heard(self, now_ns: int) -> None:
        """Bytes of a whole message came; ``now_ns`` of the steady clock, as everywhere here."""
        gap_ns = now_ns - self._heard_ns
        if self._heard_ns and gap_ns > _USUAL_GAP_NS:
            self._gaps.append((now_ns, gap_ns))
        self._heard_ns = now_ns

    def aged(self, now_ns: int, age_ns: int) -> None:
        """A stamped message came at this age, by ROS time."""
        self._ages.append((now_ns, age_ns))

    def board_missed(self, now_ns: int) -> None:
        """The board reported a miss of its own."""
        self._board_late.append(now_ns)

    def counted(self, now_ns: int, lost: int) -> None:
        """So many messages are missing, damaged or repeated since the start."""
        if self._lost >= 0 and lost > self._lost:
            self._losses.append((now_ns, lost - self._lost))
        self._lost = lost

    def between(self, begin_ns: int, now_ns: int) -> dict[str, float]:
        """Evidence from ``begin_ns`` to ``now_ns``, which is now: losses, the longest silence, and how much older than
        usual messages were."""
        lost = sum(number for when, number in list(self._losses) if when >= begin_ns)
        evidence: dict[str, float] = {"link_lost": lost}
        if lost:
            evidence["link_loss_ms"] = (now_ns - begin_ns) / 1e6
        if any(when >= begin_ns for when in list(self._board_late)):
            evidence["board_late_ms"] = (now_ns - begin_ns) / 1e6
        gaps = [gap for end, gap in list(self._gaps) if end >= begin_ns]
        open_ns = now_ns - self._heard_ns if self._heard_ns else 0
        if open_ns > _USUAL_GAP_NS:
            evidence["line_is_silent"] = 1.0  # and whether something is lost shows when it speaks again
        gaps.append(open_ns)
        silence_ns = max(gaps, default=0)
        evidence["link_silence_ms"] = silence_ns / 1e6 if silence_ns > _USUAL_GAP_NS else 0.0
        ages = list(self._ages)
        usual_ns = min((age for _, age in ages), default=0)
        worst_ns = max((age for when, age in ages if when >= begin_ns), default=usual_ns)
        evidence["link_delay_ms"] = (worst_ns - usual_ns) / 1e6
        return evidence


class AnswerWatch:
    """Which commands were applied, and when; the deadline from the last byte written to the first application.

    A command is repeated while its observation is the newest. One that was applied in time after a repetition, and not
    after the first, was lost the first time.

    Only while the board applies what it gets: a board that holds or is not armed owes no answer.
    """

    def __init__(self, budget_ns: int, grace_ns: int = 25_000_000, fresh_ns: int = 1_000_000_000) -> None:
        self._budget_ns, self._grace_ns, self._fresh_ns = budget_ns, grace_ns, fresh_ns
        self._waiting: dict[int, int] = {}  # observation stamp -> first written, ROS ns
        self._newest = (0, 0)  # observation stamp, and when a command that rests on it was last written
        self._answered_ns = -fresh_ns

    def written(self, observed_ns: int, written_ns: int) -> None:
        """A command that rests on this observation left."""
        repeats, self._newest = observed_ns == self._newest[0], (observed_ns, written_ns)
        if not repeats and written_ns - self._answered_ns < self._fresh_ns:
            self._waiting[observed_ns] = written_ns

    def answer(
        self, observed_ns: int, applied_ns: int, applied: bool, now_ns: int
    ) -> tuple[int, int, bool] | None:
        """The board's report on an observation. Returns (first written, applied, whether a repetition was in time) when
        that was late."""
        if applied:
            self._answered_ns = now_ns
        written_ns = self._waiting.pop(observed_ns, None)
        for older in [stamp for stamp in self._waiting if stamp < observed_ns]:
            del self._waiting[older]  # overtaken by a newer observation: never applied by itself
        if written_ns is None or not applied or applied_ns - written_ns <= self._budget_ns:
            return None
        repeated = self._newest[0] == observed_ns and self._newest[1] > written_ns
        return written_ns, applied_ns, repeated and 0 <= applied_ns - self._newest[1] <= self._budget_ns

    def overdue(self, now_ns: int) -> list[int]:
        """When each command was written that has waited beyond its deadline and the time that a report may take."""
        limit_ns = self._budget_ns + self._grace_ns
        late = [stamp for stamp, written_ns in self._waiting.items() if now_ns - written_ns > limit_ns]
        return [self._waiting.pop(stamp) for stamp in late]
