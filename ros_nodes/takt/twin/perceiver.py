"""Camera and detector as the twin's host has them: frames on a grid, one worked on at a time, none ever queued."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from takt.contract import Contract
from takt.planning.follower import Observation
from takt.twin.episode import MS, SECOND, Sight
from takt.twin.eye import Boxes, nothing
from takt.twin.process import Process

_CAMERA_RESTART_NS = 1_800 * MS
_DETECTOR_RESTART_NS = 1_500 * MS
_REMEMBERED = 300


@dataclass(frozen=True)
class Picture:
    """A frame in the ring. ``ready_ns``: when its pixels stand there (twin time)."""

    stamp_ns: int  # ROS time of the capture
    ready_ns: int
    boxes: Boxes


@dataclass
class Seen:
    """Counts for the mission: frames, those in which the target was hidden, and found where it was not."""

    frames: int = 0
    hidden: int = 0
    found: int = 0


class Perceiver:
    """``look`` draws the boxes of the scene as it is now. Its faults are plain attributes."""

    def __init__(
        self, contract: Contract, sight: Sight, look: Callable[[], Boxes], rng: np.random.Generator
    ) -> None:
        self.camera = Process("camera", _CAMERA_RESTART_NS)
        self.detector = Process("detector", _DETECTOR_RESTART_NS)
        self.unplugged = self.covered = self.blind = False
        self.capture_factor = self.detect_factor = 1.0
        self.ghost: tuple[float, float, float, float] | None = None
        self.skipped = 0
        self.done = 0
        self.seen = Seen()
        self.counts_from_ns: int | None = None
        self._sight, self._look, self._rng = sight, look, rng
        self._period_ns = SECOND // contract.robot.camera_rate_hz
        self._budget_ns = contract.stages["detect"].budget_ms * MS
        self.taken_ns: dict[int, int] = {}  # capture stamp -> twin time, of the last frames
        self.target_seen_ns = 0  # when the newest frame was taken whose results showed a target
        self._frame: Picture | None = None
        self._taken: Picture | None = None
        self._busy_until_ns = 0
        self._frame_ns = self._period_ns  # when the sensor gives its next picture
        self._camera_busy_until_ns = 0
        self._newest: Observation | None = None

    def newest(self) -> Observation | None:
        """The newest frame with results in the ring; a dead detector leaves the last one there."""
        return self._newest

    def perception_age_ms(self, ros_ns: int) -> float:
        return float("inf") if self._newest is None else (ros_ns - self._newest.capture_stamp_ns) / MS

    def advance(self, now_ns: int, ros_ns: int) -> None:
        if now_ns >= self._frame_ns:
            self._frame_ns += self._period_ns
            self._capture(now_ns, ros_ns)
        if self._taken is not None or self._frame is not None:
            self._detect(now_ns, ros_ns)

    def _capture(self, now_ns: int, ros_ns: int) -> None:
        if not self.camera.runs(now_ns) or self.unplugged or now_ns < self._camera_busy_until_ns:
            return
        self.camera.just_restarted(now_ns)
        takes_ns = self._takes(self._sight.capture_ms * self.capture_factor)
        self._camera_busy_until_ns = now_ns + takes_ns
        boxes = nothing() if self.covered else self._look()
        self._frame = Picture(ros_ns, now_ns + takes_ns, boxes)
        self.taken_ns[ros_ns] = now_ns
        if len(self.taken_ns) > _REMEMBERED:
            del self.taken_ns[next(iter(self.taken_ns))]
        if self.counts_from_ns is not None and now_ns >= self.counts_from_ns:
            self.seen.frames += 1
            self.seen.hidden += boxes.hidden
            self.seen.found += boxes.shows_target and not boxes.hidden

    def _detect(self, now_ns: int, ros_ns: int) -> None:
        if not self.detector.runs(now_ns):
            if self.detector.is_dead(now_ns):
                self._taken = None
            return
        self.detector.just_restarted(now_ns)
        if self._taken is not None and now_ns >= self._busy_until_ns:
            self.done += 1
            found = self._detections(self._taken.boxes)
            self._newest = Observation(self._taken.stamp_ns, found)
            if found.shows_target:
                self.target_seen_ns = self.taken_ns.get(self._taken.stamp_ns, self.target_seen_ns)
            self._taken = None
        frame = self._frame
        if self._taken is None and frame is not None and now_ns >= frame.ready_ns:
            self._frame = None
            if ros_ns - frame.stamp_ns > self._budget_ns:
                self.skipped += 1
                return
            self._taken = frame
            self._busy_until_ns = now_ns + self._takes(self._sight.detect_ms * self.detect_factor)

    def _detections(self, boxes: Boxes) -> Boxes:
        if self.blind:
            return nothing(boxes.hidden)
        if self.ghost is None:
            return boxes
        box = np.array([self.ghost], np.float32)
        return Boxes(
            np.concatenate((boxes.boxes_xyxy_px, box)),
            np.append(boxes.scores, np.float32(0.95)),
            np.append(boxes.class_ids, np.int32(0)),
            boxes.hidden,
        )

    def _takes(self, mean_ms: float) -> int:
        return max(MS, round((mean_ms + self._rng.uniform(0.0, self._sight.jitter_ms)) * MS))
