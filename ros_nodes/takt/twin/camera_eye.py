"""The real detector on pictures drawn from the twin's scene, at a quarter of the camera's pixels."""

from __future__ import annotations

import weakref
from collections.abc import Callable

import numpy as np

import takt.contract
from takt.simulation.plant import Plant
from takt.simulation.scene_camera import SceneCamera
from takt.twin.episode import Sight
from takt.twin.eye import Boxes, GeometricEye
from takt.vision import model_card
from takt.vision.detector import Detector

WIDTH_PX, HEIGHT_PX = 160, 120
# The network's input. Things appear at half their usual size and have to be scaled up to be found: at 192x160 the
# target is lost a quarter of the time, from this size on it is not, and 320x240 only costs half as much again.
_INPUT_WIDTH_PX, _INPUT_HEIGHT_PX = 224, 192


def camera_eye(plant: Plant, rng: np.random.Generator, scale: float = 2.0) -> Callable[[], Boxes]:
    """``look`` for :class:`Perceiver`. ``scale``: the contract's camera by this one's, in pixels of a side.

    Only whether the target is hidden, which the mission's count needs to know, is told by geometry.
    """
    geometry = GeometricEye(plant.scene, takt.contract.load().robot, Sight(), rng)
    camera = SceneCamera(plant.scene, WIDTH_PX, HEIGHT_PX)
    weakref.finalize(plant, camera.close)
    detector = Detector(model_card.load().sized(_INPUT_WIDTH_PX, _INPUT_HEIGHT_PX), WIDTH_PX, HEIGHT_PX)
    pixels = np.empty((HEIGHT_PX, WIDTH_PX, 3), np.uint8)

    def look() -> Boxes:
        plant.scene.refresh()
        camera.render_into(plant.scene.data, pixels)
        found = detector.detect(pixels)
        return Boxes(
            found.boxes_xyxy_px * np.float32(scale),
            found.scores.copy(),
            found.class_ids.copy(),
            geometry.look().hidden,
        )

    return look
