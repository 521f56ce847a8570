"""Models that are slow, fail, answer with NaN, hang or crash, in a real perception on a real ring."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import constant_model as made
import numpy as np
import pytest

from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.vision import faults, model_card
from takt.vision.breaker import BreakerLimits, State
from takt.vision.detector import Detector, NotFinite
from takt.vision.faults import FaultyModel
from takt.vision.looks import Look, looks_for
from takt.vision.perception import Perception
from takt.vision.quality import Step
from takt.vision.time_limit import TimeLimit

WIDTH_PX, HEIGHT_PX = made.COLUMNS * made.STRIDE_PX, made.ROWS * made.STRIDE_PX
LIMIT_S = 0.02
SOURCES = str(Path(__file__).resolve().parents[2] / "ros_nodes")
BUDGET_MS = 5_000.0  # generous: a busy machine must not look like a slow model
SLOW_BUDGET_MS = 200.0  # where the model is to be too slow


@pytest.fixture
def detector(tmp_path: Path) -> Detector:
    output = made.empty_output()
    made.put(output, 1, 2, 0, (4.0, 2.0, 30.0, 26.0), logit=2.0)
    made.write_model(tmp_path / "test.onnx", output)
    return Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX)


class Robot:
    """A camera's ring and a perception whose model misbehaves on command."""

    def __init__(self, ring_name: str, detector: Detector, budget_ms: float) -> None:
        self.fault = "none"
        self.ring = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX)
        self.clock = StageClock("detect", budget_ms)
        self.said: list[str] = []
        model = FaultyModel(detector, lambda: self.fault)
        looks = [Look(Step("at full", 1.0), model), Look(Step("lower", 0.5), model)]
        limits = BreakerLimits(pause_ms=50.0)
        self.perception = Perception(
            ring_name, lambda w, h: looks, self.clock, self.said.append, limits=limits
        )
        self.perception.start()

    def run_until(self, condition: Callable[[], bool], what: str) -> None:
        limit_s, pause_s = time.monotonic() + 120.0, 0.005
        while not condition():
            assert time.monotonic() < limit_s, what
            self.ring.publish(self.ring.begin(), time.time_ns(), 1, 2)
            time.sleep(pause_s)
            pause_s *= 1.02  # on a busy machine a result may take longer than a round of the ring

    def run_frames_seen(self, count: int) -> None:
        seen = self.perception.detected
        self.run_until(lambda: self.perception.detected >= seen + count, "no frame got its results")


@pytest.fixture
def robot(ring_name: str, detector: Detector, request: pytest.FixtureRequest) -> Iterator[Robot]:
    one = Robot(ring_name, detector, getattr(request, "param", BUDGET_MS))
    try:
        one.run_frames_seen(3)
        yield one
    finally:
        one.fault = "none"
        one.perception.stop()


