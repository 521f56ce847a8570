"""The posix firmware as a real process on real ptys: it starts safe, drives for a host that arms it, outlives its
peers, keeps its boot count, and ends with the motors off. Waits are for events, never for a time."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import tty
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from takt.contract.generated import messages
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_encoder

LIMIT_S = 200.0  # a wait this long for an event means that it will not come


class Line:
    """A peer's end of one of the firmware's ptys."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)

    def read(self) -> bytes:
        try:
            return os.read(self.fd, 65536)
        except OSError:  # nothing there, or the firmware has ended
            return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.fd, data)

    def close(self) -> None:
        os.close(self.fd)


class Plant(Line):
    """The other end of the plant stream: wheels that creep."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.receiver = PlantLine()
        self.frames: list[DutyFrame] = []
        self.sequence = 0

    def run(self) -> None:
        self.frames += self.receiver.duties(self.read())
        self.sequence += 1
        counts = (self.sequence, self.sequence)
        self.write(
            encode_encoder(EncoderFrame(False, False, 12_000, self.sequence, time.monotonic_ns(), counts))
        )


class Host(Line):
    """The agent core on the link, in real time; commands are as fresh as can be."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ros = MemoryRos()
        self.core = AgentCore(self.ros)
        self.command_ns = self.asked_ns = 0

    def run(self) -> None:
        now_ns = time.monotonic_ns()
        self.ros.clock_ns = time.time_ns()
        self.core.receive(self.read(), now_ns)
        self.core.run(now_ns)
        if now_ns - self.command_ns > 20_000_000:
            self.command_ns = now_ns
            self._command(0.3)
        self.write(self.core.transmit())

    def _command(self, speed_m_s: float) -> None:
        twist = messages.TwistStamped()
        stamp = twist.header.stamp
        stamp.sec, stamp.nanosec = divmod(self.ros.clock_ns, 10**9)
        twist.twist.linear.x = speed_m_s
        self.ros.deliver("rt/cmd_vel", twist.to_cdr())

    def ask(self, service: str, request: bytes) -> None:
        self.ros.request(service, bytes(24), request)

    def ask_to_arm(self) -> None:
        """clear_fault first: under load the machine itself may have missed cycles, which is not what is tested here.

        Ten times a second at most: a flood of calls overtakes itself in the agent, as it would in ROS.
        """
        now_ns = time.monotonic_ns()
        if now_ns - self.asked_ns < 100_000_000:
            return
        self.asked_ns = now_ns
        self.ask("/base/clear_fault", messages.Trigger_Request().to_cdr())
        self.ask("/base/arm", messages.SetBool_Request(data=True).to_cdr())

    def said(self, name: str) -> dict[str, str]:
        for data in reversed(self.ros.published("rt/diagnostics")):
            (status,) = messages.DiagnosticArray.from_cdr(data).status
            if status.name == name:
                return {pair.key: pair.value for pair in status.values}
        return {}


