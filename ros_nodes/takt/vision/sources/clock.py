"""The one place where a source's own stamps become ROS time.

Three clocks occur: ``ros`` (simulation, messages: nothing to do), ``monotonic`` (drivers: V4L2 stamps the buffer by the
host's monotonic clock), ``none`` (files and drivers that tell nothing: the moment of the reading counts).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Clock = Literal["ros", "monotonic", "none"]
_OLDEST_NS = 1_000_000_000  # a driver's stamp that is older, or ahead, is no capture stamp of this picture


class RosStamp:
    """Converts stamps of one source; both clocks are arguments, so that it can be tested without waiting."""

    def __init__(self, clock: Clock, ros_ns: Callable[[], int], monotonic_ns: Callable[[], int]) -> None:
        self.clock = clock
        self._ros_ns, self._monotonic_ns = ros_ns, monotonic_ns
        self.implausible = 0  # stamps of the driver that were not used

    def of(self, stamp_ns: int | None) -> int:
        """``stamp_ns`` of the source's clock in ns of ROS time; the moment of the call where there is none."""
        now_ns = self._ros_ns()
        if self.clock == "none" or stamp_ns is None:
            return now_ns
        if self.clock == "ros":
            return stamp_ns
        age_ns = self._monotonic_ns() - stamp_ns
        if not 0 <= age_ns <= _OLDEST_NS:
            self.implausible += 1
            return now_ns
        return now_ns - age_ns