@pytest.mark.parametrize(
    ("robot", "fault", "reason"),
    [
        (BUDGET_MS, "fail", "error"),
        (BUDGET_MS, "nan", "nan"),
        (SLOW_BUDGET_MS, "slow:1e9", "time limit"),
    ],
    indirect=["robot"],
)
def test_a_model_that_fails_opens_the_breaker_and_everybody_can_see_it(
    robot: Robot, fault: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(faults, "_SLOWER", 1e9)
    breaker = robot.perception.breaker
    before = breaker.failures.get(reason, 0)  # a machine that stood still looks like a slow model
    robot.fault = fault.partition(":")[0]
    robot.run_until(lambda: breaker.opened >= 1, "the breaker stayed closed")
    assert breaker.failures[reason] - before == 2, "it opens at the second failure"
    robot.run_until(lambda: not robot.ring.annotator_is_well(), "the ring does not tell")
    robot.run_until(lambda: robot.clock.skipped.get("breaker", 0) > 0, "frames went on to the model")
    robot.fault = "none"
    robot.run_until(robot.ring.annotator_is_well, "it did not recover")
    robot.run_frames_seen(3)
    assert robot.perception.breaker.state is State.CLOSED
    assert any(line == f"detector breaker open: {reason}" for line in robot.said)
    assert sum("the model failed" in line for line in robot.said) <= 2, "told once, not at every frame"


def test_a_dead_annotator_is_seen_at_once(robot: Robot) -> None:
    assert robot.ring.annotator_is_well()
    robot.perception.stop()
    assert not robot.ring.annotator_is_well()


def test_too_slow_a_model_is_looked_through_less_closely(robot: Robot, detector: Detector) -> None:
    assert robot.perception.quality is not None and robot.perception.quality.step.name == "at full"
    robot.clock.budget_ms = 0.0001  # now every run is over its budget, and every frame too old
    robot.perception.quality._budget_ms = 0.0001
    robot.run_until(lambda: robot.ring.quality_step == 1, "the step did not change")
    assert robot.perception.quality.changes == {"lower": 1} and robot.clock.skipped["stale"] >= 2


def test_a_crashing_model_ends_its_process_and_frees_its_place(ring_name: str, detector: Detector) -> None:
    ring = FrameRing.create(ring_name, WIDTH_PX, HEIGHT_PX)
    program = f"""
import numpy as np
from takt.frames import FrameRing
from takt.vision.faults import FaultyModel
ring = FrameRing.attach({ring_name!r}, "annotator")
print("attached", flush=True)
input()
FaultyModel(None, lambda: "crash").detect(np.zeros((1, 1, 3), np.uint8))
"""
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": SOURCES},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdout.readline() == "attached\n"
    assert ring.annotator_is_well()
    child.communicate("\n")
    assert child.returncode == -9 and not ring.annotator_is_well()
    FrameRing.attach(ring_name, "annotator").close()


def test_nan_is_a_failure_and_not_an_empty_picture(tmp_path: Path) -> None:
    output = made.empty_output()
    output[0, 3, 0, 0] = np.nan
    made.write_model(tmp_path / "test.onnx", output)
    with pytest.raises(NotFinite):
        Detector(model_card.load(made.write_card(tmp_path)), WIDTH_PX, HEIGHT_PX).detect(
            np.zeros((HEIGHT_PX, WIDTH_PX, 3), np.uint8)
        )


def test_a_run_that_cannot_be_cancelled_is_given_up() -> None:
    happened: list[str] = []
    limit = TimeLimit(LIMIT_S, 0.05, lambda: happened.append("gave up"))
    with limit.over(lambda: happened.append("cancel")):
        deadline_s = time.monotonic() + 60.0
        while len(happened) < 2 and time.monotonic() < deadline_s:
            time.sleep(0.005)
    assert happened == ["cancel", "gave up"]
    quick = False
    while not quick:  # until the machine lets a quick one be quick
        del happened[2:]
        began_s = time.monotonic()
        with limit.over(lambda: happened.append("cancelled a quick one")):
            pass
        quick = time.monotonic() - began_s < LIMIT_S
    time.sleep(0.1)
    limit.close()
    assert happened == ["cancel", "gave up"]


def test_cancelling_really_ends_a_run() -> None:
    detector, pixels = Detector(model_card.load(), 320, 240), np.full((240, 320, 3), 90, np.uint8)
    detector.cancel()
    with pytest.raises(Exception, match="(?i)terminat"):
        detector.detect(pixels)
    detector.resume()
    detector.detect(pixels)


@pytest.mark.parametrize("fault", ["explode", "slow:fast", "nan:2"])
def test_unknown_faults_are_refused(fault: str) -> None:
    with pytest.raises(TaktError, match="no model fault"):
        faults.checked(fault)


def test_our_model_offers_looks_of_falling_cost_that_see_the_same_place() -> None:
    looks = looks_for(model_card.load(), 320, 240, time.perf_counter_ns, print)
    assert [look.step.name for look in looks] == [
        "at full",
        "in INT8",
        "at a smaller picture",
        "around the track",
        "around the track, every second frame",
    ]
    grey = np.full((240, 320, 3), 90, np.uint8)
    for look in looks:
        look.at(grey, (315.0, 5.0))  # a window at the corner stays inside
    window = looks[3]
    assert window.window_px == (160, 128)
    seen: list[np.ndarray] = []

    class Spy:
        cancel = resume = staticmethod(lambda: None)

        def detect(self, pixels: np.ndarray) -> object:
            seen.append(pixels)
            return FakeFound()

    class FakeFound:
        boxes_xyxy_px = np.array([(1.0, 2.0, 3.0, 4.0)], np.float32)

    found = Look(window.step, Spy(), window.window_px).at(grey, (300.0, 120.0))  # type: ignore[arg-type]
    assert seen[0].shape == (128, 160, 3)
    np.testing.assert_allclose(found.boxes_xyxy_px, [(161.0, 58.0, 163.0, 60.0)])