class Machine:
    def __init__(self, program: list[str], folder: Path, *more: str) -> None:
        self.link, self.plant = folder / "link", folder / "plant"
        self.process = subprocess.Popen(
            [
                *(*program, "--link", f"pty:{self.link}", "--plant", f"pty:{self.plant}"),
                *("--fifo", "80", "--retained", folder / "retained", *more),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        wait_for(lambda: self.link.exists() and self.plant.exists(), "the lines to appear")

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        _, words = self.process.communicate(timeout=LIMIT_S)
        return self.process.returncode, words


def wait_for(true: Callable[[], bool], what: str, *parts: Plant | Host) -> None:
    until = time.monotonic() + LIMIT_S
    while not true():
        assert time.monotonic() < until, f"waited {LIMIT_S} s for {what}"
        for part in parts:
            part.run()
        select.select([part.fd for part in parts], [], [], 0.002)


@pytest.fixture(params=["posix", "micropython"])
def program(request: pytest.FixtureRequest, firmware_build: Path) -> list[str]:
    """The firmware's two forms must not differ to their peers; the second runs on a real MicroPython VM."""
    if request.param == "posix":
        return [str(firmware_build / "takt_firmware")]
    return [sys.executable, "-m", "takt.micropython.launch"]


@pytest.fixture
def machine(program: list[str], tmp_path: Path) -> Iterator[Machine]:
    drift = [] if program[0] == sys.executable else ["--clock-drift-ppm", "40"]
    made = Machine(program, tmp_path, *drift)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


def drive(plant: Plant, host: Host) -> None:
    """Until the wheels are told to turn; asks again while the board refuses."""

    def is_driving() -> bool:
        if plant.frames and plant.frames[-1].rung == 0 and plant.frames[-1].setpoint_rad_s[0] > 1.0:
            return True
        if not (plant.frames and plant.frames[-1].armed) and host.said("base: clock").get("locked") == "true":
            host.ask_to_arm()
        return False

    wait_for(is_driving, "the wheels to be driven", plant, host)


def test_it_drives_outlives_its_peers_and_ends_with_the_motors_off(machine: Machine) -> None:
    plant, host = Plant(machine.plant), Host(machine.link)
    wait_for(lambda: len(plant.frames) > 20, "duty frames", plant)
    assert {frame.duty for frame in plant.frames} == {(0.0, 0.0)}, "power-up"
    assert not any(frame.driver_enabled or frame.armed for frame in plant.frames)
    drive(plant, host)
    assert plant.frames[-1].driver_enabled and max(frame.duty[0] for frame in plant.frames) > 0.0

    host.close()  # the agent dies: the board stops by itself, and follows its successor
    wait_for(lambda: plant.frames[-1].rung == 3, "SAFE without an agent", plant)
    assert plant.frames[-1].duty == (0.0, 0.0) and not plant.frames[-1].driver_enabled
    host = Host(machine.link)
    drive(plant, host)

    plant.close()  # the plant dies: no samples, so no motors
    wait_for(lambda: host.said("base: safety").get("rung") == "SAFE", "SAFE without samples", host)
    plant = Plant(machine.plant)
    drive(plant, host)
    gaps = [b.cycle - a.cycle for a, b in pairwise(plant.frames)]
    assert min(gaps) >= 1, "cycles only ever go forward"

    machine.process.send_signal(signal.SIGTERM)
    wait_for(lambda: not plant.frames[-1].driver_enabled, "the last word to the motors", plant)
    status, words = machine.end()
    assert status == 0 and "motors off" in words
    assert not plant.frames[-1].driver_enabled and plant.frames[-1].duty == (0.0, 0.0)
    assert not machine.link.is_symlink() and not machine.plant.is_symlink()


def test_the_boot_count_and_the_ledger_outlive_a_kill(
    machine: Machine, program: list[str], tmp_path: Path
) -> None:
    assert machine.process.stderr is not None
    assert any("boot 1" in line for line in machine.process.stderr), "it counts its boot before it says so"
    machine.process.kill()
    machine.process.communicate()
    again = Machine(program, tmp_path)
    status, words = again.end(signal.SIGINT)
    assert status == 0 and "boot 2" in words


def test_two_boards_do_not_share_retained_memory(
    machine: Machine, program: list[str], tmp_path: Path
) -> None:
    second = subprocess.run(
        [
            *(*program, "--link", f"pty:{tmp_path / 'l2'}", "--plant", f"pty:{tmp_path / 'p2'}"),
            *("--retained", tmp_path / "retained"),
        ],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert second.returncode == 2 and "Fix:" in second.stderr


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["--link", "/dev/takt-no-such", "--plant", "pty:{}/p"], "cannot be opened"),
        (["--link", "pty:{}/l"], "--plant"),
        (["--link", "pty:{}/no/such/folder/l", "--plant", "pty:{}/p"], "link cannot be made"),
        (["--link", "pty:{}/l", "--plant", "pty:{}/p", "--fifo", "100"], "--fifo"),
        (["--link", "pty:{}/l", "--plant", "pty:{}/p", "--key", "0"], "--key"),
        (["--link", "pty:{}/l", "--plant", "pty:{}/p", "--clock-drift-ppm", "x"], "--clock-drift-ppm"),
        (["--link", "pty:{}", "--plant", "pty:{}/p"], "taken"),
        (["--link", "pty:{}/l", "--plant", "pty:{}/p", "extra"], "extra"),
    ],
)
def test_bad_arguments_are_one_line_with_the_fix(
    program: list[str], tmp_path: Path, arguments: list[str], cause: str
) -> None:
    command = [*program, *(argument.format(tmp_path) for argument in arguments)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ") and " Fix: " in line and cause in line


def test_the_reference_loop_reports_its_lateness(firmware_build: Path, tmp_path: Path) -> None:
    report = tmp_path / "reference.json"
    command = [firmware_build / "reference_loop", "--fifo", "80", "--seconds", "0.3", "--json", report]
    assert subprocess.run(command, timeout=LIMIT_S).returncode == 0
    told = json.loads(report.read_text())
    assert 0 < told["cycles"] + told["skipped"] <= 32, "a loaded machine starts it late, never early"
    assert told["lateness_us"].keys() == {"p50", "p95", "p99", "max"}
