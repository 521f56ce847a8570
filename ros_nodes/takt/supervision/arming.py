"""When the supervisor may ask the board to arm. The board itself has the last word."""

from __future__ import annotations

from dataclasses import dataclass

_MINUTE_NS = 60_000_000_000
_RETRY_NS = 500_000_000


@dataclass(frozen=True)
class Readiness:
    """What must be well before motors may move."""

    nodes_active: bool
    link_fresh: bool
    perception_fresh: bool
    clock_locked: bool
    contract_matches: bool
    board_fault: str = ""

    def missing(self) -> str:
        """The first thing that is not well; empty when all is."""
        rows = (
            (self.nodes_active, "nodes not active"),
            (self.link_fresh, "no fresh word from the board"),
            (self.contract_matches, "the board was built from another contract"),
            (self.clock_locked, "the board's clock is not locked"),
            (self.perception_fresh, "no fresh frame with detections"),
            (not self.board_fault, f"board fault: {self.board_fault}"),
        )
        return next((reason for well, reason in rows if not well), "")


class ArmingPolicy:
    """Decides whether to send an arm request now.

    ``automatic``: once at the start and again after SAFE, at most ``per_minute`` times a minute. ``operator``: never
    by itself. After a stop request it never arms until ``resume``.
    """

    def __init__(self, rearm: str, per_minute: int) -> None:
        if rearm not in ("automatic", "operator"):
            raise ValueError(f"rearm must be automatic or operator, got {rearm!r}")
        self.automatic = rearm == "automatic"
        self.stopped = False
        self.per_minute = per_minute
        self._granted_ns: list[int] = []
        self._asked_ns: int | None = None

    def stop(self) -> None:
        """A person said stop: nothing arms by itself any more."""
        self.stopped = True

    def resume(self) -> None:
        """A person took the stop back."""
        self.stopped = False

    def wants_to_arm(self, readiness: Readiness, armed: bool, now_ns: int) -> bool:
        """True when an arm request should go out now. A request without an answer may be repeated after 0.5 s."""
        if armed or self.stopped or not self.automatic or readiness.missing():
            return False
        self._granted_ns = [ns for ns in self._granted_ns if now_ns - ns < _MINUTE_NS]
        if len(self._granted_ns) > self.per_minute:  # the first arming of a start is not a repetition
            return False
        if self._asked_ns is not None and now_ns - self._asked_ns < _RETRY_NS:
            return False
        self._asked_ns = now_ns
        return True

    def granted(self, now_ns: int) -> None:
        """The board armed on our request."""
        self._granted_ns.append(now_ns)
