"""The simulated camera as a source."""

from __future__ import annotations

import time

import numpy as np
from numpy.typing import NDArray

from takt.simulation.camera import MujocoCamera
from takt.vision.sources import SourceSettings
from takt.vision.sources.clock import RosStamp

_WAIT_S = 0.2  # the caller tries again; a longer wait would keep a node from ending in time


class MujocoSource:
    """Renders the plant's newest state. Its clock is ROS time: the stamp is that of the state shown."""

    def __init__(self, settings: SourceSettings) -> None:
        self._camera = MujocoCamera(
            settings.plant_state, blank_after_s=settings.blank_after_s, wait_s=_WAIT_S
        )
        self.stamp = RosStamp("ros", time.time_ns, time.monotonic_ns)

    def read_into(self, pixels: NDArray[np.uint8]) -> int:
        return self.stamp.of(self._camera.read_into(pixels))

    def close(self) -> None:
        self._camera.close()
