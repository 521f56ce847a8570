"""The topic ``detections``: vision_msgs/Detection2DArray where that package exists, else markers that rviz shows."""

from __future__ import annotations

import importlib
import math
from typing import Any

from geometry_msgs.msg import Point
from rclpy.lifecycle import LifecycleNode
from visualization_msgs.msg import Marker, MarkerArray

import takt.contract
from takt.errors import TaktError
from takt.frames import Attached, FrameRing

_FRAME_ID = "camera_optical_frame"
_RATE_HZ = 10.0
_COLOURS = ((1.0, 0.55, 0.0), (0.2, 0.7, 1.0))  # by class id, then repeated
_NANOSECONDS = 1_000_000_000


class DetectionTopic:
    """Results of the newest frame, while somebody listens; without a listener it does not even open the ring."""

    def __init__(
        self, node: LifecycleNode, ring_name: str, classes: tuple[str, ...], robot: takt.contract.Robot
    ) -> None:
        self._ring_name, self._classes, self._robot = ring_name, classes, robot
        self._vision = vision_messages()
        kind = MarkerArray if self._vision is None else self._vision.Detection2DArray
        self._topic = node.create_publisher(kind, "detections", 1)
        self._ring: FrameRing | None = None
        self._last = 0
        node.create_timer(1.0 / _RATE_HZ, self._publish)

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
            if self._vision is not None:
                self._topic.publish(detection_array(self._vision, attached, self._classes))
            else:
                self._topic.publish(marker_array(attached, self._classes, self._robot))


def vision_messages() -> Any:
    """The module vision_msgs.msg, or None where it is not installed."""
    try:
        return importlib.import_module("vision_msgs.msg")
    except ImportError:
        return None


def detection_array(kinds: Any, attached: Attached, classes: tuple[str, ...]) -> Any:
    """Boxes in pixels of the picture, in the layout that vision_msgs has had since Humble."""
    message = kinds.Detection2DArray()
    _stamp(message.header, attached.capture_stamp_ns)
    found = attached.detections
    for box, score, class_id in zip(found.boxes_xyxy_px, found.scores, found.class_ids, strict=True):
        left, top, right, bottom = (float(edge) for edge in box)
        one = kinds.Detection2D(header=message.header)
        one.bbox.center.position.x, one.bbox.center.position.y = (left + right) / 2, (top + bottom) / 2
        one.bbox.size_x, one.bbox.size_y = right - left, bottom - top
        guess = kinds.ObjectHypothesisWithPose()
        guess.hypothesis.class_id, guess.hypothesis.score = classes[class_id], float(score)
        one.results.append(guess)
        message.detections.append(one)
    return message


def marker_array(attached: Attached, classes: tuple[str, ...], robot: takt.contract.Robot) -> MarkerArray:
    """Each box as a line around what the camera sees, one metre before it."""
    message = MarkerArray(markers=[Marker(action=Marker.DELETEALL)])
    found = attached.detections
    for number, (box, class_id) in enumerate(zip(found.boxes_xyxy_px, found.class_ids, strict=True)):
        marker = Marker(id=number, type=Marker.LINE_STRIP, action=Marker.ADD)
        marker.ns = classes[class_id]
        marker.points = _outline(robot, *(float(edge) for edge in box))
        marker.scale.x = 0.005
        red, green, blue = _COLOURS[class_id % len(_COLOURS)]
        marker.color.r, marker.color.g, marker.color.b, marker.color.a = red, green, blue, 1.0
        message.markers.append(marker)
    for marker in message.markers:
        _stamp(marker.header, attached.capture_stamp_ns)
    return message


def _stamp(header: Any, stamp_ns: int) -> None:
    header.frame_id = _FRAME_ID
    header.stamp.sec, header.stamp.nanosec = divmod(stamp_ns, _NANOSECONDS)


def _outline(robot: takt.contract.Robot, left: float, top: float, right: float, bottom: float) -> list[Point]:
    focal_px = robot.camera_width_px / (2.0 * math.tan(robot.camera_horizontal_fov_rad / 2.0))
    corners = ((left, top), (right, top), (right, bottom), (left, bottom), (left, top))
    middle_x, middle_y = robot.camera_width_px / 2.0, robot.camera_height_px / 2.0
    return [Point(x=(x - middle_x) / focal_px, y=(y - middle_y) / focal_px, z=1.0) for x, y in corners]
