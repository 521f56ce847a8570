"""Where pictures come from: one interface, one module for each kind, imported only when it is used.

Each source states its clock: what its own stamps mean. They become ROS time in one place, ``clock.RosStamp``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError

KINDS = ("mujoco", "v4l2", "video", "images", "topic")


class ImageSource(Protocol):
    """Opened by its constructor; used and closed by one thread, the one that opened it."""

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        """Write the newest picture, rgb8 (H, W, 3), into ``pixels``; returns its capture stamp in ns of ROS time.

        Raises TaktError when the source is gone: close it and open it again. A film raises EOFError at its end.
        """

    def close(self) -> None:
        """Give back device or context."""


@dataclass(frozen=True)
class SourceSettings:
    """What a node's parameters say about its source; each kind reads its own part."""

    kind: str
    width_px: int
    height_px: int
    rate_hz: int
    plant_state: str = "takt_plant"
    blank_after_s: float = -1.0
    device: str = "/dev/video0"
    folder: str = ""
    file: str = ""
    repeat: bool = True  # a film starts over at its end

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise TaktError(f"no image source {self.kind!r}", f"set source to one of: {', '.join(KINDS)}")
        if self.kind == "images" and not self.folder:
            raise TaktError("source images has no folder", "set the parameter 'folder'")
        if self.kind == "video" and not self.file:
            raise TaktError("source video has no file", "set the parameter 'file'")

    @staticmethod
    def of_video(file: str) -> SourceSettings:
        """A film in its own size, once. Raises TaktError if it cannot be opened."""
        from takt.vision.sources.video_file import size_of

        width_px, height_px, rate_hz = size_of(file)
        once = SourceSettings("video", width_px, height_px, rate_hz, file=file)
        return replace(once, repeat=False)


def open_source(settings: SourceSettings) -> ImageSource:
    """Open the source. Raises TaktError when it is not there (yet)."""
    if settings.kind == "mujoco":
        from takt.vision.sources.mujoco_source import MujocoSource

        return MujocoSource(settings)
    if settings.kind == "v4l2":
        from takt.vision.sources.v4l2_source import V4l2Source

        return V4l2Source(settings)
    if settings.kind == "video":
        from takt.vision.sources.video_file import VideoFile

        return VideoFile(settings)
    if settings.kind == "topic":
        raise TaktError(
            "source topic needs a node that subscribes", "use it in the camera node: parameter source:=topic"
        )
    from takt.vision.sources.image_folder import ImageFolder

    return ImageFolder(settings)
