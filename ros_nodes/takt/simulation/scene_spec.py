"""What stands where and how it looks: plain data, drawn from a seed. ``scene.build`` makes a MuJoCo model of it."""

from __future__ import annotations

import colorsys
import math
from dataclasses import dataclass, field

import numpy as np

TARGET_CLASS = 0
OBSTACLE_CLASS = 1
TARGET_RADIUS_M = 0.12
TARGET_HEIGHT_M = 0.40
PANEL_WIDTH_M = 0.50
PANEL_THICKNESS_M = 0.03
PANEL_HEIGHT_M = 0.60
OBSTACLE_SLOTS = 10
POSTER_SLOTS = 6
FLOOR_STYLES = ("plain", "checker", "speckle")

Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Pose:
    """On the ground plane of the arena; x and y in metres from its middle, yaw counter-clockwise from x."""

    x_m: float
    y_m: float
    yaw_rad: float = 0.0


@dataclass(frozen=True)
class Solid:
    """A box or an upright cylinder that stands on the ground (or hangs ``lift_m`` above it)."""

    shape: str  # "box" or "cylinder"
    half_size_m: tuple[float, float, float]  # a cylinder: radius, radius, half its height
    pose: Pose
    rgb: Rgb
    lift_m: float = 0.0

    @property
    def reach_m(self) -> float:
        """Radius of the circle around its middle that holds its outline."""
        return self.half_size_m[0] if self.shape == "cylinder" else math.hypot(*self.half_size_m[:2])


@dataclass(frozen=True)
class Look:
    """Colours and light of the arena."""

    target_lower_rgb: Rgb
    target_upper_rgb: Rgb
    panel_rgb: Rgb
    floor_style: str
    floor_rgb: Rgb
    wall_rgb: tuple[Rgb, Rgb, Rgb, Rgb]
    ambient: float
    headlight: float
    sun: float
    sun_direction: tuple[float, float, float]


@dataclass(frozen=True)
class SceneSpec:
    """Everything that a picture of the arena depends on. The panel is out of sight while ``panel`` is None."""

    half_x_m: float
    half_y_m: float
    look: Look
    robot: Pose
    target: Pose
    obstacles: tuple[Solid, ...]
    posters: tuple[Solid, ...]
    panel: Pose | None = None
    robot_pitch_rad: float = 0.0
    seed: int | None = field(default=None)

    @staticmethod
    def from_seed(seed: int) -> SceneSpec:
        """The arena of a run: layout and look of the scenario with this seed, everything at its start."""
        from takt.simulation.scenario import Scenario  # the scenario is made of this module's parts

        return Scenario.from_seed(seed).scene_spec()

    @staticmethod
    def randomised(rng: np.random.Generator) -> SceneSpec:
        """One training picture's scene: wider ranges than any run has, seen from where a robot could stand."""
        half_x_m, half_y_m = float(rng.uniform(2.5, 5.0)), float(rng.uniform(2.0, 4.0))
        robot = Pose(
            float(rng.uniform(-half_x_m + 0.4, half_x_m - 0.4)),
            float(rng.uniform(-half_y_m + 0.4, half_y_m - 0.4)),
            float(rng.uniform(-math.pi, math.pi)),
        )
        target = _in_front_of(robot, float(rng.uniform(0.45, 4.0)), float(rng.normal(0.0, 0.35)))
        while abs(target.x_m) > half_x_m - 0.15 or abs(target.y_m) > half_y_m - 0.15:
            robot = Pose(robot.x_m * 0.9, robot.y_m * 0.9, float(rng.uniform(-math.pi, math.pi)))
            target = _in_front_of(robot, float(rng.uniform(0.45, 4.0)), float(rng.normal(0.0, 0.35)))
        placed = [robot, target]
        obstacles = []
        for _ in range(int(rng.integers(0, OBSTACLE_SLOTS + 1))):
            solid = draw_obstacle(rng, _anywhere_ahead(rng, robot))
            if all(math.hypot(solid.pose.x_m - p.x_m, solid.pose.y_m - p.y_m) > 0.38 for p in placed):
                obstacles.append(solid)
        return SceneSpec(
            half_x_m=half_x_m,
            half_y_m=half_y_m,
            look=draw_look(rng, wide=True),
            robot=robot,
            target=target,
            obstacles=tuple(obstacles),
            posters=draw_posters(rng, half_x_m, half_y_m),
            panel=_draw_panel(rng, robot, target),
            robot_pitch_rad=float(rng.normal(0.0, 0.012)),
        )


