"""Perception's own steps: when frames do not fit the time there is, look less closely rather than less often.

A step is a way to look at a frame and what that costs, measured when the node is configured. Steps stand in order of
their cost; one that is not cheaper than the step before it is left out. Down goes at once, after two frames under
pressure; up only when the better step would have fitted for a while (hysteresis). Pure: time is an argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

_CHEAPER = 0.9  # of the step before it, or a step is not worth its loss
_PRESSED_FRAMES = 2
_ROOM = 0.7  # of the budget that a better step may be expected to take
_UP_AFTER_MS = 1000.0


@dataclass(frozen=True)
class Step:
    """``cost_ms`` of one frame; ``every`` nth frame is looked at."""

    name: str
    cost_ms: float
    every: int = 1

    @property
    def load_ms(self) -> float:
        """What the step costs for each frame that comes."""
        return self.cost_ms / self.every


def in_order(steps: Sequence[Step]) -> tuple[list[Step], list[Step]]:
    """The steps worth having, from the best look to the cheapest, and those left out. The first is always kept.

    ``steps`` come in order of what they see; the answer keeps that order, each clearly cheaper than the one before.
    """
    kept, left_out = [steps[0]], []
    for step in steps[1:]:
        if step.load_ms <= _CHEAPER * kept[-1].load_ms:
            kept.append(step)
        else:
            left_out.append(step)
    return kept, left_out


class Quality:
    """``after`` each frame tells which step holds for the next one. ``changes`` counts by step entered."""

    def __init__(
        self, steps: Sequence[Step], budget_ms: float, tell: Callable[[str], object] = lambda line: None
    ) -> None:
        self.steps, left_out = in_order(steps)
        self._budget_ms, self._tell = budget_ms, tell
        self.index = 0
        self.changes: dict[str, int] = {}
        self._pressed = 0
        self._calm_since_ns: int | None = None
        order = " > ".join(f"{step.name} {step.load_ms:.1f} ms" for step in self.steps)
        dropped = f"; not cheaper, left out: {', '.join(step.name for step in left_out)}" if left_out else ""
        tell(f"quality steps: {order}{dropped}")

    @property
    def step(self) -> Step:
        return self.steps[self.index]

    def after(self, took_ms: float, skipped: bool, now_ns: int) -> Step:
        """One frame is done in ``took_ms``, or was ``skipped`` since it came too late; returns the step from now on."""
        if skipped or took_ms > self._budget_ms:
            self._calm_since_ns = None
            self._pressed += 1
            if self._pressed >= _PRESSED_FRAMES and self.index + 1 < len(self.steps):
                self._enter(self.index + 1, "too late" if skipped else f"{took_ms:.0f} ms a frame")
            return self.step
        self._pressed = 0
        if self.index == 0 or not self._better_would_fit(took_ms):
            self._calm_since_ns = None
        elif self._calm_since_ns is None:
            self._calm_since_ns = now_ns
        elif now_ns - self._calm_since_ns >= _UP_AFTER_MS * 1e6:
            self._enter(self.index - 1, "there is time again")
        return self.step

    def _better_would_fit(self, took_ms: float) -> bool:
        """Scaled by what this frame took against what its step should take: a slow machine is slow for every step."""
        slower = max(1.0, took_ms / self.step.cost_ms)
        return slower * self.steps[self.index - 1].cost_ms <= _ROOM * self._budget_ms

    def _enter(self, index: int, why: str) -> None:
        self.index, self._pressed, self._calm_since_ns = index, 0, None
        self.changes[self.step.name] = self.changes.get(self.step.name, 0) + 1
        self._tell(f"perception looks {self.step.name}: {why}")
