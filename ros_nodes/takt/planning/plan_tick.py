"""All that one tick of the planner took in, and the command that came of it: enough to think it again elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.deadlines import Rung
from takt.planning.follower import Command, Observation

Joints = tuple[float, float, int]  # left and right wheel, rad; stamp, ROS ns


@dataclass(frozen=True)
class SeenBoxes:
    """Detections as they were; (n, 4) in px, (n,), (n,)."""

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]


@dataclass(frozen=True)
class PlanTick:
    """``begins``: the follower was made anew before this tick; ``node``: the wheels' odometry too.

    ``joints`` came since the tick before, in order. ``observation`` stands only where it is another one than at the
    tick before; ``looked`` is False before there was any. Numbers survive ``to_json`` bit by bit.
    """

    sequence: int
    begins: str  # "", "follower" or "node"
    now_ns: int
    rung: Rung
    joints: tuple[Joints, ...]
    observation: Observation | None
    looked: bool
    command: Command

    def to_json(self) -> str:
        """One line, without a line break."""
        command = self.command
        values: dict[str, Any] = {
            "sequence": self.sequence,
            "begins": self.begins,
            "now_ns": self.now_ns,
            "rung": self.rung.name,
            "joints": self.joints,
            "looked": self.looked,
            "command": [command.stamp_ns, command.speed_m_s, command.yaw_rate_rad_s, command.reason],
        }
        if self.observation is not None:
            seen = self.observation.detections
            values["observation"] = {
                "stamp_ns": self.observation.capture_stamp_ns,
                "boxes": np.asarray(seen.boxes_xyxy_px, np.float64).tolist(),
                "scores": np.asarray(seen.scores, np.float64).tolist(),
                "classes": np.asarray(seen.class_ids).tolist(),
            }
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> PlanTick:
        """Raises ValueError, TypeError or KeyError for anything that ``to_json`` did not write."""
        values = json.loads(text)
        seen = values.get("observation")
        return cls(
            int(values["sequence"]),
            str(values["begins"]),
            int(values["now_ns"]),
            Rung[values["rung"]],
            tuple((float(left), float(right), int(stamp)) for left, right, stamp in values["joints"]),
            None if seen is None else _observation(seen),
            bool(values["looked"]),
            Command(*values["command"]),
        )


def _observation(seen: dict[str, Any]) -> Observation:
    boxes = np.array(seen["boxes"], np.float32).reshape(-1, 4)
    scores, classes = np.array(seen["scores"], np.float32), np.array(seen["classes"], np.int32)
    return Observation(int(seen["stamp_ns"]), SeenBoxes(boxes, scores, classes))


@dataclass
class PlanNotes:
    """Gathers a tick's inputs as they come; ``begins`` and ``joints`` are emptied by :meth:`tick`."""

    begins: str = "node"
    joints: list[Joints] = field(default_factory=list)
    _sequence: int = 0
    _seen_ns: int | None = None

    def restart(self) -> None:
        """The follower was made anew."""
        self.begins = self.begins or "follower"
        self._seen_ns = None

    def tick(self, observation: Observation | None, rung: Rung, now_ns: int, command: Command) -> PlanTick:
        self._sequence += 1
        stamp_ns = None if observation is None else observation.capture_stamp_ns
        news = observation if stamp_ns != self._seen_ns else None
        made = PlanTick(
            self._sequence,
            self.begins,
            now_ns,
            rung,
            tuple(self.joints),
            news,
            observation is not None,
            command,
        )
        self._seen_ns, self.begins = stamp_ns, ""
        self.joints.clear()
        return made
