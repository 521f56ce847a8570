"""The detector node: boxes attached to the newest frame, and markers for ROS tools while somebody listens."""

from __future__ import annotations

import math
from typing import Any

from geometry_msgs.msg import Point
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from visualization_msgs.msg import Marker, MarkerArray

import takt.contract
from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.frames import Attached, FrameRing
from takt.nodes.shell import enter_realtime, main_of, publish_stage
from takt.vision import model_card
from takt.vision.detector import Detector
from takt.vision.perception import Perception

_FRAME_ID = "camera_optical_frame"
_MARKER_HZ = 10.0
_COLOURS = ((1.0, 0.55, 0.0), (0.2, 0.7, 1.0))  # by class id, then repeated


class DetectorNode(LifecycleNode):  # type: ignore[misc]
    """Active: the perception thread runs; it waits for the camera's ring and for each frame, and blocks nobody."""

    def __init__(self, **kwargs: Any) -> None:
        self._perception: Perception | None = None  # first: a node that fails below is destroyed all the same
        super().__init__("detector", **kwargs)
        self._contract = takt.contract.load()
        self._ring_name = str(self.declare_parameter("ring", "takt_camera").value)
        model = str(self.declare_parameter("model", "config/models/takt_nano.yaml").value)
        weights = str(self.declare_parameter("weights", "").value)
        self._card = model_card.load(model, weights)  # a wrong model ends the process here, with the fix
        self._stage = StageClock("detect", self._contract.stages["detect"].budget_ms)
        self._granted = "none"
        self._markers = _MarkerTopic(self, self._ring_name, self._card.classes, self._contract.robot)
        publish_stage(self, self._stage, self._facts)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        robot = self._contract.robot
        try:
            ready = Detector(self._card, robot.camera_width_px, robot.camera_height_px)  # loads and warms up
        except TaktError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        self._granted = ",".join(ready.providers)
        self.get_logger().info(f"model {self._card.name}, providers granted: {self._granted}")

        def detector_for(width_px: int, height_px: int) -> Detector:
            usual = (width_px, height_px) == (robot.camera_width_px, robot.camera_height_px)
            return ready if usual else Detector(self._card, width_px, height_px)

        self._perception = Perception(
            self._ring_name, detector_for, self._stage, self.get_logger().info, lambda: enter_realtime(self)
        )
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        assert self._perception is not None
        self._perception.start()
        return TransitionCallbackReturn.SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self._perception = None
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        self._stop()
        super().destroy_node()

    def _stop(self) -> None:
        if self._perception is not None:
            self._perception.stop()

    def _facts(self) -> dict[str, object]:
        detected = self._perception.detected if self._perception is not None else 0
        return {"detected": detected, "model": self._card.name, "providers": self._granted}


class _MarkerTopic:
    """``detections``: each box as a line around what the camera sees, one metre before it."""

    def __init__(
        self, node: LifecycleNode, ring_name: str, classes: tuple[str, ...], robot: takt.contract.Robot
    ) -> None:
        self._ring_name, self._classes, self._robot = ring_name, classes, robot
        self._topic = node.create_publisher(MarkerArray, "detections", 1)
        self._ring: FrameRing | None = None
        self._last = 0
        node.create_timer(1.0 / _MARKER_HZ, self._publish)

    def _publish(self) -> None:
        if self._topic.get_subscription_count() == 0:
            self._ring = None
            return
        try:
            if self._ring is None or not self._ring.is_current():
                self._ring = FrameRing.attach(self._ring_name)
        except TaktError:
            self._ring = None
            return
        attached = self._ring.newest_attached()
        if attached is not None and attached.sequence != self._last:
            self._last = attached.sequence
            self._topic.publish(self._message(attached))

    def _message(self, attached: Attached) -> MarkerArray:
        message = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
        found = attached.detections
        for number, (box, class_id) in enumerate(zip(found.boxes_xyxy_px, found.class_ids, strict=True)):
            marker = Marker(id=number, type=Marker.LINE_STRIP, action=Marker.ADD)
            marker.ns = self._classes[class_id]
            marker.points = self._outline(*(float(edge) for edge in box))
            marker.scale.x = 0.005
            red, green, blue = _COLOURS[class_id % len(_COLOURS)]
            marker.color.r, marker.color.g, marker.color.b, marker.color.a = red, green, blue, 1.0
            message.markers.append(marker)
        seconds, nanoseconds = divmod(attached.capture_stamp_ns, 1_000_000_000)
        for marker in message.markers:
            marker.header.frame_id = _FRAME_ID
            marker.header.stamp.sec, marker.header.stamp.nanosec = seconds, nanoseconds
        return message

    def _outline(self, left: float, top: float, right: float, bottom: float) -> list[Point]:
        robot = self._robot
        focal_px = robot.camera_width_px / (2.0 * math.tan(robot.camera_horizontal_fov_rad / 2.0))
        corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
        middle_x, middle_y = robot.camera_width_px / 2.0, robot.camera_height_px / 2.0
        return [Point(x=(x - middle_x) / focal_px, y=(y - middle_y) / focal_px, z=1.0) for x, y in corners]


main = main_of(DetectorNode)
