"""A robot that is not there: a ring with drawn pictures and a state that moves, for the page's tests."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

import takt.contract
from takt.dashboard import DashboardServer, PictureTaker, RobotState, listen
from takt.frames import Detections, FrameRing

RING = f"takt_test_dashboard_{os.getpid()}"
BOXES = np.array([[120, 60, 180, 200], [20, 90, 70, 180]], np.float32)
FOUND = Detections(BOXES, np.array([0.93, 0.8], np.float32), np.array([0, 1], np.int32))


class PretendRobot:
    """Publishes pictures at ``rate_hz`` and turns in circles until stopped."""

    def __init__(self, rate_hz: float = 30.0) -> None:
        FrameRing.remove(RING)
        self.state = RobotState(takt.contract.load())
        self.stops = threading.Event()
        self.server = DashboardServer(self.state, PictureTaker(RING), listen(0), self.stops.set)
        self._ring, self._period_s = FrameRing.create(RING, 320, 240), 1.0 / rate_hz
        self._annotator = FrameRing.attach(RING, "annotator")
        self._shown: list[int] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._live)

    def start(self) -> None:
        self.server.start()
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self.server.stop()
        self._annotator.close()
        self._ring.close()
        FrameRing.remove(RING)

    def _live(self) -> None:
        step = 0
        while not self._end.wait(self._period_s):
            step += 1
            self._show_picture(step)
            self._tell(step, time.time_ns())

    def _show_picture(self, step: int) -> None:
        stamp_ns = time.time_ns()
        slot = self._ring.begin()
        slot.pixels[:] = (40, 60, (7 * step) % 200)
        sequence = self._ring.publish(slot, stamp_ns, stamp_ns, time.time_ns())
        began_ns = time.time_ns()
        self._annotator.attach_detections(sequence, FOUND, began_ns, began_ns + 4_000_000)
        self._shown.append(stamp_ns)
        for shown_ns in self._shown[-6:-2]:  # by now the page has taken some of these
            self.state.set_applied(shown_ns, shown_ns + 34_000_000)

    def _tell(self, step: int, now_ns: int) -> None:
        angle = step / 40.0
        x_m, y_m = 1.5 * math.cos(angle), 1.5 * math.sin(angle)
        self.state.set_pose(x_m, y_m, angle + math.pi / 2, 0.4, 0.3, now_ns)
        self.state.set_target(1.9 * math.cos(angle + 0.7), 1.9 * math.sin(angle + 0.7), angle, now_ns)
        self.state.set_obstacles([(0.2, 0.1, 0.15, False), (-2.4, 1.0, 0.1, True)], now_ns)
        self.state.set_rung("NOMINAL", "", "", {"NOMINAL": step / 30.0}, now_ns)
        for stage, scale in (("capture", 2.0), ("detect", 9.0), ("plan", 2.5), ("link", 0.8)):
            figures = {
                "p50": scale,
                "p95": 1.3 * scale,
                "p99": 1.6 * scale,
                "max": 2.2 * scale,
                "count": step,
            }
            values = {key: str(value) for key, value in (figures | {"misses": 0, "budget": 5}).items()}
            self.state.set_status(f"node: {stage}", "OK", "", values, now_ns)
        for part, values in self.board_words(step).items():
            self.state.set_status(f"base: {part}", "OK", "", values, now_ns)

    @staticmethod
    def board_words(step: int) -> dict[str, dict[str, str]]:
        """What the board says of itself, as text, the way diagnostics carry it."""
        spread = {"p50": 25, "p95": 61, "p99": 88, "max": 410}
        timing = {f"release_jitter_{key}_us": str(value) for key, value in spread.items()}
        timing |= {f"execution_{key}_us": str(value // 2) for key, value in spread.items()}
        commands = {f"photon_to_motor_{key}_us": str(30_000 + 100 * value) for key, value in spread.items()}
        return {
            "loop": {"cycles": str(100 * step), "misses": "0"},
            "timing": timing,
            "link": {"state": "connected", "rx": str(7 * step), "tx": str(9 * step), "round_trip_us": "210"},
            "clock": {"locked": "true", "bound_us": "180", "drift_ppm": "12.5"},
            "motors": {"speed_left_rad_s": "6.1", "setpoint_left_rad_s": "6.0", "supply_mv": "11900"},
            "safety": {"rung": "NOMINAL", "armed": "true", "fault": "none"},
            "commands": commands | {"photon_to_motor_count": str(step)},
        }


@pytest.fixture
def robot() -> Iterator[PretendRobot]:
    made = PretendRobot()
    made.start()
    yield made
    made.close()
