"""A film: its pictures one after the other, at the pace of whoever reads."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.sources import SourceSettings
from takt.vision.sources.clock import RosStamp
from takt.vision.sources.opencv import required
from takt.vision.sources.v4l2_source import write_rgb

_USUAL_RATE_HZ = 30


class VideoFile:
    """A film has no clock that means anything here: the stamp is the ROS time of the reading."""

    def __init__(self, settings: SourceSettings) -> None:
        self._cv2 = required("source video")
        self._file, self._repeat = settings.file, settings.repeat
        self._film = _opened(self._cv2, settings.file)
        self.stamp = RosStamp("none", time.time_ns, time.monotonic_ns)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        stamp_ns = self.stamp.of(None)
        arrived, picture = self._film.read()
        if not arrived and self._repeat:
            self._film.release()
            self._film = _opened(self._cv2, self._file)
            arrived, picture = self._film.read()
        if not arrived:
            raise EOFError(f"{self._file} is at its end")
        write_rgb(self._cv2, picture, pixels)
        return stamp_ns

    def close(self) -> None:
        self._film.release()


def size_of(file: str) -> tuple[int, int, int]:
    """Width and height in px, and whole pictures a second, of a film."""
    cv2 = required("source video")
    film = _opened(cv2, file)
    width, height, rate = (
        film.get(getattr(cv2, f"CAP_PROP_{name}")) for name in ("FRAME_WIDTH", "FRAME_HEIGHT", "FPS")
    )
    film.release()
    return int(width), int(height), round(rate) if 1 <= rate <= 1000 else _USUAL_RATE_HZ


def _opened(cv2: Any, file: str) -> Any:
    if not Path(file).is_file():
        raise TaktError(f"film {file} does not exist", "check the path")
    film = cv2.VideoCapture(file)
    if not film.isOpened() or film.get(cv2.CAP_PROP_FRAME_WIDTH) < 1:
        raise TaktError(f"film {file} cannot be read", "convert it: ffmpeg -i FILM -c:v libx264 film.mp4")
    return film
