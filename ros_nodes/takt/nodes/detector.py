"""The detector node: boxes attached to the newest frame, and a topic for ROS tools while somebody listens."""

from __future__ import annotations

from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

import takt.contract
from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.nodes.detection_topic import DetectionTopic
from takt.nodes.shell import enter_realtime, main_of, publish_stage
from takt.vision import model_card
from takt.vision.detector import Detector
from takt.vision.perception import Perception


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
        self._detections = DetectionTopic(self, self._ring_name, self._card.classes, self._contract.robot)
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


main = main_of(DetectorNode)
