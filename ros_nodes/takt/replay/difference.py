"""Where thinking a recorded run again came to something else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

_KEPT = 20


@dataclass(frozen=True)
class Difference:
    """``at_s`` since the recording's beginning."""

    at_s: float
    what: str
    recorded: str
    again: str

    def __str__(self) -> str:
        return f"{self.at_s:.3f} s: {self.what} was {self.recorded}, is {self.again}"


@dataclass
class Comparison:
    """``ticks`` were compared; ``unknown`` could not be, since what came before them is not in the recording.

    ``largest`` holds the largest difference of each number, ``first`` the first differences in full.
    """

    logic: str
    ticks: int = 0
    differing: int = 0
    unknown: int = 0
    lost: int = 0
    largest: dict[str, float] = field(default_factory=dict)
    first: list[Difference] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Something was compared, and all of it was the same."""
        return self.ticks > 0 and self.differing == 0

    def take(self, found: list[Difference]) -> None:
        """One tick's differences."""
        self.ticks += 1
        self.differing += bool(found)
        self.first += found[: max(0, _KEPT - len(self.first))]

    def widen(self, name: str, by: float) -> None:
        self.largest[name] = max(self.largest.get(name, 0.0), by)

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"agrees": self.agrees, "first": [str(one) for one in self.first]}
