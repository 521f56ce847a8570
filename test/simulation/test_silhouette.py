"""Outlines against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takt.simulation import silhouette

VIEW = silhouette.View(
    width_px=320, height_px=240, vertical_fov_rad=2.0 * math.atan(0.5)
)  # focal length 240 px
UNTURNED = np.eye(3)
BOX = np.array((0.1, 0.2, 0.05))


def box_ahead(x_m: float, z_m: float) -> np.ndarray:
    """In the optical frame: 0.2 wide, 0.4 high, 0.1 deep."""
    return silhouette.corners(True, BOX, np.array((x_m, 0.0, z_m)), UNTURNED)


def test_box_ahead_covers_its_near_face() -> None:
    outline = VIEW.outline(box_ahead(0.0, 1.05))
    assert silhouette.area(outline) == pytest.approx(48.0 * 96.0)
    assert VIEW.pixel_box(outline) == (136.0, 72.0, 184.0, 168.0)


def test_part_outside_the_picture_does_not_count_as_in_it() -> None:
    outline = VIEW.outline(box_ahead(-160.0 / 240.0, 1.05))  # its middle on the picture's left edge
    side_px = (160.0 - 24.0) * (
        1.0 - 1.0 / 1.1
    )  # its inner side shows as a trapezium, 96 px high at its near edge
    expected = 24.0 * 96.0 + side_px * 96.0 * (1.0 + 1.0 / 1.1) / 2.0
    assert VIEW.area_in_picture(outline) == pytest.approx(expected)
    assert silhouette.area(outline) == pytest.approx(expected + 24.0 * 96.0)
    assert VIEW.pixel_box(outline) == (0.0, 72.0, 36.0, 168.0)


def test_body_behind_the_camera_has_no_outline() -> None:
    assert len(VIEW.outline(box_ahead(0.0, -1.0))) == 0
    assert VIEW.pixel_box(VIEW.outline(box_ahead(0.0, -1.0))) is None
    assert VIEW.area_in_picture(VIEW.outline(box_ahead(3.0, 1.0))) == 0.0


def test_body_around_the_camera_fills_the_picture() -> None:
    wide = silhouette.corners(True, np.array((2.0, 2.0, 2.0)), np.array((0.0, 0.0, 0.5)), UNTURNED)
    assert VIEW.area_in_picture(VIEW.outline(wide)) == pytest.approx(320.0 * 240.0)


def test_cylinder_seen_from_its_end_is_a_disc() -> None:
    points = silhouette.corners(False, np.array((0.1, 0.5, 0.0)), np.array((0.0, 0.0, 2.5)), UNTURNED)
    assert silhouette.area(VIEW.outline(points)) == pytest.approx(math.pi * 12.0**2, rel=0.005)
