"""What the supervisor's judgement took in at one tick, and what it decided: enough to judge again elsewhere."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

from takt.deadlines import Conditions, Rung
from takt.supervision.arming import Readiness


@dataclass(frozen=True)
class WatchTick:
    """``granted_ns``: steady times at which the board armed on request since the tick before.

    ``begins``: the supervisor was started before this tick; ``automatic``: it may arm by itself. ``wish``: True to arm,
    False to disarm, None for neither.
    """

    sequence: int
    begins: bool
    automatic: bool
    steady_ns: int
    conditions: Conditions
    readiness: Readiness
    armed: bool
    granted_ns: tuple[int, ...]
    rung: Rung
    reason: str
    wish: bool | None

    def to_json(self) -> str:
        """One line, without a line break. An age that is infinite becomes null."""
        values = asdict(self) | {"rung": self.rung.name}
        conditions = values["conditions"]
        conditions["board_rung"] = self.conditions.board_rung.name
        for key in ("perception_age_ms", "link_age_ms"):
            if not math.isfinite(conditions[key]):
                conditions[key] = None
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> WatchTick:
        """Raises ValueError, TypeError or KeyError for anything that ``to_json`` did not write."""
        values = json.loads(text)
        conditions = values["conditions"]
        for key in ("perception_age_ms", "link_age_ms"):
            if conditions[key] is None:
                conditions[key] = math.inf
        conditions["board_rung"] = Rung[conditions["board_rung"]]
        return cls(
            int(values["sequence"]),
            bool(values["begins"]),
            bool(values["automatic"]),
            int(values["steady_ns"]),
            Conditions(**conditions),
            Readiness(**values["readiness"]),
            bool(values["armed"]),
            tuple(int(one) for one in values["granted_ns"]),
            Rung[values["rung"]],
            str(values["reason"]),
            values["wish"],
        )
