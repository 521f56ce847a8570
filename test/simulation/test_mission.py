"""The judge, on runs made by hand."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

import takt.contract
from takt.errors import TaktError
from takt.simulation import mission
from takt.simulation.camera import show
from takt.simulation.plant import Plant
from takt.simulation.plant_log import PlantLog
from takt.simulation.plant_record import RECORD
from takt.simulation.scenario import Scenario
from takt.simulation.scene import TARGET_MOCAP, build
from takt.simulation.scene_camera import SceneCamera, Sighting

CONTRACT = takt.contract.load()
SCENARIO = Scenario.from_seed(4, CONTRACT)
T0_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000
MS_20 = 20_000_000
FOLLOW_M = CONTRACT.planning.follow_distance_m


@dataclass(frozen=True)
class Frame:
    capture_stamp_ns: int
    target_boxes: np.ndarray


NO_BOXES = np.empty((0, 4), np.float32)


def sighting(
    box: tuple[float, float, float, float] | None, visible: float, in_picture: float, whole: float
) -> Sighting:
    return Sighting(box, visible, in_picture, whole)


BOX = (100.0, 80.0, 140.0, 160.0)


@pytest.mark.parametrize(
    ("case", "boxes", "expected"),
    [
        (sighting(BOX, 3200, 3200, 3200), [BOX], (True, False)),
        (sighting(BOX, 3200, 3200, 3200), [], (False, False)),
        (sighting(BOX, 3200, 3200, 3200), [(100.0, 80.0, 140.0, 121.0)], (True, False)),  # IoU 0.51
        (sighting(BOX, 3200, 3200, 3200), [(100.0, 80.0, 140.0, 119.0)], (False, False)),  # IoU 0.49
        (sighting(BOX, 3200, 3200, 3200), [(0.0, 0.0, 9.0, 9.0), BOX], (True, False)),
        (sighting(None, 0, 0, 3200), [BOX], (False, False)),  # out of view: not seen, not left out
        (sighting(BOX, 1500, 3200, 3200), [BOX], (True, True)),  # more than half behind something
        (sighting(BOX, 1700, 3200, 3200), [BOX], (True, False)),
        (
            sighting(None, 0, 1500, 3200),
            [],
            (False, False),
        ),  # half out of view, the rest covered: not left out
    ],
)
def test_frame_is_judged_as_the_report_defines_it(
    case: Sighting, boxes: list[tuple[float, ...]], expected: tuple[bool, bool]
) -> None:
    assert mission.judge_frame(case, np.array(boxes, np.float32).reshape(-1, 4)) == expected


def test_contacts_count_each_thing_once_per_touch() -> None:
    stamps = np.arange(10) * (200 * 1_000_000)
    touched = np.array([0, 1, 1, 0, 1, 0, 0, 0, 1, 2], np.uint32)
    # bit 0: touched until 0.8 s with a short gap, then again at 1.6 s; bit 1: once
    assert mission.count_contacts(stamps, touched) == 3
    assert mission.count_contacts(stamps, np.zeros(10, np.uint32)) == 0


def test_spells_are_measured_from_first_to_next_free_frame() -> None:
    stamps = np.arange(8) * (100 * 1_000_000)
    holds = np.array([0, 1, 1, 0, 0, 1, 1, 1], bool)
    assert mission.spells_s(stamps, holds) == [0.2, 0.2]


def write_run(path: Path, seconds: float, robot_at) -> np.ndarray:  # type: ignore[no-untyped-def]
    """A log in which the robot is put at ``robot_at(motion_s, target) -> (x, y, yaw)``; one state each 20 ms.

    The target begins to move after one second.
    """
    plant = Plant(SCENARIO, CONTRACT)
    rest_qpos = plant.scene.data.qpos[:9].copy()
    log, records = PlantLog(path, 4), np.zeros(round(seconds * 50), RECORD)
    for index, record in enumerate(records):
        motion_s = index * 0.02 - 1.0
        target = SCENARIO.target_pose(motion_s)
        x_m, y_m, yaw_rad = robot_at(motion_s, target)
        plant.write_record(record, T0_NS + index * MS_20)
        record["motion_ns"] = round(motion_s * 1e9) if motion_s >= 0.0 else -1
        record["target_in_motion"] = motion_s >= 0.0
        record["qpos"] = rest_qpos
        record["qpos"][:2] = (x_m, y_m)
        record["qpos"][3:7] = (math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2))
        record["robot_x_m"], record["robot_y_m"], record["robot_yaw_rad"] = x_m, y_m, yaw_rad
        record["target_x_m"], record["target_y_m"] = target.x_m, target.y_m
        record["panel"] = math.nan
        log.append(records[index : index + 1])
    log.close()
    return records


def behind(motion_s: float, target, distance_m: float = FOLLOW_M):  # type: ignore[no-untyped-def]
    yaw_rad = target.yaw_rad
    return target.x_m - distance_m * math.cos(yaw_rad), target.y_m - distance_m * math.sin(yaw_rad), yaw_rad


Truth = Callable[[np.void], np.ndarray]


@pytest.fixture(scope="module")
def truth_box() -> Iterator[Truth]:
    """The target's box in the picture of a record, (1, 4): what a perfect detector would attach."""
    robot = CONTRACT.robot
    scene = build(SCENARIO.scene_spec(), robot)
    with SceneCamera(scene, robot.camera_width_px, robot.camera_height_px) as camera:

        def box_in(record: np.void) -> np.ndarray:
            show(scene, record)
            return np.array([camera.sighting(scene.data, TARGET_MOCAP).box_xyxy_px], np.float32)

        yield box_in


