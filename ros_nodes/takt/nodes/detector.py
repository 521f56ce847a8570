"""The detector node: boxes attached to the newest frame, and a topic for ROS tools while somebody listens."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn

import takt.contract
from takt.errors import TaktError
from takt.nodes.detection_topic import DetectionTopic
from takt.nodes.fault_parameter import FaultParameter
from takt.nodes.miss_teller import MissTeller
from takt.nodes.shell import enter_realtime, main_of, publish_stage, ros_time
from takt.realtime.stage import WatchedStage
from takt.vision import faults, model_card
from takt.vision.detector import Detector
from takt.vision.faults import FaultyModel
from takt.vision.looks import Loaded, Look, load_models, looks_for, looks_of
from takt.vision.perception import Perception

_MODEL = "config/models/takt_nano.yaml"
_prepared: dict[
    tuple[str, str], list[Loaded]
] = {}  # by model and weights: what a spare has loaded ahead of time


def prepare(parameters: dict[str, Any]) -> None:
    """What a spare does before it is needed (takt.supervision.spare). A wrong model is for the node to tell."""
    model, weights = str(parameters.get("model", _MODEL)), str(parameters.get("weights", ""))
    robot = takt.contract.load().robot
    with contextlib.suppress(TaktError):
        card = model_card.load(model, weights)
        size = (robot.camera_width_px, robot.camera_height_px)
        _prepared[model, weights] = load_models(card, *size, lambda line: None)


class DetectorNode(LifecycleNode):  # type: ignore[misc]
    """Active: the perception thread runs; it waits for the camera's ring and for each frame, and blocks nobody."""

    def __init__(self, **kwargs: Any) -> None:
        self._perception: Perception | None = None  # first: a node that fails below is destroyed all the same
        self._misses: MissTeller | None = None
        super().__init__("detector", **kwargs)
        self._contract = takt.contract.load()
        self._ring_name = str(self.declare_parameter("ring", "takt_camera").value)
        model = str(self.declare_parameter("model", _MODEL).value)
        weights = str(self.declare_parameter("weights", "").value)
        self._loaded = _prepared.pop((model, weights), None)
        self._card = model_card.load(model, weights)  # a wrong model ends the process here, with the fix
        self._fault = FaultParameter(self, faults.checked)
        self._misses = MissTeller(self, self._ring_name)
        budget_ms = self._contract.stages["detect"].budget_ms
        self._stage = WatchedStage("detect", budget_ms, self._misses.tell, ros_time(self))
        self._granted = "none"
        self._detections = DetectionTopic(self, self._ring_name, self._card.classes, self._contract.robot)
        publish_stage(self, self._stage, self._facts)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        robot, say = self._contract.robot, self.get_logger().info
        size = (robot.camera_width_px, robot.camera_height_px)
        try:
            spared, self._loaded = self._loaded, None
            loaded = spared or load_models(self._card, *size, say)
            ready = looks_of(loaded, time.perf_counter_ns, quick=spared is not None)
        except TaktError as error:
            self.get_logger().error(str(error))
            return TransitionCallbackReturn.FAILURE
        best = ready[0].model
        assert isinstance(best, Detector)
        self._granted = ",".join(best.providers)
        say(f"model {self._card.name}, providers granted: {self._granted}")

        def make_looks(width_px: int, height_px: int) -> list[Look]:
            usual = (width_px, height_px) == size
            looks = ready if usual else looks_for(self._card, width_px, height_px, time.perf_counter_ns, say)
            return [replace(look, model=FaultyModel(look.model, lambda: self._fault.value)) for look in looks]

        self._perception = Perception(
            self._ring_name,
            make_looks,
            self._stage,
            say,
            lambda: enter_realtime(self),
            ros_ns=ros_time(self),
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
        if self._misses is not None:
            self._misses.close()
            self._stage.close()
        super().destroy_node()

    def _stop(self) -> None:
        if self._perception is not None:
            self._perception.stop()

    def _facts(self) -> dict[str, object]:
        facts: dict[str, object] = {
            "model": self._card.name,
            "providers": self._granted,
            "fault": self._fault.value,
        }
        perception = self._perception
        if perception is None:
            return {"detected": 0, **facts}
        failures = {f"failed_{why.replace(' ', '_')}": n for why, n in perception.breaker.failures.items()}
        facts |= {
            "breaker": perception.breaker.state.name,
            "breaker_opened": perception.breaker.opened,
            **failures,
        }
        if perception.quality is not None:
            facts["look"] = perception.quality.step.name
            facts |= {f"looks_{name}": n for name, n in perception.quality.changes.items()}
        return {"detected": perception.detected, **facts}


main = main_of(DetectorNode)
