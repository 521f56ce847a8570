"""The robot's camera in a scene: pictures, and the boxes that a perfect detector would draw."""

from __future__ import annotations

from dataclasses import dataclass

from takt.simulation import offscreen_gl

offscreen_gl.select()

import mujoco  # noqa: E402  (after the choice of its OpenGL back end)
import numpy as np  # noqa: E402
from numpy.typing import NDArray  # noqa: E402

from takt.simulation import silhouette  # noqa: E402
from takt.simulation.scene import CAMERA, Scene  # noqa: E402

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class TruthBox:
    """What can be seen of one object: class, box around its visible pixels, and how much is hidden.

    ``box_xyxy_px`` has exclusive right and lower edges. ``visible_fraction`` is visible pixels by the pixels that the
    object would cover in this picture if nothing stood before it.
    """

    class_id: int
    box_xyxy_px: Box
    visible_fraction: float
    visible_px: int
    mocap_id: int


@dataclass(frozen=True)
class Sighting:
    """How one object stands in the picture. Areas in px²; ``box_xyxy_px`` is None when no pixel shows it."""

    box_xyxy_px: Box | None
    visible_px: float
    in_picture_px: float  # of its outline, were nothing before it
    whole_px: float  # of its outline, also beyond the picture's edge

    @property
    def hidden_px(self) -> float:
        """What stands in the picture's range and is covered by something."""
        return max(0.0, self.in_picture_px - self.visible_px)


class SceneCamera:
    """Draws one scene at one size. Not for use by several threads; close it before the interpreter ends."""

    def __init__(self, scene: Scene, width: int, height: int) -> None:
        self._scene = scene
        self._renderer = mujoco.Renderer(scene.model, height=height, width=width, max_geom=200)
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._options = mujoco.MjvOption()
        self._camera_id = scene.model.camera(CAMERA).id
        self._segments = np.empty((height, width, 2), np.int32)
        self._mocap_of_geom = np.full(
            scene.model.ngeom + 1, -1, np.int32
        )  # the last entry serves "no geom" (-1)
        for geom, mocap in scene.object_of_geom.items():
            self._mocap_of_geom[geom] = mocap
        self._class_of_mocap = {
            mocap: scene.class_of_geom[geom] for geom, mocap in scene.object_of_geom.items()
        }
        self.view = silhouette.View(
            width_px=width,
            height_px=height,
            vertical_fov_rad=float(np.radians(scene.model.cam_fovy[self._camera_id])),
        )

    def render_into(self, data: mujoco.MjData, out: NDArray[np.uint8]) -> None:
        """Draw the picture, rgb8, into ``out`` of shape (height, width, 3). ``data`` must hold current kinematics."""
        self._renderer.disable_segmentation_rendering()
        self._renderer.update_scene(data, self._camera_id, self._options)
        self._renderer.render(out=out)

    def truth_boxes(self, data: mujoco.MjData, min_visible_px: int = 1) -> list[tuple[int, Box, float]]:
        """(class_id, box_xyxy_px, visible_fraction) of every object with at least that many visible pixels."""
        return [
            (box.class_id, box.box_xyxy_px, box.visible_fraction)
            for box in self.truth(data)
            if box.visible_px >= min_visible_px
        ]

    def truth(self, data: mujoco.MjData) -> list[TruthBox]:
        """Every object with a visible pixel, by mocap id."""
        objects = self._objects(data)
        boxes = []
        for mocap in np.unique(objects[objects >= 0]):
            mask = objects == mocap
            box = _box_of(mask)
            assert box is not None
            visible_px = int(np.count_nonzero(mask))
            whole_px = self.view.area_in_picture(self.outline(data, int(mocap)))
            fraction = min(1.0, visible_px / max(whole_px, 1.0))
            boxes.append(TruthBox(self._class_of_mocap[int(mocap)], box, fraction, visible_px, int(mocap)))
        return boxes

    def sighting(self, data: mujoco.MjData, mocap: int) -> Sighting:
        """One object; cheap when nothing of it could be in the picture."""
        outline = self.outline(data, mocap)
        in_picture_px = self.view.area_in_picture(outline)
        whole_px = silhouette.area(outline)
        if in_picture_px == 0.0:
            return Sighting(None, 0.0, 0.0, whole_px)
        mask = self._objects(data) == mocap
        box = _box_of(mask)
        return Sighting(box, float(np.count_nonzero(mask)), in_picture_px, whole_px)

    def outline(self, data: mujoco.MjData, mocap: int) -> NDArray[np.float64]:
        """The object's silhouette in pixels, an (n, 2) polygon not yet cut to the picture; n is 0 behind the camera."""
        model = self._scene.model
        corners = [
            silhouette.corners(
                int(model.geom_type[geom]) == mujoco.mjtGeom.mjGEOM_BOX,
                model.geom_size[geom],
                data.geom_xpos[geom],
                data.geom_xmat[geom].reshape(3, 3),
            )
            for geom, owner in self._scene.object_of_geom.items()
            if owner == mocap
        ]
        # MuJoCo's camera axes: x right, y up, looking along -z.
        turned = data.cam_xmat[self._camera_id].reshape(3, 3) * (1.0, -1.0, -1.0)
        return self.view.outline((np.concatenate(corners) - data.cam_xpos[self._camera_id]) @ turned)

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def __enter__(self) -> SceneCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _objects(self, data: mujoco.MjData) -> NDArray[np.int32]:
        """The mocap id that each pixel shows, -1 for floor, walls and sky; shape (height, width)."""
        self._renderer.enable_segmentation_rendering()
        self._renderer.update_scene(data, self._camera_id, self._options)
        self._renderer.render(out=self._segments)
        geoms = np.where(self._segments[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM), self._segments[..., 0], -1)
        return self._mocap_of_geom[geoms]


def _box_of(mask: NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
