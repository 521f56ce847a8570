"""The robot's camera in a scene: pictures, and the boxes that a perfect detector would draw."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from takt.simulation import silhouette
from takt.simulation.engine import mujoco
from takt.simulation.scene import CAMERA, Scene

Box = tuple[float, float, float, float]
_GEOM = mujoco.mjtGeom
_SPHERE_ROUND = [int(each) for each in (_GEOM.mjGEOM_SPHERE, _GEOM.mjGEOM_CYLINDER, _GEOM.mjGEOM_BOX)]
_OUT_OF_SIGHT = 5  # MuJoCo's last group of geoms; no geom of ours is in it
_PLANE, _BOX = int(_GEOM.mjGEOM_PLANE), int(_GEOM.mjGEOM_BOX)
_SLAB_HALF_M = 2.0**-10
_SLACK_M, _SLACK_RAD = 0.05, 0.03  # for the camera's pitch, which the view from above leaves out


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
        self._renderer = _renderer(scene.model, width, height)
        flags = self._renderer.scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SHADOW] = False
        flags[mujoco.mjtRndFlag.mjRND_REFLECTION] = False
        self._options = mujoco.MjvOption()
        self._options.geomgroup[_OUT_OF_SIGHT] = 0
        self._groups = scene.model.geom_group.copy()
        self._has_reach = np.isin(scene.model.geom_type, _SPHERE_ROUND)
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
        half_rad = np.radians(scene.model.cam_fovy[self._camera_id]) / 2.0
        half_wide_rad = np.arctan(np.tan(half_rad) * width / height)
        sin, cos = np.sin([half_wide_rad, half_rad]), np.cos([half_wide_rad, half_rad])
        self._sides = np.array(  # inward normals of the pyramid of sight, x right, y down, z ahead
            [[cos[0], 0, sin[0]], [-cos[0], 0, sin[0]], [0, cos[1], sin[1]], [0, -cos[1], sin[1]]]
        )

    def render_into(self, data: mujoco.MjData, out: NDArray[np.uint8]) -> None:
        """Draw the picture, rgb8, into ``out`` of shape (height, width, 3). ``data`` must hold current kinematics."""
        self._renderer.disable_segmentation_rendering()
        self._take(data)
        self._renderer.render(out=out)

    def _take(self, data: mujoco.MjData) -> None:
        """What is to be drawn. A geom whose bounding sphere lies outside the pyramid of sight shows no pixel, and most
        do; to hand it to OpenGL all the same costs the greater part of a small picture."""
        model = self._scene.model
        at = self._in_optical_frame(data, data.geom_xpos)
        reach_m = np.sqrt(
            np.square(model.geom_size).sum(axis=1)
        )  # shapes may have been changed by Scene.apply
        outside = (at @ self._sides.T < -reach_m[:, None]).any(axis=1) & self._has_reach
        model.geom_group[:] = np.where(outside, _OUT_OF_SIGHT, self._groups)
        self._renderer.update_scene(data, self._camera_id, self._options)
        model.geom_group[:] = self._groups
        self._draw_planes_as_boxes()

    def _draw_planes_as_boxes(self) -> None:
        """MuJoCo's drawing of a plane is dearer than all else in the picture. A box with the plane's face on top shows
        the same pixels, but for one step of 255 where a rounding of the texture's place falls the other way."""
        drawn = self._renderer.scene
        for geom in drawn.geoms[: drawn.ngeom]:
            if geom.type == _PLANE and geom.size[0] > 0.0 and geom.size[1] > 0.0:  # 0: endless
                geom.type = _BOX
                geom.pos[:] -= geom.mat[:, 2] * _SLAB_HALF_M
                geom.size[2] = _SLAB_HALF_M

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
        """One object. Draws only when something could stand before it; else its outline says everything."""
        outline = self.outline(data, mocap)
        in_picture_px = self.view.area_in_picture(outline)
        whole_px = silhouette.area(outline)
        if in_picture_px == 0.0:
            return Sighting(None, 0.0, 0.0, whole_px)
        if not self._may_be_covered(data, mocap):
            return Sighting(self.view.pixel_box(outline), in_picture_px, in_picture_px, whole_px)
        mask = self._objects(data) == mocap
        return Sighting(_box_of(mask), float(np.count_nonzero(mask)), in_picture_px, whole_px)

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
        return self.view.outline(self._in_optical_frame(data, np.concatenate(corners)))

    def close(self) -> None:
        """Free the OpenGL context."""
        self._renderer.close()

    def __enter__(self) -> SceneCamera:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _in_optical_frame(self, data: mujoco.MjData, points_m: silhouette.Points) -> silhouette.Points:
        """World points (n, 3) as x right, y down, z ahead. MuJoCo's own camera axes are x right, y up, z back."""
        turned = data.cam_xmat[self._camera_id].reshape(3, 3) * (1.0, -1.0, -1.0)
        return np.asarray((points_m - data.cam_xpos[self._camera_id]) @ turned)

    def _may_be_covered(self, data: mujoco.MjData, mocap: int) -> bool:
        """True if, seen from above, another object's circumscribed circle reaches into the lines of sight to it."""
        reach_m = self._reach_m()
        at = self._in_optical_frame(data, data.mocap_pos)
        distance_m = np.hypot(at[:, 0], at[:, 2])
        half_width = np.arcsin(np.minimum(1.0, reach_m / np.maximum(distance_m, 1e-6)))
        apart = np.abs(np.arctan2(at[:, 0], at[:, 2]) - math.atan2(at[mocap, 0], at[mocap, 2]))
        apart = np.minimum(apart, 2.0 * math.pi - apart)
        nearer = distance_m - reach_m <= distance_m[mocap] + reach_m[mocap] + _SLACK_M
        covers = (
            nearer & (apart <= half_width + half_width[mocap] + _SLACK_RAD) & (data.mocap_pos[:, 2] > 0.0)
        )
        covers[mocap] = False
        return bool(covers.any())

    def _reach_m(self) -> silhouette.Points:
        """Radius of the upright cylinder around each mocap body; shapes may have been changed by Scene.apply."""
        reach = np.zeros(self._scene.model.nmocap)
        for geom, mocap in self._scene.object_of_geom.items():
            size = self._scene.model.geom_size[geom]
            is_box = int(self._scene.model.geom_type[geom]) == mujoco.mjtGeom.mjGEOM_BOX
            reach[mocap] = max(reach[mocap], math.hypot(size[0], size[1]) if is_box else size[0])
        return reach

    def _objects(self, data: mujoco.MjData) -> NDArray[np.int32]:
        """The mocap id that each pixel shows, -1 for floor, walls and sky; shape (height, width)."""
        self._renderer.enable_segmentation_rendering()
        self._take(data)
        self._renderer.render(out=self._segments)
        geoms = np.where(self._segments[..., 1] == int(mujoco.mjtObj.mjOBJ_GEOM), self._segments[..., 0], -1)
        return self._mocap_of_geom[geoms]


def _renderer(model: mujoco.MjModel, width: int, height: int) -> mujoco.Renderer:
    """With a buffer of the picture's size: the model's own is as large as anybody may want, and is cleared whole."""
    size = model.vis.global_
    largest = size.offwidth, size.offheight
    size.offwidth, size.offheight = width, height
    try:
        return mujoco.Renderer(model, height=height, width=width, max_geom=200)
    finally:
        size.offwidth, size.offheight = largest


def _box_of(mask: NDArray[np.bool_]) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if len(rows) == 0:
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)
