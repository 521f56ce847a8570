"""Parameter ``fault`` of the camera and the detector: an injected fault, which may be set while the node runs.

``ros2 param set /camera fault covered`` (takt.vision.sources.faulty), ``/detector fault nan`` (takt.vision.faults).
"""

from __future__ import annotations

from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from takt.errors import TaktError


class FaultParameter:
    """``checked`` gives back what it is given, or raises TaktError where that is no fault of this node."""

    def __init__(self, node: Node, checked: Callable[[str], str]) -> None:
        self._checked = checked
        self.value = checked(str(node.declare_parameter("fault", "none").value))
        node.add_on_set_parameters_callback(self._on_set)

    def _on_set(self, parameters: list[Parameter]) -> SetParametersResult:
        for one in parameters:
            if one.name == "fault":
                try:
                    self.value = self._checked(str(one.value))
                except TaktError as error:
                    return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)
