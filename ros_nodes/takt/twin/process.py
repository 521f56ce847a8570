"""A host process as the twin sees it: it runs, is frozen, or is dead until its supervisor has started it again."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Process:
    """``restart_ns``: from the kill until it works again, as measured on the real processes (docs/proofs.md)."""

    name: str
    restart_ns: int
    _dead_until_ns: int = 0
    _frozen_until_ns: int = 0
    _out_until_ns: int = 0  # the later of the two
    _was_dead: bool = False

    def kill(self, now_ns: int) -> None:
        self._out_until_ns = self._dead_until_ns = now_ns + self.restart_ns
        self._frozen_until_ns = 0
        self._was_dead = True

    def freeze(self, until_ns: int) -> None:
        """As SIGSTOP: nothing is done until then, nothing is forgotten."""
        self._frozen_until_ns = max(self._frozen_until_ns, until_ns)
        self._out_until_ns = max(self._dead_until_ns, self._frozen_until_ns)

    def is_dead(self, now_ns: int) -> bool:
        return now_ns < self._dead_until_ns

    def runs(self, now_ns: int) -> bool:
        return now_ns >= self._out_until_ns

    def is_sound(self, now_ns: int) -> bool:
        """It runs, and has breathed since it was last killed."""
        return now_ns >= self._out_until_ns and not self._was_dead

    def just_restarted(self, now_ns: int) -> bool:
        """True once, at its first breath after a kill."""
        if self._was_dead and self.runs(now_ns):
            self._was_dead = False
            return True
        return False