def draw_look(rng: np.random.Generator, wide: bool = False) -> Look:
    """Colours and light; ``wide`` is the training range, which holds the range of the runs."""
    spread = 1.0 if wide else 0.6
    hue = 0.065 + spread * rng.uniform(-0.025, 0.025)
    value = 0.85 + spread * rng.uniform(-0.25, 0.15)
    saturation = 0.9 + spread * rng.uniform(-0.15, 0.1)
    second_hue = hue + spread * rng.uniform(-0.02, 0.035)
    second_value = value * (0.65 + spread * rng.uniform(-0.12, 0.12))
    direction = rng.normal(size=3) * (0.6, 0.6, 0.2) + (0.0, 0.0, -1.0)
    direction /= np.linalg.norm(direction)
    return Look(
        target_lower_rgb=colorsys.hsv_to_rgb(hue, saturation, value),
        target_upper_rgb=colorsys.hsv_to_rgb(second_hue, min(1.0, saturation + 0.05), second_value),
        panel_rgb=draw_other_rgb(rng),
        floor_style=str(rng.choice(FLOOR_STYLES)),
        floor_rgb=_muted(rng),
        wall_rgb=(_muted(rng), _muted(rng), _muted(rng), _muted(rng)),
        ambient=0.45 + spread * float(rng.uniform(-0.15, 0.15)),
        headlight=0.35 + spread * float(rng.uniform(-0.25, 0.25)),
        sun=0.4 + spread * float(rng.uniform(-0.3, 0.3)),
        sun_direction=(float(direction[0]), float(direction[1]), float(direction[2])),
    )


def draw_other_rgb(rng: np.random.Generator) -> Rgb:
    """A colour that is not the target's: any hue from yellow-green over blue to crimson, or a grey."""
    if rng.random() < 0.3:
        return colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.0, 0.12), rng.uniform(0.1, 0.95))
    return colorsys.hsv_to_rgb(rng.uniform(0.17, 0.95), rng.uniform(0.3, 1.0), rng.uniform(0.25, 1.0))


def draw_obstacle(rng: np.random.Generator, pose: Pose) -> Solid:
    """A box, a cylinder or a broad panel, 0.3 to 0.6 m tall."""
    half_height = float(rng.uniform(0.15, 0.30))
    kind = rng.choice(("box", "cylinder", "panel"), p=(0.45, 0.35, 0.2))
    if kind == "cylinder":
        radius = float(rng.uniform(0.07, 0.18))
        return Solid("cylinder", (radius, radius, half_height), pose, draw_other_rgb(rng))
    if kind == "panel":
        half = (PANEL_THICKNESS_M / 2, float(rng.uniform(0.18, 0.28)), half_height)
    else:
        half = (float(rng.uniform(0.07, 0.18)), float(rng.uniform(0.07, 0.18)), half_height)
    return Solid("box", half, pose, draw_other_rgb(rng))


def draw_posters(rng: np.random.Generator, half_x_m: float, half_y_m: float) -> tuple[Solid, ...]:
    """Coloured rectangles on the walls: nothing to detect, something to look past."""
    posters = []
    for _ in range(int(rng.integers(2, POSTER_SLOTS + 1))):
        half = (0.01, float(rng.uniform(0.15, 0.6)), float(rng.uniform(0.1, 0.4)))
        along = float(rng.uniform(-0.8, 0.8))
        pose = (
            Pose(half_x_m * rng.choice((-1.0, 1.0)), half_y_m * along, 0.0),
            Pose(half_x_m * along, half_y_m * rng.choice((-1.0, 1.0)), math.pi / 2),
        )[int(rng.integers(2))]
        posters.append(Solid("box", half, pose, draw_other_rgb(rng), lift_m=float(rng.uniform(0.3, 1.0))))
    return tuple(posters)


def _muted(rng: np.random.Generator) -> Rgb:
    return colorsys.hsv_to_rgb(rng.random(), rng.uniform(0.0, 0.25), rng.uniform(0.3, 0.9))


def _in_front_of(robot: Pose, distance_m: float, bearing_rad: float) -> Pose:
    angle = robot.yaw_rad + bearing_rad
    return Pose(robot.x_m + distance_m * math.cos(angle), robot.y_m + distance_m * math.sin(angle))


def _anywhere_ahead(rng: np.random.Generator, robot: Pose) -> Pose:
    ahead = _in_front_of(robot, float(rng.uniform(0.4, 4.5)), float(rng.uniform(-0.7, 0.7)))
    return Pose(ahead.x_m, ahead.y_m, float(rng.uniform(-math.pi, math.pi)))


def _draw_panel(rng: np.random.Generator, robot: Pose, target: Pose) -> Pose | None:
    """Sometimes a panel before the target, anywhere from beside it to right across."""
    away_x_m, away_y_m = robot.x_m - target.x_m, robot.y_m - target.y_m
    distance_m = math.hypot(away_x_m, away_y_m)
    if rng.random() > 0.35 or distance_m < 0.8:
        return None
    yaw_rad = math.atan2(away_y_m, away_x_m)
    before_m, aside_m = float(rng.uniform(0.25, distance_m - 0.45)), float(rng.uniform(-0.6, 0.6))
    return Pose(
        target.x_m + before_m * math.cos(yaw_rad) - aside_m * math.sin(yaw_rad),
        target.y_m + before_m * math.sin(yaw_rad) + aside_m * math.cos(yaw_rad),
        yaw_rad + float(rng.normal(0.0, 0.1)),
    )
