"""A robot that is not there: a ring with drawn pictures and a state that moves, for the page's tests."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future

import numpy as np
import pytest

import takt.contract
from takt.contract.parameters import board_parameters
from takt.dashboard import (
    Access,
    Answer,
    DashboardServer,
    ParameterRow,
    PictureTaker,
    RobotState,
    browser,
    listen,
)
from takt.deadlines import Histogram
from takt.deadlines.journey import Journey
from takt.deadlines.miss import Miss
from takt.frames import Detections, FrameRing

RING = f"takt_test_dashboard_{os.getpid()}"
BOXES = np.array([[120, 60, 180, 200], [20, 90, 70, 180]], np.float32)
FOUND = Detections(BOXES, np.array([0.93, 0.8], np.float32), np.array([0, 1], np.int32))


class PretendOrders:
    """Does what the page asks, at once. Parameters are those of the contract, judged as the board judges them."""

    def __init__(self) -> None:
        self.stops = threading.Event()
        self.given: list[str] = []
        self.rows = {p.name: p for p in board_parameters(takt.contract.load())}
        self.values = {name: p.value for name, p in self.rows.items()}
        self.unheard: list[Future[Answer]] = []
        self.silent = False

    def stop(self) -> None:
        self.given.append("stop")
        self.stops.set()

    def order(self, name: str) -> Future[Answer]:
        self.given.append(name)
        return self._answer(Answer(True, f"{name} done"))

    def read_parameters(self) -> Future[list[ParameterRow]]:
        told: Future[list[ParameterRow]] = Future()
        if self.silent:
            told.set_exception(LookupError("the board does not answer for its parameters"))
        else:
            told.set_result([self._row(name) for name in self.rows])
        return told

    def set_parameter(self, name: str, value: float) -> Future[Answer]:
        if name not in self.rows:
            return self._answer(Answer(False, "no such parameter"))
        row = self.rows[name]
        if not row.low <= value <= row.high:
            return self._answer(Answer(False, f"out of range, allowed: {row.allowed}"))
        self.values[name] = value
        return self._answer(Answer(True, "set"))

    def _row(self, name: str) -> ParameterRow:
        row, value = self.rows[name], self.values[name]
        limits = (row.low, row.high, row.step)
        return ParameterRow(name, value, row.whole, *limits, row.change == "never", row.purpose, "")

    def _answer(self, answer: Answer) -> Future[Answer]:
        told: Future[Answer] = Future()
        if self.silent:
            self.unheard.append(told)
        else:
            told.set_result(answer)
        return told


class PretendRobot:
    """Publishes pictures at ``rate_hz`` and turns in circles until stopped."""

    def __init__(self, rate_hz: float = 30.0, access: Access | None = None) -> None:
        FrameRing.remove(RING)
        self.state = RobotState(takt.contract.load())
        self.orders = PretendOrders()
        self.server = DashboardServer(self.state, PictureTaker(RING), listen(0), self.orders, access)
        self._ring, self._period_s = FrameRing.create(RING, 320, 240), 1.0 / rate_hz
        self._annotator = FrameRing.attach(RING, "annotator")
        self._histograms = {stage: Histogram() for stage in ("capture", "detect", "plan", "link")}
        self._missed = 0
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

    def miss(self, source: str = "planner", cause: str = "run_queue_wait", stage: str = "plan") -> Miss:
        """A deadline passes now."""
        self._missed += 1
        evidence = {"run_queue_wait_ms": 12.1, "gc_pause_ms": 0.0}
        late_ns = 12_100_000
        made = Miss(source, 7, self._missed, stage, time.time_ns(), 0, late_ns, cause, evidence)
        self.state.misses.add(made, time.time_ns())
        return made

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
        self.state.set_journey(journey_of(stamp_ns))

    def _tell(self, step: int, now_ns: int) -> None:
        angle = step / 40.0
        x_m, y_m = 1.5 * math.cos(angle), 1.5 * math.sin(angle)
        self.state.set_pose(x_m, y_m, angle + math.pi / 2, 0.4, 0.3, now_ns)
        self.state.set_target(1.9 * math.cos(angle + 0.7), 1.9 * math.sin(angle + 0.7), angle, now_ns)
        self.state.set_obstacles([(0.2, 0.1, 0.15, False), (-2.4, 1.0, 0.1, True)], now_ns)
        self.state.set_rung("NOMINAL", "", "", {"NOMINAL": step / 30.0}, now_ns)
        for stage, scale in (("capture", 2.0), ("detect", 9.0), ("plan", 2.5), ("link", 0.8)):
            histogram = self._histograms[stage]
            histogram.add(1e3 * scale * (1 + 0.3 * math.sin(step)))
            words = {"misses": 0, "budget": 5, "buckets": histogram.spread()}
            values = {key: str(value) for key, value in (histogram.summary_ms() | words).items()}
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


def journey_of(stamp_ns: int) -> Journey:
    """34 ms from light to motor, every stretch stamped."""
    ends_ms = {
        "capture": 4,
        "ring": 5,
        "detect": 17,
        "plan_wait": 19,
        "plan": 22,
        "middleware": 24,
        "link": 26,
    }
    stages, from_ns = [], stamp_ns
    for name, end_ms in (ends_ms | {"apply": 34}).items():
        to_ns = stamp_ns + end_ms * 1_000_000
        stages.append((name, from_ns, to_ns))
        from_ns = to_ns
    return Journey(stamp_ns, tuple(stages), from_ns, 150_000)


@pytest.fixture
def robot_with() -> Iterator[Callable[[Access | None], PretendRobot]]:
    """Makes a running robot whose page has these rules of access; one a test."""
    made: list[PretendRobot] = []

    def make(access: Access | None) -> PretendRobot:
        made.append(PretendRobot(access=access))
        made[0].start()
        return made[0]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def robot(robot_with: Callable[[Access | None], PretendRobot]) -> PretendRobot:
    return robot_with(None)


@pytest.fixture(scope="session")
def devtools(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running Chromium's DevTools; every test opens a tab of its own."""
    with browser.chromium(tmp_path_factory.mktemp("chromium")) as address:
        yield address
