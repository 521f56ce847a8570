"""ProcessKeeper with real processes: restart, back-off, giving up, and an end that leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.graph import Process
from takt.supervision import processes
from takt.supervision.processes import ProcessKeeper, command_line

SOURCES = str(Path(__file__).resolve().parents[2] / "ros_nodes")
SLEEPER = (sys.executable, ("-c", "import time\nwhile True: time.sleep(60)"))
STUBBORN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("up", flush=True)
time.sleep(600)
"""
SUPERVISOR = """
import sys, time
from pathlib import Path
from takt.graph import Process
from takt.supervision.processes import ProcessKeeper
sleeper = Process("a", sys.executable, ("-c", "import time; time.sleep(600)"), ros=False)
keeper = ProcessKeeper([sleeper], Path(sys.argv[1]), print)
keeper.start()
print(keeper.pids()["a"], flush=True)
time.sleep(600)
"""


def keeper_of(tmp_path, *processes):
    told = []
    return ProcessKeeper(list(processes), tmp_path / "log", told.append), told


def wait_for(condition, limit_s=120.0):
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "condition not reached"
        time.sleep(0.01)


def sleeper(name="a", **more):
    return Process(name, SLEEPER[0], SLEEPER[1], ros=False, **more)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def dead(pid):
    """Gone, or waiting for its new parent to ask for its status, which not every container's first process does."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return True


def test_a_killed_process_is_named_and_comes_back(tmp_path):
    keeper, told = keeper_of(tmp_path, sleeper("a"), sleeper("b"))
    keeper.start()
    try:
        first = keeper.pids()
        os.kill(first["a"], signal.SIGKILL)
        died = []
        wait_for(
            lambda: (
                died.extend(keeper.poll(time.monotonic())) or keeper.pids().get("a", first["a"]) != first["a"]
            )
        )
        assert died == ["a"]
        assert keeper.pids()["b"] == first["b"]
        assert "status -9" in told[0]
    finally:
        keeper.stop()
    assert all(gone(pid) for pid in [*first.values(), *keeper.pids().values()])


def test_one_that_may_not_restart_stays_down(tmp_path):
    keeper, told = keeper_of(tmp_path, Process("once", sys.executable, ("-c", ""), ros=False, restart=False))
    keeper.start()
    wait_for(lambda: keeper.poll(time.monotonic()) == ["once"])
    assert keeper.poll(time.monotonic() + 100.0) == []
    assert keeper.pids() == {}


def test_one_that_keeps_dying_is_given_up_with_growing_pauses(tmp_path):
    keeper, told = keeper_of(
        tmp_path, Process("bad", sys.executable, ("-c", "raise SystemExit(3)"), ros=False)
    )
    keeper.start()
    virtual_s = time.monotonic()

    def step():
        nonlocal virtual_s
        popen = keeper.kept["bad"].popen
        if popen is not None:
            popen.wait(120)
        keeper.poll(virtual_s)
        virtual_s += 1.0 if keeper.kept["bad"].restart_at_s is not None else 0.0
        return keeper.kept["bad"].given_up

    wait_for(step)
    pauses = [float(line.split("restart in ")[1].split()[0]) for line in told if "restart in" in line]
    assert pauses[:4] == [0.05, 0.1, 0.2, 0.4]
    assert "given up" in told[-1]


def test_a_stubborn_process_is_killed(tmp_path):
    keeper, told = keeper_of(tmp_path, Process("stubborn", sys.executable, ("-c", STUBBORN), ros=False))
    keeper.start()
    pid = keeper.pids()["stubborn"]
    wait_for(lambda: (tmp_path / "log/stubborn.log").read_text().startswith("up"))
    keeper.stop(within_s=0.1)
    assert gone(pid)
    assert "killed" in told[-1]


def test_children_die_with_the_supervisor_even_on_kill_9(tmp_path):
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    parent = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()
    wait_for(lambda: dead(child))


def test_a_missing_program_is_one_clear_error():
    with pytest.raises(TaktError, match=r"takt_nothing was not found.*Fix: pip install"):
        command_line(Process("x", "takt_nothing"))
    with pytest.raises(TaktError, match=r"Fix: build the firmware"):
        command_line(Process("x", "/nowhere/takt_firmware", ros=False))


def test_ros_parameters_keep_their_types():
    line = command_line(Process("x", sys.executable, parameters={"a": "1", "b": True, "c": 2, "d": 0.5}))
    assert line[1:] == [
        "--ros-args",
        "-r",
        "__node:=x",
        "-p",
        "a:='1'",
        "-p",
        "b:=true",
        "-p",
        "c:=2",
        "-p",
        "d:=0.5",
    ]


SPARE_NODE = """
import json, os, sys, time
prepared = []
def prepare(parameters):
    prepared.append(parameters)
def main():
    print("main", json.dumps([prepared, sys.argv[1:], os.sched_getscheduler(0)]), flush=True)
    time.sleep(600)
"""


@pytest.fixture
def with_spare(tmp_path, monkeypatch):
    """A keeper of a sleeper whose spare is a module of this test."""
    (tmp_path / "a_spare_node.py").write_text(SPARE_NODE)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}:{SOURCES}")
    monkeypatch.setattr(processes, "module_of", lambda executable: "a_spare_node")
    monkeypatch.setattr(processes, "_SPARE_AFTER_S", 0.0)
    process = Process("a", SLEEPER[0], (*SLEEPER[1], "--x"), {"size": 3}, ros=False, spare=True)
    keeper, told = keeper_of(tmp_path, process)
    keeper.start()
    yield keeper, told
    keeper.stop(0.2)


def ready_spare(keeper):
    kept = keeper.kept["a"]
    wait_for(lambda: keeper.poll(time.monotonic()) is not None and kept.spare is not None)
    return kept.spare


def test_a_spare_takes_over_at_once_with_the_arguments_of_the_dead(with_spare, tmp_path):
    keeper, told = with_spare
    spare = ready_spare(keeper)
    os.kill(keeper.pids()["a"], signal.SIGKILL)
    wait_for(lambda: keeper.poll(time.monotonic()) == ["a"])
    assert keeper.pids()["a"] == spare.pid
    assert "restart in 0.00 s" in told[0]
    log = tmp_path / "log/a.log"
    wait_for(lambda: b"main" in log.read_bytes())
    prepared, arguments, policy = json.loads(log.read_text().partition("main ")[2])
    assert prepared == [{"size": 3}]
    assert arguments == [*SLEEPER[1], "--x"]
    assert policy == os.SCHED_OTHER
    assert ready_spare(keeper).pid != spare.pid


def test_a_spare_that_died_is_replaced_and_no_spare_outlives_the_end(with_spare):
    keeper, _ = with_spare
    first = ready_spare(keeper)
    first.kill()
    first.wait()
    wait_for(lambda: keeper.poll(time.monotonic()) == [] and keeper.kept["a"].spare not in (None, first))
    last = keeper.kept["a"].spare
    keeper.stop(0.2)
    assert gone(last.pid)
