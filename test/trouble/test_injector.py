"""Faults begin and end at their seconds, are written down the moment they begin, and are undone when the run ends."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from takt.errors import TaktError
from takt.trouble import fault_file
from takt.trouble.fault_file import Injected
from takt.trouble.hands import Hands
from takt.trouble.injector import LiveInjector, Operator
from takt.twin.episode import FaultPlan, LineQuality


class Robot:
    """Notes what it is asked."""

    def __init__(self):
        self.asked = []

    def __getattr__(self, name):
        return lambda *arguments: self.asked.append((name, *arguments))


@pytest.fixture
def child():
    popen = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    yield popen
    popen.kill()
    popen.wait()


def state_of(pid):
    return open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]


def wait_for(pid, states):
    end_s = time.monotonic() + 120.0
    while state_of(pid) not in states:
        assert time.monotonic() < end_s
        time.sleep(0.005)


def hands(tmp_path, pids=None, robot=None, power=None):
    return Hands(tmp_path, lambda: pids or {}, robot or Robot(), power or (lambda s: None), LineQuality())


def test_a_fault_has_its_time_and_its_line(tmp_path):
    robot = Robot()
    plans = [FaultPlan("model_nan", 5.0, 1.0, 0.3), FaultPlan("stop_pressed", 2.0, 1.0)]
    injector = LiveInjector(plans, hands(tmp_path, robot=robot), tmp_path, lambda line: None)
    injector.step(1.9, 1000)
    assert robot.asked == [] and not injector.quiet
    injector.step(2.0, 2000)
    injector.step(4.0, 3000)
    injector.step(5.01, 5000)
    assert robot.asked == [("press_stop",), ("set_fault", "detector", "nan")]
    injector.step(6.02, 6000)
    assert robot.asked[-1] == ("set_fault", "detector", "none")
    assert injector.quiet
    assert fault_file.read(tmp_path) == [
        Injected("stop_pressed", 2000, 2000 + 10**9, 0.5),
        Injected("model_nan", 5000, 5000 + 10**9, 0.3),
    ]


def test_a_fault_waits_for_the_robot_and_those_behind_it_too(tmp_path):
    robot = Robot()
    plans = [FaultPlan("stop_pressed", 2.0, 1.0), FaultPlan("model_nan", 6.0, 1.0)]
    injector = LiveInjector(plans, hands(tmp_path, robot=robot), tmp_path, lambda line: None, patience_s=5.0)
    injector.step(2.0, 0, ready=False)
    injector.step(5.0, 0, ready=False)
    assert robot.asked == []
    injector.step(5.1, 0, ready=True)
    assert robot.asked == [("press_stop",)] and injector.delay_s == 3.0
    injector.step(8.9, 0, ready=True)
    assert len(robot.asked) == 1
    injector.step(9.0, 0, ready=False)
    injector.step(11.01, 0, ready=False)  # patience is over
    assert robot.asked[1:] == [("set_fault", "detector", "nan")]


def test_a_frozen_process_goes_on_when_its_time_is_over_or_the_run_ends(tmp_path, child):
    plans = [FaultPlan("camera_freeze", 1.0, 1.0), FaultPlan("camera_freeze", 3.0, 9.0)]
    injector = LiveInjector(plans, hands(tmp_path, {"camera": child.pid}), tmp_path, lambda line: None)
    injector.step(1.0, 0)
    wait_for(child.pid, "T")
    injector.step(2.0, 0)
    wait_for(child.pid, "SR")
    injector.step(3.0, 0)
    wait_for(child.pid, "T")
    injector.close()
    wait_for(child.pid, "SR")


def test_a_kill_is_a_kill(tmp_path, child):
    plans = [FaultPlan("planner_kill", 1.0, 1.0)]
    injector = LiveInjector(plans, hands(tmp_path, {"planner": child.pid}), tmp_path, lambda line: None)
    injector.step(1.0, 0)
    assert child.wait(120) == -signal.SIGKILL


def test_what_cannot_be_done_is_told_and_not_written_down(tmp_path):
    told = []
    plans = [
        FaultPlan("agent_kill", 1.0, 1.0),
        FaultPlan("line_cut", 1.0, 1.0),
        FaultPlan("e_stop", 1.0, 1.0),
    ]
    injector = LiveInjector(plans, hands(tmp_path), tmp_path, told.append)
    injector.step(1.0, 0)
    assert [line.partition(":")[0] for line in injector.failed] == ["agent_kill", "e_stop", "line_cut"]
    assert fault_file.read(tmp_path) == [] and injector.quiet


def test_a_stutter_lets_a_process_run_now_and_then(tmp_path, child):
    one = hands(tmp_path, {"planner": child.pid})
    one.stutter("planner", 0.01, 0.01)
    seen = set()
    end_s = time.monotonic() + 120.0
    while not ({"T"} < seen) and time.monotonic() < end_s:
        seen.add(state_of(child.pid))
    one.thaw()
    assert {"T"} < seen
    wait_for(child.pid, "SR")


def test_the_operator_waits_a_second_and_undoes_what_a_person_may_undo(tmp_path):
    robot = Robot()
    operator = Operator(hands(tmp_path, robot=robot))
    operator.step(False, False, "", True, 5.0, 0)
    operator.step(True, False, "e_stop", True, 6.0, 0)
    assert robot.asked == []
    operator.step(True, False, "e_stop", True, 7.0, 77)
    assert robot.asked == [("take_stop_back",), ("clear_fault",)]
    assert operator.stop_taken_back_ns == 77
    operator.step(True, False, "", False, 7.5, 0)
    operator.step(True, False, "", False, 8.0, 0)
    assert robot.asked[2:] == [("arm",)]
    operator.step(True, True, "", False, 9.5, 0)
    assert len(robot.asked) == 3


def test_a_foreign_line_in_the_fault_file_is_named(tmp_path):
    (tmp_path / fault_file.NAME).write_text(json.dumps({"kind": "x"}) + "\n")
    with pytest.raises(TaktError, match="no injected fault"):
        fault_file.read(tmp_path)
    assert os.path.exists(tmp_path / fault_file.NAME)
