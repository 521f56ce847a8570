"""Pictures for a recording, thinned, read off the frame ring: the camera does nothing for them."""

from __future__ import annotations

import array

from rclpy.serialization import serialize_message
from sensor_msgs.msg import CompressedImage

from takt.errors import TaktError
from takt.frames import FrameRing
from takt.recording.channels import PICTURE_TOPIC
from takt.recording.sample import Sample
from takt.vision.pictures import jpeg

_FRAME_ID = "camera_optical_frame"
_QUALITY = 75
_QUIET_NS = 2_000_000_000  # no new picture for so long: the camera may have made another ring


class Pictures:
    """At most ``rate_hz`` a second; the ring may be absent, appear later, or be replaced."""

    def __init__(self, ring_name: str, rate_hz: int) -> None:
        self._name = ring_name
        self._every_ns = 1_000_000_000 // rate_hz if rate_hz else 0
        self._ring: FrameRing | None = None
        self._last_ns = 0
        self._last_sequence = 0

    def take(self, now_ns: int) -> Sample | None:
        """The newest picture, if one is due. ``now_ns`` is ROS time: the time of arrival."""
        if not self._every_ns or 0 <= now_ns - self._last_ns < self._every_ns:
            return None
        ring = self._current_ring(now_ns)
        frame = ring.newest() if ring is not None else None
        if frame is None or frame.sequence == self._last_sequence:
            return None
        picture = jpeg(frame.pixels, _QUALITY)
        if not frame.still_valid():
            return None
        self._last_ns, self._last_sequence = now_ns, frame.sequence
        return Sample(PICTURE_TOPIC, now_ns, frame.capture_exit_ns, _message(picture, frame.capture_stamp_ns))

    def _current_ring(self, now_ns: int) -> FrameRing | None:
        if self._ring is not None and now_ns - self._last_ns > _QUIET_NS and not self._ring.is_current():
            self._ring.close()
            self._ring, self._last_sequence = None, 0
        if self._ring is None:
            try:
                self._ring = FrameRing.attach(self._name, role="reader")
            except TaktError:
                return None  # the camera has not made its ring yet
        return self._ring


def _message(picture: bytes, stamp_ns: int) -> bytes:
    message = CompressedImage(format="rgb8; jpeg compressed bgr8", data=array.array("B", picture))
    message.header.frame_id = _FRAME_ID
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp_ns, 1_000_000_000)
    return bytes(serialize_message(message))
