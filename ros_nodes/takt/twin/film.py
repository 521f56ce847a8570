"""A film (.mp4) or a sheet of pictures (.png) of a run, for people. It looks at the plant and changes nothing."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from takt.errors import TaktError
from takt.simulation.engine import mujoco
from takt.simulation.scene import CAMERA
from takt.twin.episode import SECOND

if TYPE_CHECKING:
    from takt.twin.world import World

_WIDTH, _HEIGHT = 320, 240
_EVERY_CYCLES = 4  # 25 pictures a second
_SHEET_COLUMNS, _SHEET_ROWS = 4, 5
_RUNGS = ("NOMINAL", "REDUCED", "HOLD", "SAFE")
_COLOURS = ("#2e7d32", "#f9a825", "#ef6c00", "#c62828")


class _Moment(NamedTuple):
    """What a picture needs to know."""

    qpos: NDArray[np.float64]
    mocap_pos: NDArray[np.float64]
    mocap_quat: NDArray[np.float64]
    second: float
    gap_m: float
    board_rung: int
    host_rung: int


class Film:
    """``see`` after every control cycle, ``close`` at the end. A sheet draws only those moments that it shows."""

    def __init__(self, path: Path) -> None:
        if path.suffix not in (".mp4", ".png"):
            raise TaktError(
                f"{path} is neither a film nor a picture", "name a file that ends in .mp4 or .png"
            )
        if not path.parent.is_dir():
            raise TaktError(f"{path.parent} is no folder", "name a file in a folder that exists")
        self._path = path
        self._cycles = 0
        self._model: Any = None
        self._renderer: Any = None
        self._data: Any = None
        self._writer = _Mp4(path) if path.suffix == ".mp4" else None
        self._moments: list[_Moment] = []

    def see(self, world: World) -> None:
        self._cycles += 1
        if self._cycles % _EVERY_CYCLES:
            return
        self._model = world.plant.scene.model
        moment = _moment_of(world)
        if self._writer is not None:
            self._writer.add(np.asarray(self._draw(moment)))
        else:
            self._moments.append(moment)

    def _draw(self, moment: _Moment) -> Image.Image:
        """Left what the robot's camera sees, right the arena from above, on data of its own."""
        model = self._model
        if self._renderer is None:
            self._renderer = mujoco.Renderer(model, height=_HEIGHT, width=_WIDTH, max_geom=200)
            self._data = mujoco.MjData(model)
        data = self._data
        data.qpos[:], data.mocap_pos[:], data.mocap_quat[:] = moment[:3]
        mujoco.mj_kinematics(model, data)
        mujoco.mj_camlight(model, data)
        above = mujoco.MjvCamera()
        above.type = mujoco.mjtCamera.mjCAMERA_FREE
        above.distance, above.elevation, above.azimuth = 9.0, -89.0, 90.0
        sheet = Image.new("RGB", (2 * _WIDTH, _HEIGHT + 20), "white")
        for place, camera in enumerate((model.camera(CAMERA).id, above)):
            self._renderer.update_scene(data, camera)
            sheet.paste(Image.fromarray(self._renderer.render()), (place * _WIDTH, 0))
        _caption(sheet, moment)
        return sheet

    def close(self) -> None:
        """Write the sheet, or end the film."""
        if self._writer is not None:
            self._writer.close()
        elif self._moments:
            count = min(_SHEET_COLUMNS * _SHEET_ROWS, len(self._moments))
            chosen = [
                self._draw(self._moments[index * len(self._moments) // count]) for index in range(count)
            ]
            width, height = chosen[0].size
            rows = math.ceil(count / _SHEET_COLUMNS)
            sheet = Image.new("RGB", (width * _SHEET_COLUMNS, height * rows), "white")
            for index, picture in enumerate(chosen):
                sheet.paste(picture, (index % _SHEET_COLUMNS * width, index // _SHEET_COLUMNS * height))
            sheet.save(self._path)
        if self._renderer is not None:
            self._renderer.close()


def _moment_of(world: World) -> _Moment:
    data, pose = world.plant.scene.data, world.plant.robot_pose()
    x_m, y_m = world.plant.target_m()
    return _Moment(
        data.qpos.copy(),
        data.mocap_pos.copy(),
        data.mocap_quat.copy(),
        world.now_ns / SECOND,
        math.hypot(x_m - pose.x_m, y_m - pose.y_m),
        int(world.body.board.view.rung),
        int(world.supervisor.watch.ladder.rung),
    )


def _caption(sheet: Image.Image, moment: _Moment) -> None:
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((0, _HEIGHT, _WIDTH, _HEIGHT + 20), fill=_COLOURS[moment.board_rung])
    draw.rectangle((_WIDTH, _HEIGHT, 2 * _WIDTH, _HEIGHT + 20), fill=_COLOURS[moment.host_rung])
    told = f"{moment.second:6.2f} s   board {_RUNGS[moment.board_rung]}   target {moment.gap_m:.2f} m"
    draw.text((6, _HEIGHT + 4), told, fill="white")
    draw.text((_WIDTH + 6, _HEIGHT + 4), f"host {_RUNGS[moment.host_rung]}", fill="white")


class _Mp4:
    """Through OpenCV, which only a film needs."""

    def __init__(self, path: Path) -> None:
        try:
            import cv2
        except ImportError:
            raise TaktError(
                "a film needs OpenCV, which is not installed",
                "pip install opencv-python-headless, or name a .png",
            ) from None
        self._cv2 = cv2
        size = (2 * _WIDTH, _HEIGHT + 20)
        self._out = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 25.0, size)

    def add(self, rgb: NDArray[np.uint8]) -> None:
        self._out.write(np.ascontiguousarray(rgb[:, :, ::-1]))

    def close(self) -> None:
        self._out.release()
