"""From boxes to the ground and back, with sides cut off and parts hidden."""

from __future__ import annotations

import math

import numpy as np
import pytest

import takt.contract
from takt.planning.camera import GroundCamera
from takt.planning.projection import (
    TARGET_HEIGHT_M,
    TARGET_RADIUS_M,
    locate_obstacle,
    locate_target,
)

CAMERA = GroundCamera.from_contract(takt.contract.load())
ANGLES = np.linspace(0.0, 2.0 * math.pi, 64, endpoint=False)


def box_of(
    x_m: float, y_m: float, radius_m: float = TARGET_RADIUS_M, height_m: float = TARGET_HEIGHT_M
) -> np.ndarray:
    """The picture's box of an upright cylinder in base_link, cut at the picture's border."""
    points = [
        CAMERA.pixel(x_m + radius_m * math.cos(a), y_m + radius_m * math.sin(a), z)
        for a in ANGLES
        for z in (0.0, height_m)
    ]
    pixels = np.array([point for point in points if point is not None])
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    limits = (CAMERA.width_px, CAMERA.height_px)
    return np.concatenate([np.clip(low, 0, limits), np.clip(high, 0, limits)]).astype(np.float32)


@pytest.mark.parametrize("x_m", [0.7, 1.2, 2.0, 3.5])
@pytest.mark.parametrize("bearing_rad", [-0.3, 0.0, 0.25])
def test_a_whole_target_is_placed_within_three_percent(x_m: float, bearing_rad: float) -> None:
    y_m = x_m * math.tan(bearing_rad)
    seen = locate_target(CAMERA, box_of(x_m, y_m), 0.9)
    assert seen is not None
    assert math.hypot(*(seen.position_m - (x_m, y_m))) < 0.03 * math.hypot(x_m, y_m)


def test_noise_of_two_pixels_stays_within_the_stated_covariance() -> None:
    rng = np.random.default_rng(3)
    clean = box_of(1.5, 0.3)
    normalised = []
    for _ in range(400):
        seen = locate_target(CAMERA, (clean + rng.normal(0.0, 1.5, 4)).astype(np.float32), 0.9)
        assert seen is not None
        miss = seen.position_m - (1.5, 0.3)
        normalised.append(float(miss @ np.linalg.solve(seen.covariance_m2, miss)))
    assert 1.0 < np.mean(normalised) < 3.5  # 2 for a covariance that is exactly right


@pytest.mark.parametrize(("x_m", "y_m"), [(1.0, 0.58), (1.0, -0.58), (0.42, 0.0)])
def test_a_target_cut_by_the_border_is_still_placed(x_m: float, y_m: float) -> None:
    box = box_of(x_m, y_m)
    touches = box[0] <= 0 or box[1] <= 0 or box[2] >= CAMERA.width_px or box[3] >= CAMERA.height_px
    assert touches, "this case is to test a cut box"
    seen = locate_target(CAMERA, box, 0.9)
    assert seen is not None
    assert math.hypot(*(seen.position_m - (x_m, y_m))) < 0.06


def test_what_hides_a_side_does_not_push_the_target_away() -> None:
    box = box_of(1.2, 0.0)
    box[2] = (box[0] + box[2]) / 2.0  # the right half is behind something
    seen = locate_target(CAMERA, box, 0.9)
    assert seen is not None
    assert abs(seen.position_m[0] - 1.2) < 0.05
    whole = locate_target(CAMERA, box_of(1.2, 0.0), 0.9)
    assert whole is not None and seen.covariance_m2[1, 1] > 4 * whole.covariance_m2[1, 1]


def test_a_box_that_fills_the_picture_tells_nothing() -> None:
    full = np.array([0, 0, CAMERA.width_px, CAMERA.height_px], np.float32)
    assert locate_target(CAMERA, full, 0.9) is None


def test_an_obstacle_stands_where_its_foot_is() -> None:
    seen = locate_obstacle(CAMERA, box_of(1.4, 0.2, 0.15, 0.5))
    assert seen is not None and not seen.cut
    x_m, y_m, radius_m = seen.disc()
    assert math.hypot(x_m - 1.4, y_m - 0.2) < 0.05 and abs(radius_m - 0.15) < 0.03


def test_an_obstacle_cut_by_the_side_goes_on_beyond_it() -> None:
    box = box_of(1.0, 0.62, 0.18, 0.5)
    assert box[0] == 0.0
    seen = locate_obstacle(CAMERA, box)
    assert seen is not None and seen.left_cut and not seen.right_cut
    x_m, y_m, radius_m = seen.disc(known_radius_m=0.18)
    assert radius_m == 0.18 and math.hypot(x_m - 1.0, y_m - 0.62) < 0.1
    assert seen.disc()[1] < y_m  # without that knowledge it seems nearer to the middle


def test_a_foot_below_the_picture_only_says_that_it_is_near() -> None:
    seen = locate_obstacle(CAMERA, box_of(0.42, 0.1, 0.12, 0.5))
    assert seen is not None and seen.low_cut
    assert seen.near_m > 0.42 - 0.12 - CAMERA.x_m  # in truth it is nearer
    assert seen.disc()[2] >= 0.15  # and how large, one cannot know
    far = locate_obstacle(CAMERA, box_of(1.4, 0.2, 0.15, 0.5))
    assert far is not None and not far.low_cut


def test_nothing_stands_above_the_horizon() -> None:
    assert locate_obstacle(CAMERA, np.array([100, 10, 140, 60], np.float32)) is None


def test_pixel_is_the_inverse_of_direction() -> None:
    for u, v in [(3.0, 200.0), (160.0, 120.0), (310.5, 47.0)]:
        ray = CAMERA.direction(u, v)
        point = (CAMERA.x_m + 2 * ray.forward, 2 * ray.left, CAMERA.height_m + 2 * ray.up)
        assert CAMERA.pixel(*point) == pytest.approx((u, v))
    assert CAMERA.pixel(-1.0, 0.0, 0.0) is None
