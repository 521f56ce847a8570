"""Messages in and out: pictures of a topic in every usual encoding, and detections as vision_msgs has them."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from takt.errors import TaktError
from takt.frames import Attached, Detections

pytest.importorskip("rclpy")

from sensor_msgs.msg import Image  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from takt.nodes.detection_topic import detection_array  # noqa: E402
from takt.nodes.topic_source import rgb_of  # noqa: E402


@pytest.mark.parametrize(
    ("encoding", "pixel", "rgb"),
    [
        ("rgb8", (1, 2, 3), (1, 2, 3)),
        ("bgr8", (3, 2, 1), (1, 2, 3)),
        ("rgba8", (1, 2, 3, 9), (1, 2, 3)),
        ("bgra8", (3, 2, 1, 9), (1, 2, 3)),
        ("mono8", (7,), (7, 7, 7)),
    ],
)
def test_usual_encodings_become_rgb(encoding: str, pixel: tuple[int, ...], rgb: tuple[int, ...]) -> None:
    """Two rows of three pixels, each row padded by two bytes as drivers do."""
    row = bytes(pixel) * 3 + b"\xee\xee"
    message = Image(height=2, width=3, encoding=encoding, step=len(row), data=row * 2)
    pixels = rgb_of(message)
    assert pixels.shape == (2, 3, 3) and (pixels == rgb).all()


@pytest.mark.parametrize(
    "message",
    [
        Image(height=2, width=2, encoding="yuv422", step=4, data=bytes(8)),
        Image(height=2, width=2, encoding="rgb8", step=6, data=bytes(11)),
        Image(height=2, width=2, encoding="rgb8", step=5, data=bytes(12)),
        Image(height=0, width=0, encoding="rgb8", step=0, data=b""),
    ],
)
def test_pictures_that_cannot_be_are_refused(message: Image) -> None:
    with pytest.raises(TaktError):
        rgb_of(message)


def test_detections_as_vision_msgs() -> None:
    kinds = SimpleNamespace(
        Detection2DArray=lambda: SimpleNamespace(header=Header(), detections=[]),
        Detection2D=lambda header: SimpleNamespace(
            header=header,
            results=[],
            bbox=SimpleNamespace(center=SimpleNamespace(position=SimpleNamespace()), size_x=0.0, size_y=0.0),
        ),
        ObjectHypothesisWithPose=lambda: SimpleNamespace(hypothesis=SimpleNamespace()),
    )
    found = Detections(
        np.array([(10, 20, 30, 60)], np.float32), np.array([0.5], np.float32), np.array([1], np.int32)
    )
    message = detection_array(kinds, Attached(7, 3_000_000_005, 0, 0, 0, 0, found), ("target", "obstacle"))
    (one,) = message.detections
    assert (message.header.stamp.sec, message.header.stamp.nanosec) == (3, 5)
    assert (one.bbox.center.position.x, one.bbox.center.position.y, one.bbox.size_x, one.bbox.size_y) == (
        20,
        40,
        20,
        40,
    )
    assert one.results[0].hypothesis.class_id == "obstacle" and one.results[0].hypothesis.score == 0.5
