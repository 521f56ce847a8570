"""Obstacles are remembered out of sight, and forgotten when they are gone."""

from __future__ import annotations

import math

import pytest

import takt.contract
from takt.planning.camera import GroundCamera
from takt.planning.obstacles import ObstacleMemory
from takt.planning.odometry import Odometry
from takt.planning.projection import ObstacleSighting

CAMERA = GroundCamera.from_contract(takt.contract.load())
MS = 1_000_000
FRAME_NS = 33 * MS
AHEAD = Odometry(0)


def seen_at(x_m: float, y_m: float, radius_m: float = 0.12, left_cut: bool = False) -> ObstacleSighting:
    dx = x_m - CAMERA.x_m
    distance_m, azimuth = math.hypot(dx, y_m), math.atan2(y_m, dx)
    half = math.atan(radius_m / (distance_m - radius_m))
    return ObstacleSighting(
        distance_m - radius_m, 0.01, azimuth + half, azimuth - half, left_cut, False, CAMERA.x_m
    )


class Watch:
    """A memory and its time, one frame a call."""

    def __init__(self) -> None:
        self.memory, self.now_ns, self.way_m, self.known = ObstacleMemory(CAMERA), 0, 0.0, [None]

    def frame(
        self, *sightings: ObstacleSighting, pose: Odometry = AHEAD, times: int = 1, nothing: bool = False
    ) -> None:
        for _ in range(times):
            self.now_ns += FRAME_NS
            self.known = self.memory.observe(self.now_ns, pose, sightings, None, self.way_m, nothing)

    @property
    def count(self) -> int:
        return len(self.memory.believed())


def test_one_sighting_is_not_believed_two_are() -> None:
    watch = Watch()
    watch.frame(seen_at(1.5, 0.2))
    assert watch.count == 0
    watch.frame(seen_at(1.5, 0.2))
    assert watch.count == 1
    one = watch.memory.believed()[0]
    assert math.hypot(one.x_m - 1.5, one.y_m - 0.2) < 0.02 and abs(one.radius_m - 0.12) < 0.02


@pytest.mark.parametrize(("cut", "kept_m"), [(False, 4.0), (True, 1.5)])
def test_out_of_sight_it_is_kept_for_a_way_and_then_forgotten(cut: bool, kept_m: float) -> None:
    """Not for a time: after a stop of half a minute the robot drove into what it had seen right before."""
    watch, turned = Watch(), Odometry(0, yaw_rad=math.pi)
    watch.frame(seen_at(1.0, 0.5, left_cut=cut), times=30)
    watch.frame(pose=turned, times=round(30e9 / FRAME_NS))
    assert watch.count == 1
    watch.way_m = kept_m - 0.1
    watch.frame(pose=turned)
    assert watch.count == 1
    watch.way_m = kept_m + 0.1
    watch.frame(pose=turned)
    assert watch.count == 0


def test_pictures_that_show_nothing_at_all_take_nothing_away() -> None:
    """A covered lens, a blind detector: the target drives on behind it, and the robot after it."""
    watch = Watch()
    watch.frame(seen_at(1.5, 0.2), times=30)
    watch.frame(times=100, nothing=True)
    assert watch.count == 1


def test_nearer_than_the_picture_shows_it_is_the_known_one_and_comes_nearer() -> None:
    watch = Watch()
    watch.frame(seen_at(0.68, 0.1), times=20)
    beneath = ObstacleSighting(0.357, 0.01, 0.35, -0.1, False, False, CAMERA.x_m, low_cut=True)
    watch.frame(beneath, times=20)
    one = watch.memory.believed()[0]
    assert watch.count == 1
    assert math.hypot(one.x_m - CAMERA.x_m, one.y_m) - one.radius_m <= 0.357 + 1e-6


def test_one_that_is_half_in_the_picture_is_not_taken_for_moving() -> None:
    """Its middle seems to move as more of it comes into view; as a moving one it was soon forgotten."""
    watch = Watch()
    for step in range(30):
        watch.frame(seen_at(1.0, 0.6 - 0.01 * step, left_cut=True))
    assert watch.count == 1 and not watch.memory.believed()[0].moving


def test_where_the_camera_looks_and_sees_nothing_nothing_stands() -> None:
    watch = Watch()
    watch.frame(seen_at(1.5, 0.2), times=30)
    watch.frame(times=5)
    assert watch.count == 1  # a detector misses now and then
    watch.frame(times=10)
    assert watch.count == 0


def test_behind_another_obstacle_it_may_well_stand() -> None:
    watch = Watch()
    watch.frame(seen_at(2.0, 0.0), times=10)
    watch.frame(seen_at(1.0, 0.0, 0.2), times=30)
    assert watch.count == 2


def test_one_that_crossed_the_picture_leaves_nothing_behind() -> None:
    """The robot stood for seconds before the ghost of a panel that had long gone by."""
    watch = Watch()
    for step in range(40):
        watch.frame(seen_at(1.0, 0.35 - 0.5 * step * FRAME_NS / 1e9))
    assert watch.count == 1 and watch.memory.believed()[0].moving and watch.known == watch.memory.believed()
    turned = Odometry(0, yaw_rad=1.5)  # so that it is out of the picture
    watch.frame(pose=turned, times=20)
    assert watch.count == 0


def test_a_sliver_at_the_border_is_taken_for_a_whole_obstacle() -> None:
    """All that is known is its inner edge; what lies beyond the picture is not taken for free floor."""
    sliver = ObstacleSighting(0.6, 0.01, 0.57, 0.52, True, False, CAMERA.x_m)
    x_m, y_m, radius_m = sliver.disc()
    assert radius_m >= 0.15
    inner_rad = math.atan2(y_m, x_m - CAMERA.x_m) - math.asin(radius_m / math.hypot(x_m - CAMERA.x_m, y_m))
    assert inner_rad == pytest.approx(0.52, abs=0.01)


def test_half_out_of_the_picture_it_keeps_its_size() -> None:
    watch = Watch()
    watch.frame(seen_at(1.0, 0.4, 0.15), times=15)
    half = ObstacleSighting(0.78, 0.01, 0.50, 0.26, True, False, CAMERA.x_m)
    watch.frame(half, times=20)
    assert watch.count == 1
    assert watch.memory.believed()[0].radius_m > 0.13
