"""What a person at the page may ask of the robot, as the server sees it. The node behind carries it out."""

from __future__ import annotations

import math
from concurrent.futures import Future
from dataclasses import asdict, dataclass
from typing import Any, Protocol

ORDERS = ("resume", "clear_fault", "arm")


@dataclass(frozen=True)
class Answer:
    """``done`` is what the robot said; ``words`` are its own where it gave any."""

    done: bool
    words: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class ParameterRow:
    """One parameter as the board describes it; ``value`` is what it has now, ``constraints`` its own words.

    ``low`` and ``high`` are infinite, ``step`` 0, where the board names none.
    """

    name: str
    value: float
    whole: bool
    low: float
    high: float
    step: float
    read_only: bool
    purpose: str
    constraints: str

    def as_json(self) -> dict[str, Any]:
        """JSON has no infinity and no NaN: None stands for them."""
        return {key: _plain(value) for key, value in asdict(self).items()}


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


class Orders(Protocol):
    """Called in the server's thread; each returns at once."""

    def stop(self) -> None:
        """Stop the robot, and go on asking until everybody who must has said yes."""

    def order(self, name: str) -> Future[Answer]:
        """One of ORDERS, asked once and now or not at all: nothing that moves the robot is kept for later."""

    def read_parameters(self) -> Future[list[ParameterRow]]:
        """The board's parameters; LookupError when it does not answer."""

    def set_parameter(self, name: str, value: float) -> Future[Answer]:
        """Set one; the answer carries the board's refusal in its own words."""
