"""A camera of this computer, through OpenCV's V4L2 back end. OpenCV is not installed by default: see docs/robot.md."""

from __future__ import annotations

import importlib
import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.sources import SourceSettings


class V4l2Source:
    """The driver's newest picture. Its buffer is one picture deep, so that none waits while we do.

    The stamp is the ROS time at which the picture was handed over, which is after the exposure: OpenCV's stamp of the
    driver (CAP_PROP_POS_MSEC, monotonic clock) is used instead where it is plausible.
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._cv2 = _opencv()
        if not os.path.exists(settings.device):
            raise TaktError(
                f"camera {settings.device} does not exist", "connect it, or set the parameter 'device'"
            )
        self._device = settings.device
        self._camera = self._cv2.VideoCapture(settings.device, self._cv2.CAP_V4L2)
        if not self._camera.isOpened():
            raise TaktError(
                f"camera {settings.device} cannot be opened",
                "end the program that uses it, or add yourself to group video: sudo usermod -aG video $USER",
            )
        wanted = (
            ("FRAME_WIDTH", settings.width_px),
            ("FRAME_HEIGHT", settings.height_px),
            ("FPS", settings.rate_hz),
        )
        for name, value in (*wanted, ("BUFFERSIZE", 1)):
            self._camera.set(getattr(self._cv2, f"CAP_PROP_{name}"), value)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        arrived, picture = self._camera.read()
        stamp_ns = self._stamp_ns()
        if not arrived:
            raise TaktError(f"camera {self._device} gave no picture", "connect it again")
        height_px, width_px = pixels.shape[:2]
        if picture.shape[:2] != (height_px, width_px):
            picture = self._cv2.resize(picture, (width_px, height_px), interpolation=self._cv2.INTER_AREA)
        self._cv2.cvtColor(picture, self._cv2.COLOR_BGR2RGB, dst=pixels)
        return stamp_ns

    def close(self) -> None:
        self._camera.release()

    def _stamp_ns(self) -> int:
        now_ns, monotonic_ns = time.time_ns(), time.monotonic_ns()
        age_ns = monotonic_ns - round(self._camera.get(self._cv2.CAP_PROP_POS_MSEC) * 1e6)
        return now_ns - age_ns if 0 <= age_ns < 200_000_000 else now_ns


def _opencv() -> Any:
    try:
        return importlib.import_module("cv2")
    except ImportError as error:
        raise TaktError(
            "source v4l2 needs OpenCV, which is not installed", "pip install opencv-python-headless"
        ) from error