def test_run_made_by_hand_gets_the_figures_it_was_made_for(tmp_path: Path, truth_box: Truth) -> None:
    """5 s of motion on the follow distance, then 5 s at 0.2 m more; scored from 2 s; seen in 3 of 4 frames."""

    def robot_at(motion_s: float, target):  # type: ignore[no-untyped-def]
        return behind(motion_s, target, FOLLOW_M + (0.2 if motion_s >= 5.0 else 0.0))

    records = write_run(tmp_path / "plant.log", 11.0, robot_at)
    frames = []
    for index in range(0, 550, 50):  # one frame a second
        boxes = truth_box(records[index]) + 0.5 if index % 200 else NO_BOXES
        frames.append(Frame(int(records[index]["stamp_ns"]), boxes))
    judged = mission.score(tmp_path / "plant.log", 4, frames, from_s=2.0)
    # frames at motion times -1, 0, ..., 9 s; those from 2 s on count: 8, of which those at 3 s and 7 s saw nothing
    assert judged["frames_counted"] == 8 and judged["frames_left_out"] == 0
    assert judged["target_visible_ratio"] == 0.75
    assert judged["distance_error_m"] == {"p50": 0.2, "p95": 0.2}
    assert judged["collisions"] == 0 and judged["occlusions"] == [] and judged["frames_unmatched"] == 0
    way_m = SCENARIO.path.speed.travelled_m(9.0)
    assert judged["target_path_m"] == pytest.approx(way_m, abs=0.05)
    assert judged["robot_path_m"] > 0.6 * way_m


def test_frames_behind_a_panel_are_left_out_and_make_an_occlusion(tmp_path: Path, truth_box: Truth) -> None:
    records = write_run(tmp_path / "plant.log", 6.0, behind)
    records = records.copy()
    for record in records[150:200]:  # one second behind a panel
        x_m, y_m, yaw_rad = (float(record[name]) for name in ("robot_x_m", "robot_y_m", "robot_yaw_rad"))
        record["panel"] = (x_m + 0.85 * math.cos(yaw_rad), y_m + 0.85 * math.sin(yaw_rad), yaw_rad)
    log = PlantLog(tmp_path / "plant.log", 4)
    for index in range(len(records)):
        log.append(records[index : index + 1])
    log.close()
    seen = range(50, 300, 10)
    frames = [
        Frame(int(records[i]["stamp_ns"]), NO_BOXES if 150 <= i < 200 else truth_box(records[i]))
        for i in seen
    ]
    judged = mission.score(tmp_path / "plant.log", 4, frames, from_s=0.0)
    assert judged["frames_left_out"] == 5 and judged["frames_counted"] == 20
    assert judged["occlusions"] == [1.0]
    assert judged["target_visible_ratio"] == 1.0


def test_frames_that_the_log_does_not_know_count_as_not_seen(tmp_path: Path, truth_box: Truth) -> None:
    records = write_run(tmp_path / "plant.log", 4.0, behind)
    known, between = int(records[100]["stamp_ns"]), int(records[100]["stamp_ns"]) + 9_000_000
    frames = [Frame(known, truth_box(records[100])), Frame(between, truth_box(records[100]))]
    judged = mission.score(tmp_path / "plant.log", 4, frames, from_s=0.0)
    assert judged["frames_unmatched"] == 1 and judged["target_visible_ratio"] == 0.5


def test_run_without_motion_or_log_is_no_success(tmp_path: Path) -> None:
    write_run(tmp_path / "plant.log", 0.5, behind)
    judged = mission.score(tmp_path / "plant.log", 4, [], from_s=5.0)
    assert judged["target_visible_ratio"] == 0.0
    assert judged["distance_error_m"] == {"p50": None, "p95": None}
    with pytest.raises(TaktError, match="cannot be read"):
        mission.score(tmp_path / "none.log", 4, [], from_s=5.0)
