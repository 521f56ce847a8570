"""OpenCV, for the sources that need it, quiet and on one thread."""

from __future__ import annotations

from typing import Any

from takt.errors import TaktError
from takt.vision.preprocess import opencv


def required(what: str) -> Any:
    """The module cv2. Raises TaktError where it is not installed."""
    cv2 = opencv()
    if cv2 is None:
        raise TaktError(f"{what} needs OpenCV, which is not installed", "pip install opencv-python-headless")
    return cv2
