"""The simulated camera as an image source: pictures of the plant's newest state, at the contract's rate."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.errors import TaktError
from takt.simulation.plant_record import RECORD, ROBOT_QPOS
from takt.simulation.plant_state import PlantState, wait_for
from takt.simulation.scenario import Scenario
from takt.simulation.scene import Scene, build
from takt.simulation.scene_camera import SceneCamera
from takt.simulation.scene_spec import Pose


class MujocoCamera:
    """Renders on demand. The capture stamp is the ROS time of the state that the picture shows."""

    def __init__(
        self,
        plant_state: str,
        contract: takt.contract.Contract | None = None,
        blank_after_s: float = -1.0,
        wait_s: float = 10.0,
    ) -> None:
        """``blank_after_s``: a fault; pictures are black from that many seconds after the target began to move (-1:
        never). Raises TaktError when no plant offers its state within ``wait_s``."""
        contract = contract or takt.contract.load()
        robot = contract.robot
        self.width, self.height = robot.camera_width_px, robot.camera_height_px
        self._state: PlantState = wait_for(plant_state, wait_s)
        self._scene = build(Scenario.from_seed(self._state.seed, contract).scene_spec(), robot)
        self._camera = SceneCamera(self._scene, self.width, self.height)
        self._record = np.zeros(1, RECORD)
        self._blank_after_ns = None if blank_after_s < 0.0 else round(blank_after_s * 1e9)
        self._next_s: float | None = None
        self._wait_for_first_state(wait_s)

    def wait_next(self, rate_hz: float) -> None:
        """Sleep until the next frame is due on an absolute grid; frames that were missed are not made up for."""
        now_s = time.monotonic()
        if self._next_s is None:
            self._next_s = now_s
        self._next_s += 1.0 / rate_hz
        if self._next_s <= now_s:
            missed = int((now_s - self._next_s) * rate_hz) + 1
            self._next_s += missed / rate_hz
        time.sleep(max(0.0, self._next_s - now_s))

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        """Render rgb8 into ``pixels`` (height, width, 3). Returns the capture stamp, ROS ns."""
        self._state.read(self._record)
        record = self._record[0]
        if self._blank_after_ns is not None and int(record["motion_ns"]) >= self._blank_after_ns:
            pixels[...] = 0
        else:
            show(self._scene, record)
            self._camera.render_into(self._scene.data, pixels)
        return int(record["stamp_ns"])

    def close(self) -> None:
        """Free the OpenGL context."""
        self._camera.close()
        self._state.close()

    def _wait_for_first_state(self, wait_s: float) -> None:
        end_s = time.monotonic() + wait_s
        while not self._state.read(self._record):
            if time.monotonic() > end_s:
                raise TaktError("the plant does not run: its state stays empty", "start the plant again")
            time.sleep(0.005)


def show(scene: Scene, record: np.void) -> None:
    """Put everything where it was in one record of the plant's state or log."""
    scene.data.qpos[:ROBOT_QPOS] = record["qpos"]
    scene.place_target(Pose(float(record["target_x_m"]), float(record["target_y_m"])))
    x_m, y_m, yaw_rad = (float(value) for value in record["panel"])
    scene.place_panel(None if np.isnan(x_m) else Pose(x_m, y_m, yaw_rad))
    scene.refresh()
