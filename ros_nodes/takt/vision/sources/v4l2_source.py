"""A camera of this computer, through OpenCV's V4L2 back end."""

from __future__ import annotations

import os
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.sources import SourceSettings
from takt.vision.sources.clock import RosStamp
from takt.vision.sources.opencv import required


class V4l2Source:
    """The driver's newest picture. Its buffer is one picture deep, so that none waits while we do.

    Its clock is the host's monotonic one: the driver stamps each buffer when the picture is there (OpenCV hands that
    stamp out as CAP_PROP_POS_MSEC).
    """

    def __init__(self, settings: SourceSettings) -> None:
        self._cv2 = required("source v4l2")
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
        self.stamp = RosStamp("monotonic", time.time_ns, time.monotonic_ns)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        try:
            arrived, picture = self._camera.read()
        except self._cv2.error as error:
            raise TaktError(f"camera {self._device} failed: {error}", "connect it again") from error
        if not arrived:
            raise TaktError(f"camera {self._device} gave no picture", "connect it again")
        stamp_ns = self.stamp.of(round(self._camera.get(self._cv2.CAP_PROP_POS_MSEC) * 1e6))
        write_rgb(self._cv2, picture, pixels)
        return stamp_ns

    def close(self) -> None:
        self._camera.release()


def write_rgb(cv2: Any, picture: NDArray[np.uint8], pixels: NDArray[np.uint8]) -> None:
    """A picture as OpenCV gives it (bgr, or one grey plane), of any size, into ``pixels`` (H, W, 3) rgb."""
    height_px, width_px = pixels.shape[:2]
    if picture.shape[:2] != (height_px, width_px):
        picture = cv2.resize(picture, (width_px, height_px), interpolation=cv2.INTER_AREA)
    cv2.cvtColor(picture, cv2.COLOR_GRAY2RGB if picture.ndim == 2 else cv2.COLOR_BGR2RGB, dst=pixels)
