"""Judges a run from the plant's log: was the target kept in sight and at its distance, was anything touched.

Truth comes from each frame's state in the log, drawn again where something could stand before the target; it never
comes from anything that the robot said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.simulation import plant_log
from takt.simulation.camera import show
from takt.simulation.scenario import Scenario
from takt.simulation.scene import TARGET_MOCAP, build
from takt.simulation.scene_camera import SceneCamera, Sighting

IOU_LIMIT = 0.5
HIDDEN_LIMIT = 0.5
_SAME_STATE_NS = 2_500_000
_SAME_CONTACT_NS = 500_000_000  # a touch that lets go for less than this is one contact
_PATH_STEP = 10  # records: 20 ms, so that the physics' tremble does not add up to a way


class SeenFrame(Protocol):
    """One captured frame: its stamp in ROS ns and the target boxes (k, 4) in px that were attached to it."""

    @property
    def capture_stamp_ns(self) -> int: ...
    @property
    def target_boxes(self) -> NDArray[np.floating[Any]]: ...


@dataclass(frozen=True)
class Verdicts:
    """Per frame, in order of their stamps: was the target seen, and was it hidden behind something (left out)."""

    stamp_ns: NDArray[np.int64]
    seen: NDArray[np.bool_]
    hidden: NDArray[np.bool_]
    unmatched: int  # frames whose state is not in the log: they count as not seen


def score(
    log_path: Path,
    seed: int,
    frames: Sequence[SeenFrame],
    from_s: float,
    until_ns: int | None = None,
    contract: takt.contract.Contract | None = None,
) -> dict[str, Any]:
    """The ``mission`` part of a run's report.

    Time counts from the beginning of the target's motion: visibility and distance from ``from_s`` on, ways, contacts
    and occlusions from 0. The end is ``until_ns`` (ROS ns), by default the last frame or the last armed state,
    whichever is later. Raises TaktError when the log is missing or of another version.
    """
    contract = contract or takt.contract.load()
    records = plant_log.records_of(log_path)
    moving = records[records["target_in_motion"]]
    frames = sorted(frames, key=lambda frame: frame.capture_stamp_ns)
    if len(moving) == 0:
        nothing = Verdicts(np.empty(0, np.int64), np.empty(0, bool), np.empty(0, bool), 0)
        return _report(nothing, moving, moving, contract.planning.follow_distance_m)
    began_ns = int(moving["stamp_ns"][0])
    end_ns = _end_of_run(moving, frames) if until_ns is None else until_ns
    moving = moving[moving["stamp_ns"] <= end_ns]
    in_time = [frame for frame in frames if began_ns <= frame.capture_stamp_ns <= end_ns]
    verdicts = _judge(records, seed, in_time, contract)
    scored = moving[moving["stamp_ns"] >= began_ns + round(from_s * 1e9)]
    return _report(verdicts, moving, scored, contract.planning.follow_distance_m)


def judge_frame(sighting: Sighting, boxes: NDArray[np.floating[Any]]) -> tuple[bool, bool]:
    """(seen, hidden). Hidden: more than half of the whole target is behind something. Out of view is not hidden."""
    hidden = sighting.hidden_px > HIDDEN_LIMIT * sighting.whole_px
    if sighting.box_xyxy_px is None or len(boxes) == 0:
        return False, hidden
    return bool(best_iou(np.asarray(sighting.box_xyxy_px), boxes) >= IOU_LIMIT), hidden


def best_iou(truth: NDArray[np.floating[Any]], boxes: NDArray[np.floating[Any]]) -> float:
    """Largest intersection over union of ``truth`` (4,) with ``boxes`` (k, 4), k at least 1."""
    low, high = np.maximum(truth[:2], boxes[:, :2]), np.minimum(truth[2:], boxes[:, 2:4])
    shared = np.prod(np.clip(high - low, 0.0, None), axis=1)
    whole = np.prod(truth[2:] - truth[:2]) + np.prod(boxes[:, 2:4] - boxes[:, :2], axis=1) - shared
    return float((shared / np.maximum(whole, 1e-9)).max())


def count_contacts(stamp_ns: NDArray[np.int64], touched: NDArray[np.uint32]) -> int:
    """Distinct contacts: for each thing, touches that are at least half a second apart."""
    contacts = 0
    for bit in range(32):
        times = stamp_ns[(touched >> bit) & 1 == 1]
        if len(times):
            contacts += 1 + int(np.count_nonzero(np.diff(times) > _SAME_CONTACT_NS))
    return contacts


def spells_s(stamp_ns: NDArray[np.int64], holds: NDArray[np.bool_]) -> list[float]:
    """Lengths in seconds of the runs of frames for which something holds; one frame lasts until the next."""
    lengths, began = [], None
    for index, held in enumerate(holds.tolist()):
        if held and began is None:
            began = index
        if not held and began is not None:
            lengths.append(round(float(stamp_ns[index] - stamp_ns[began]) * 1e-9, 3))
            began = None
    if began is not None:
        lengths.append(round(float(stamp_ns[-1] - stamp_ns[began]) * 1e-9, 3))
    return lengths


def _judge(
    records: NDArray[np.void], seed: int, frames: Sequence[SeenFrame], contract: takt.contract.Contract
) -> Verdicts:
    stamps = records["stamp_ns"]
    robot = contract.robot
    scene = build(Scenario.from_seed(seed, contract).scene_spec(), robot)
    seen, hidden = np.zeros(len(frames), bool), np.zeros(len(frames), bool)
    unmatched = 0
    with SceneCamera(scene, robot.camera_width_px, robot.camera_height_px) as camera:
        for index, frame in enumerate(frames):
            record = records[_nearest(stamps, frame.capture_stamp_ns)]
            if abs(int(record["stamp_ns"]) - frame.capture_stamp_ns) > _SAME_STATE_NS:
                unmatched += 1
                continue
            show(scene, record)
            seen[index], hidden[index] = judge_frame(
                camera.sighting(scene.data, TARGET_MOCAP), frame.target_boxes
            )
    return Verdicts(np.array([frame.capture_stamp_ns for frame in frames], np.int64), seen, hidden, unmatched)


def _report(
    verdicts: Verdicts, moving: NDArray[np.void], scored: NDArray[np.void], follow_distance_m: float
) -> dict[str, Any]:
    begin_ns = int(scored["stamp_ns"][0]) if len(scored) else 0
    counted = (verdicts.stamp_ns >= begin_ns) & ~verdicts.hidden
    ratio = float(verdicts.seen[counted].mean()) if counted.any() else 0.0
    error_m = np.abs(
        np.hypot(scored["robot_x_m"] - scored["target_x_m"], scored["robot_y_m"] - scored["target_y_m"])
        - follow_distance_m
    )
    return {
        "target_visible_ratio": round(ratio, 4),
        "distance_error_m": {
            "p50": round(float(np.percentile(error_m, 50)), 3) if len(error_m) else None,
            "p95": round(float(np.percentile(error_m, 95)), 3) if len(error_m) else None,
        },
        "target_path_m": _way_m(moving["target_x_m"], moving["target_y_m"]),
        "robot_path_m": _way_m(moving["robot_x_m"], moving["robot_y_m"]),
        "collisions": count_contacts(moving["stamp_ns"], moving["touched"]),
        "frames_counted": int(np.count_nonzero(counted)),
        "frames_left_out": int(np.count_nonzero(verdicts.hidden & (verdicts.stamp_ns >= begin_ns))),
        "frames_unmatched": verdicts.unmatched,
        "occlusions": spells_s(verdicts.stamp_ns, verdicts.hidden),
    }


def _end_of_run(moving: NDArray[np.void], frames: Sequence[SeenFrame]) -> int:
    armed = moving["stamp_ns"][moving["armed"]]
    ends = [int(armed[-1])] if len(armed) else []
    return max(
        [*ends, *(frame.capture_stamp_ns for frame in frames[-1:])], default=int(moving["stamp_ns"][-1])
    )


def _nearest(stamps: NDArray[np.int64], stamp_ns: int) -> int:
    after = min(int(np.searchsorted(stamps, stamp_ns)), len(stamps) - 1)
    before = max(after - 1, 0)
    return before if stamp_ns - int(stamps[before]) < int(stamps[after]) - stamp_ns else after


def _way_m(x_m: NDArray[np.float64], y_m: NDArray[np.float64]) -> float:
    return round(float(np.hypot(np.diff(x_m[::_PATH_STEP]), np.diff(y_m[::_PATH_STEP])).sum()), 3)
