"""The camera of the contract as a pinhole over flat ground: pixels to directions in base_link."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from takt.contract import Contract


class Direction(NamedTuple):
    """A ray from the camera in base_link axes (forward, left, up), not normalised."""

    forward: float
    left: float
    up: float

    @property
    def azimuth_rad(self) -> float:
        """Angle to the left of straight ahead."""
        return math.atan2(self.left, self.forward)

    @property
    def slope(self) -> float:
        """Rise per horizontal metre; negative looks at the ground."""
        return self.up / math.hypot(self.forward, self.left)


@dataclass(frozen=True)
class GroundCamera:
    """Pinhole without distortion, principal point in the middle; pixel edges count from the top left corner."""

    width_px: float
    height_px: float
    focal_px: float
    x_m: float
    height_m: float
    pitch_rad: float

    @classmethod
    def from_contract(cls, contract: Contract) -> GroundCamera:
        """The camera that the contract's ``robot`` section describes."""
        robot = contract.robot
        focal_px = robot.camera_width_px / 2.0 / math.tan(robot.camera_horizontal_fov_rad / 2.0)
        return cls(
            robot.camera_width_px,
            robot.camera_height_px,
            focal_px,
            robot.camera_x_m,
            robot.camera_z_m,
            robot.camera_pitch_rad,
        )

    @property
    def half_fov_rad(self) -> float:
        return math.atan(self.width_px / 2.0 / self.focal_px)

    def direction(self, u_px: float, v_px: float) -> Direction:
        """Direction of the ray through a pixel position."""
        right = (u_px - self.width_px / 2.0) / self.focal_px
        down = (v_px - self.height_px / 2.0) / self.focal_px
        sin, cos = math.sin(self.pitch_rad), math.cos(self.pitch_rad)
        return Direction(forward=cos - down * sin, left=-right, up=-sin - down * cos)

    def pixel(self, x_m: float, y_m: float, z_m: float) -> tuple[float, float] | None:
        """Where a point of base_link appears; None behind the camera. The inverse of ``direction``."""
        forward, up = x_m - self.x_m, z_m - self.height_m
        sin, cos = math.sin(self.pitch_rad), math.cos(self.pitch_rad)
        depth = forward * cos - up * sin
        if depth <= 1e-6:
            return None
        down = -forward * sin - up * cos
        u_px = self.width_px / 2.0 - self.focal_px * y_m / depth
        return u_px, self.height_px / 2.0 + self.focal_px * down / depth
