"""The camera node: pictures into the FrameRing at the contract's rate, and onto ROS topics while somebody listens."""

from __future__ import annotations

import array
import math
import time
from typing import Any

import numpy as np
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

import takt.contract
from takt.errors import TaktError
from takt.frames import Frame, FrameRing
from takt.nodes.fault_parameter import FaultParameter
from takt.nodes.miss_teller import MissTeller
from takt.nodes.relief_keeper import SlowedWork
from takt.nodes.shell import enter_realtime, main_of, publish_stage, ros_time
from takt.nodes.topic_source import TopicSource
from takt.realtime.stage import WatchedStage
from takt.vision.capture import Capture
from takt.vision.pictures import jpeg
from takt.vision.sources import ImageSource, SourceSettings, faulty, open_source

_FRAME_ID = "camera_optical_frame"
_TOPIC_DEPTH = 1


class CameraNode(LifecycleNode):  # type: ignore[misc]
    """Active: the capture thread runs. A source that is absent or goes away is opened again by itself."""

    def __init__(self, **kwargs: Any) -> None:
        # First: a node that fails below is destroyed all the same.
        self._ring: FrameRing | None = None
        self._capture: Capture | None = None
        self._topics: _ImageTopics | None = None
        self._misses: MissTeller | None = None
        super().__init__("camera", **kwargs)
        self._contract = takt.contract.load()
        self._ring_name = str(self.declare_parameter("ring", "takt_camera").value)
        self._settings = self._source_settings()
        topic = str(self.declare_parameter("topic", "image_in").value)
        self._subscribed = TopicSource(self, topic) if self._settings.kind == "topic" else None
        self._fault = FaultParameter(self, faulty.checked)
        self._misses = MissTeller(self, self._ring_name)
        budget_ms = self._contract.stages["capture"].budget_ms
        self._stage = WatchedStage("capture", budget_ms, self._misses.tell, ros_time(self))
        self._topics = _ImageTopics(self, self._contract.robot)
        publish_stage(self, self._stage, self._facts)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        try:
            self._ring = FrameRing.create(self._ring_name, self._settings.width_px, self._settings.height_px)
        except TaktError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        self._capture = Capture(
            self._settings,
            self._ring,
            self._stage,
            self.get_logger().info,
            lambda: enter_realtime(self),
            self._open,
            ros_time(self),
        )
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._capture is not None and self._ring is not None and self._topics is not None
        self._capture.start()
        self._topics.start(self._ring)
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        self._release()
        if self._misses is not None:
            self._misses.close()
            self._stage.close()
        super().destroy_node()

    def _open(self, settings: SourceSettings) -> ImageSource:
        subscribed = self._subscribed
        real = (lambda: open_source(settings)) if subscribed is None else (lambda: subscribed)
        return faulty.open_unless_unplugged(real, lambda: self._fault.value)

    def _source_settings(self) -> SourceSettings:
        robot = self._contract.robot
        return SourceSettings(
            kind=str(self.declare_parameter("source", "mujoco").value),
            width_px=robot.camera_width_px,
            height_px=robot.camera_height_px,
            rate_hz=robot.camera_rate_hz,
            plant_state=str(self.declare_parameter("plant_state", "takt_plant").value),
            blank_after_s=float(self.declare_parameter("blank_after_s", -1.0).value),
            device=str(self.declare_parameter("device", "/dev/video0").value),
            folder=str(self.declare_parameter("folder", "").value),
            file=str(self.declare_parameter("file", "").value),
        )

    def _facts(self) -> dict[str, object]:
        capture = self._capture
        if capture is None:
            return {"captured": 0, "source": "closed"}
        return {"captured": capture.captured, "source": "open" if capture.source_open else "waiting"}

    def _stop(self) -> None:
        if self._topics is not None:
            self._topics.stop()
        if self._capture is not None:
            self._capture.stop()

    def _release(self) -> None:
        self._stop()
        if self._ring is not None:
            self._ring.close()
            self._ring = None


class _ImageTopics:
    """Copies the newest frame out at the camera's rate while there are subscribers; else costs one count a frame."""

    def __init__(self, node: LifecycleNode, robot: takt.contract.Robot) -> None:
        self._node = node
        self._image_topic = node.create_publisher(Image, "image_raw", _TOPIC_DEPTH)
        self._jpeg_topic = node.create_publisher(CompressedImage, "image_raw/compressed", _TOPIC_DEPTH)
        self._info_topic = node.create_publisher(CameraInfo, "camera_info", _TOPIC_DEPTH)
        self._image = Image(height=robot.camera_height_px, width=robot.camera_width_px, encoding="rgb8")
        self._image.step = robot.camera_width_px * 3
        self._image.header.frame_id = _FRAME_ID
        # One array for good: assigning another kind of buffer to Image.data copies it element by element.
        self._bytes = array.array("B", bytes(self._image.step * self._image.height))
        self._image.data = self._bytes
        self._view = np.frombuffer(self._image.data, np.uint8)
        self._info = _camera_info(robot)
        self._jpeg = CompressedImage(format="rgb8; jpeg compressed bgr8")
        self._jpeg.header.frame_id = _FRAME_ID
        self._ring: FrameRing | None = None
        self._last = 0
        self._work = SlowedWork(node, "image")
        node.create_timer(1.0 / robot.camera_rate_hz, self._publish)

    def start(self, ring: FrameRing) -> None:
        self._ring, self._last = ring, ring.newest_sequence

    def stop(self) -> None:
        self._ring = None

    def _publish(self) -> None:
        topics = (self._image_topic, self._info_topic, self._jpeg_topic)
        listened = [topic.get_subscription_count() > 0 for topic in topics]
        if self._ring is None or not any(listened):
            return
        frame = self._ring.newest()
        if frame is None or frame.sequence <= self._last or not self._work.due(time.monotonic()):
            return
        self._last = frame.sequence
        for message in (self._image, self._info, self._jpeg):
            message.header.stamp.sec, message.header.stamp.nanosec = divmod(
                frame.capture_stamp_ns, 1_000_000_000
            )
        if listened[0] and self._copied(frame):
            self._image_topic.publish(self._image)
        if listened[1]:
            self._info_topic.publish(self._info)
        if listened[2]:
            picture = jpeg(frame.pixels)
            if frame.still_valid():
                self._jpeg.data = array.array("B", picture)
                self._jpeg_topic.publish(self._jpeg)

    def _copied(self, frame: Frame) -> bool:
        self._view[:] = frame.pixels.reshape(-1)
        return frame.still_valid()


def _camera_info(robot: takt.contract.Robot) -> CameraInfo:
    """A pinhole without distortion, its axis through the middle of the picture."""
    focal_px = robot.camera_width_px / (2.0 * math.tan(robot.camera_horizontal_fov_rad / 2.0))
    x_px, y_px = robot.camera_width_px / 2.0, robot.camera_height_px / 2.0
    info = CameraInfo(
        height=robot.camera_height_px, width=robot.camera_width_px, distortion_model="plumb_bob"
    )
    info.header.frame_id = _FRAME_ID
    info.d = [0.0] * 5
    info.k = [focal_px, 0.0, x_px, 0.0, focal_px, y_px, 0.0, 0.0, 1.0]
    info.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    info.p = [focal_px, 0.0, x_px, 0.0, 0.0, focal_px, y_px, 0.0, 0.0, 0.0, 1.0, 0.0]
    return info


main = main_of(CameraNode)
