"""Trouble inside a node's own process, on order, so that it can be shown who gets the blame for it.

ros2 param set /planner rehearse gc:80       collects garbage for at least 80 ms, in another thread than the loop's
ros2 param set /planner rehearse pages:80    the loop's thread touches new pages for 80 ms of kernel time
ros2 param set /planner rehearse anew:0      no trouble: the loop's lateness is counted anew
"""

from __future__ import annotations

import gc
import mmap
import re
import time
from collections.abc import Callable

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

_FORM = re.compile(r"(gc|pages|anew):(\d{1,3})")
_OBJECTS = 400_000  # a full collection of so many takes about 30 ms
_REGION_BYTES = 16 << 20
_PAGE = 4096


class Rehearsal:
    """``act`` is called by the loop's thread on every turn; it costs nothing until something was ordered."""

    def __init__(self, node: Node, anew: Callable[[], None] = lambda: None) -> None:
        """``anew`` is called by the loop's thread."""
        self._pages_ms = 0
        self._anew, self._wants_anew = anew, False
        self._kept: list[list[int]] = []
        node.declare_parameter("rehearse", "none")
        node.add_on_set_parameters_callback(self._on_set)

    def act(self) -> None:
        """What the loop's thread itself has to suffer."""
        if self._pages_ms:
            milliseconds, self._pages_ms = self._pages_ms, 0
            _touch_pages(milliseconds)
        if self._wants_anew:
            self._wants_anew = False
            self._anew()

    def _on_set(self, parameters: list[Parameter]) -> SetParametersResult:
        for one in parameters:
            found = _FORM.fullmatch(str(one.value)) if one.name == "rehearse" else None
            if one.name == "rehearse" and found is None and one.value != "none":
                return SetParametersResult(successful=False, reason="gc:MS, pages:MS, anew:0 or none")
            if found is not None:
                self._begin(found[1], int(found[2]))
        return SetParametersResult(successful=True)

    def _begin(self, kind: str, milliseconds: int) -> None:
        if kind == "pages":
            self._pages_ms = milliseconds
            return
        if kind == "anew":
            self._wants_anew = True
            return
        if not self._kept:  # made once, by an order for 0 ms if it is not to be in the way
            self._kept = [[i] for i in range(_OBJECTS)]
        end_ns = time.monotonic_ns() + milliseconds * 1_000_000
        while time.monotonic_ns() < end_ns:
            gc.collect()


def _touch_pages(milliseconds: int) -> None:
    end_ns = time.monotonic_ns() + milliseconds * 1_000_000
    while time.monotonic_ns() < end_ns:
        with mmap.mmap(-1, _REGION_BYTES) as region:
            for offset in range(0, _REGION_BYTES, _PAGE):
                region[offset] = 1
