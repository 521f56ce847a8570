"""Pictures of a sensor_msgs/Image topic as a source: a driver, a bag or a simulator in place of our own camera."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from takt.errors import TaktError
from takt.vision.pictures import scaled
from takt.vision.sources.clock import RosStamp

_PATIENCE_S = 1.0
_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)  # also hears reliable publishers
_ENCODINGS = {"rgb8": (3, (0, 1, 2)), "bgr8": (3, (2, 1, 0)), "rgba8": (4, (0, 1, 2)), "bgra8": (4, (2, 1, 0)),
              "mono8": (1, (0, 0, 0))}  # fmt: skip


class TopicSource:
    """Its clock is ROS time: the stamp is that of the message's header. Made once; the executor's thread fills it."""

    def __init__(self, node: LifecycleNode, topic: str) -> None:
        self._topic = topic
        self._came = threading.Condition()
        self._message: Image | None = None
        self.stamp = RosStamp("ros", time.time_ns, time.monotonic_ns)
        node.create_subscription(Image, topic, self._hear, _QOS)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        """Waits for a picture that was not read yet; TaktError when none comes, or one that we cannot read."""
        with self._came:
            if not self._came.wait_for(lambda: self._message is not None, _PATIENCE_S):
                raise TaktError(
                    f"topic {self._topic} brings no picture", "start its publisher, or check its name"
                )
            message, self._message = self._message, None
        assert message is not None
        pixels[:] = scaled(rgb_of(message), pixels.shape[1], pixels.shape[0])
        stamp = message.header.stamp
        return self.stamp.of(stamp.sec * 1_000_000_000 + stamp.nanosec)

    def close(self) -> None:
        """The subscription stays for the next opening."""

    def _hear(self, message: Image) -> None:
        with self._came:
            self._message = message
            self._came.notify()


def rgb_of(message: Any) -> NDArray[np.uint8]:
    """The pixels of a sensor_msgs/Image as rgb8 (H, W, 3), a view where it is one. TaktError for other encodings."""
    if message.encoding not in _ENCODINGS:
        raise TaktError(
            f"the picture is encoded as {message.encoding!r}", f"publish one of: {', '.join(_ENCODINGS)}"
        )
    channels, order = _ENCODINGS[message.encoding]
    data = np.frombuffer(message.data, np.uint8)
    wide = message.width * channels
    if message.step < wide or data.size < message.step * message.height or message.height < 1 or wide < 1:
        raise TaktError(
            f"the picture says {message.width} x {message.height}, step {message.step}, but has {data.size} bytes",
            "correct its publisher",
        )
    rows = data[: message.step * message.height].reshape(message.height, message.step)[:, :wide]
    pixels: NDArray[np.uint8] = rows.reshape(message.height, message.width, channels)[..., order]
    return pixels
