"""Hardware in the loop over two ptys: a board with two serial ports, `takt plant --dev` at one, an agent at the other.

The board is the posix firmware; to the host it is two serial devices, as a real one is.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import termios
import time
import tty
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import takt.contract
from takt.contract.generated import messages
from takt.demo import options as demo_options
from takt.errors import TaktError
from takt.graph import SimOptions, simulation
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation import plant_log
from takt.simulation.board_port import BoardPort

LIMIT_S = 200.0  # a wait this long for an event means that it will not come


@pytest.fixture
def board(firmware_build: Path, tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Its two serial devices: link and plant stream."""
    link, plant = tmp_path / "link", tmp_path / "plant"
    command = [firmware_build / "takt_firmware", "--link", f"pty:{link}", "--plant", f"pty:{plant}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    end_s = time.monotonic() + LIMIT_S
    while not (link.exists() and plant.exists()):
        assert time.monotonic() < end_s, "the firmware offers no lines"
        time.sleep(0.01)
    yield link, plant
    process.terminate()
    process.wait(LIMIT_S)


class Host:
    """An agent on the board's link, and whoever arms and commands through it."""

    def __init__(self, link: Path) -> None:
        self.ros = MemoryRos()
        self.core = AgentCore(self.ros)
        self.fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self._commanded_ns = self._asked_ns = 0

    def turn(self) -> None:
        now_ns = self.ros.clock_ns = time.time_ns()
        with contextlib.suppress(OSError):  # nothing there
            self.core.receive(os.read(self.fd, 65536), now_ns)
        self.core.run(now_ns)
        if now_ns - self._commanded_ns > 20_000_000:
            self._commanded_ns = now_ns
            twist = messages.TwistStamped()
            twist.header.stamp.sec, twist.header.stamp.nanosec = divmod(now_ns, 10**9)
            twist.twist.angular.z = 1.5  # on the spot: nothing is in its way
            self.ros.deliver("rt/cmd_vel", twist.to_cdr())
        if now_ns - self._asked_ns > 500_000_000:
            self._asked_ns = now_ns
            for service, call in (
                ("clear_fault", messages.Trigger_Request()),
                ("arm", messages.SetBool_Request(True)),
            ):
                self.ros.request(f"/base/{service}", bytes(24), call.to_cdr())
        with contextlib.suppress(OSError):  # no room: the board has not read for long, and is told again
            os.write(self.fd, self.core.transmit() or b"")
        time.sleep(0.002)


def test_a_board_on_two_serial_ports_turns_the_simulated_wheels(board, tmp_path):
    link, plant = board
    log, name = tmp_path / "plant.log", f"takt_test_hil_{os.getpid()}"
    command = [sys.executable, "-m", "takt.cli", "plant", "--dev", str(plant), "--fifo", "0"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([*command, "--state", name, "--log", str(log)], env=environment) as process:
        host, turned, end_s = Host(link), False, time.monotonic() + LIMIT_S
        while not turned and time.monotonic() < end_s:
            host.turn()
            with contextlib.suppress(TaktError):  # not written yet
                turned = bool(np.any(plant_log.read(log)["wheel_speed_rad_s"][-50:, 1] > 2.0))
        process.send_signal(signal.SIGINT)
    os.close(host.fd)
    assert turned, "the wheels never turned"
    record = plant_log.read(log)
    assert record["armed"].any() and record["setpoint_rad_s"][:, 1].max() > 2.0


def test_a_serial_devices_rate_is_set_and_an_odd_one_is_refused():
    master, slave = os.openpty()
    port = BoardPort(os.ttyname(slave), takt.contract.load().link.baud)
    assert port.open_when_due(10**9)
    attributes = termios.tcgetattr(slave)
    assert attributes[4] == attributes[5] == termios.B921600
    assert attributes[2] & termios.CLOCAL
    port.close()
    for fd in (master, slave):
        os.close(fd)
    with pytest.raises(TaktError, match="no serial rate of 12345 baud"):
        BoardPort("/dev/null", 12345)


def test_the_demo_with_a_real_board_starts_no_firmware(tmp_path):
    link, plant = tmp_path / "ttyACM0", tmp_path / "ttyUSB0"
    graph = simulation(SimOptions(tmp_path, Path("none"), board=(str(link), str(plant))))
    by_name = {process.name: process for process in graph}
    assert "firmware" not in by_name
    assert by_name["agent"].parameters["device"] == str(link)
    assert by_name["plant"].arguments[:2] == ("--plant", str(plant))
    asked = ["--headless", "--board", str(link), str(plant)]
    with pytest.raises(TaktError, match="is not there"):
        demo_options.parse(asked)
    link.touch()
    plant.touch()
    assert demo_options.parse(asked).board == (str(link), str(plant))
    with pytest.raises(TaktError, match="--board takes no faults"):
        demo_options.parse([*asked, "--chaos", "3"])
