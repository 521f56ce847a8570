"""The shipped firmware process by the simulation's clock, our plant loop, and in Gazebo's place its joints' equation.

The stand-in reads inertia, damping, friction and effort from the shipped world and does with them what a physics engine
does with a wheel in the air. It is no Gazebo: contacts, rendering and transport are not in it.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import subprocess
import time
import tty
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

import takt.contract
from takt.contract.generated import messages
from takt.gazebo import command, topics
from takt.gazebo.hardware_edge import JointSample
from takt.gazebo.plant_loop import PlantLoop
from takt.gazebo.world import STEP_NS
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation.board_port import BoardPort
from takt.simulation.plant_protocol import DutyFrame
from takt.simulation.scenario import Scenario

LIMIT_S = 200.0  # a wait this long for an event means that it will not come
BOARD_LIMIT_S = 1.0  # it says nothing where nothing was due
START_NS = 3_000_000_000  # a simulation that ran before
WORLD = Path(__file__).resolve().parents[2] / command.FOLDER / command.WORLD_FILE
CONTRACT = takt.contract.load()


class Joints:
    """Gazebo's wheel joints, off the ground."""

    def __init__(self) -> None:
        model = ElementTree.parse(WORLD).getroot().find(f"world/model[@name='{topics.ROBOT}']")
        joint = model.find("joint")
        self.damping = float(joint.findtext("axis/dynamics/damping"))
        self.friction = float(joint.findtext("axis/dynamics/friction"))
        self.effort = float(joint.findtext("axis/limit/effort"))
        self.inertia = float(model.find("link[@name='left_wheel_link']").findtext("inertial/inertia/iyy"))
        self.force, self.angle, self.speed = [0.0, 0.0], [0.0, 0.0], [0.0, 0.0]
        self.sent = 0

    def send(self, topic: topics.Topic, value: float) -> None:
        if topic in topics.WHEEL_FORCES:
            self.force[topics.WHEEL_FORCES.index(topic)] = max(-self.effort, min(self.effort, value))
        self.sent += 1

    def step(self, dt_s: float) -> None:
        for side in (0, 1):
            driven = self.speed[side] + dt_s * self.force[side] / self.inertia
            driven /= 1.0 + dt_s * self.damping / self.inertia
            grip = dt_s * self.friction / self.inertia
            self.speed[side] = math.copysign(max(0.0, abs(driven) - grip), driven)
            self.angle[side] += dt_s * self.speed[side]


class Run:
    """One simulation. Its time moves on only once the firmware has answered for the control period before."""

    def __init__(self, plant: Path, link: Path) -> None:
        self.joints, self.now_ns = Joints(), START_NS
        self.port = BoardPort(str(plant))
        self.loop = PlantLoop(self.port, Scenario.from_seed(1, CONTRACT), CONTRACT, self.joints.send)
        self.ros = MemoryRos()
        self.core = AgentCore(self.ros)
        self.fd = os.open(link, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)
        self.speed_m_s: float | None = None
        self.duties = 0

    def period(self) -> None:
        """10 ms of the simulation."""
        for _ in range(5):
            self.joints.step(STEP_NS * 1e-9)
            self.now_ns += STEP_NS
            self.loop.robot(self.sample(), time.monotonic_ns())
        self.host()
        if self.port.is_open:  # the board's turn
            select.select([self.port._descriptor], [], [], BOARD_LIMIT_S)

    def sample(self) -> JointSample:
        return JointSample(self.now_ns, tuple(self.joints.angle), tuple(self.joints.speed))

    def host(self) -> None:
        """The agent core and whoever commands, in simulated time."""
        self.ros.clock_ns = self.now_ns
        with contextlib.suppress(OSError):  # nothing there
            self.core.receive(os.read(self.fd, 65536), self.now_ns)
        self.core.run(self.now_ns)
        if self.speed_m_s is not None:
            twist = messages.TwistStamped()
            twist.header.stamp.sec, twist.header.stamp.nanosec = divmod(self.now_ns, 10**9)
            twist.twist.linear.x = self.speed_m_s
            self.ros.deliver("rt/cmd_vel", twist.to_cdr())
        with contextlib.suppress(OSError):  # no room: the board has not read for long, and is told again
            os.write(self.fd, self.core.transmit() or b"")

    def until(self, true, what: str, each=lambda: None) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not true():
            assert time.monotonic() < end_s, f"waited {LIMIT_S} s for {what}"
            self.period()
            each()

    def arm(self) -> None:
        self.ros.request("/base/clear_fault", bytes(24), messages.Trigger_Request().to_cdr())
        self.ros.request("/base/arm", bytes(24), messages.SetBool_Request(data=True).to_cdr())


@pytest.fixture
def run(firmware_build: Path, tmp_path: Path) -> Iterator[Run]:
    plant, link = tmp_path / "plant", tmp_path / "link"
    lines = ["--plant", f"unix:{plant}", "--link", f"pty:{link}", "--clock", "plant"]
    process = subprocess.Popen([firmware_build / "takt_firmware", *lines], stderr=subprocess.DEVNULL)
    end_s = time.monotonic() + LIMIT_S
    while not (plant.exists() and link.exists()):
        assert time.monotonic() < end_s, "the firmware offers no lines"
        time.sleep(0.01)
    run = Run(plant, link)
    yield run
    process.terminate()
    assert process.wait(LIMIT_S) == 0
    os.close(run.fd)


def test_the_real_firmware_drives_gazebos_wheels_and_stops_them(run: Run) -> None:
    wanted_rad_s = 0.3 / CONTRACT.robot.wheel_radius_m
    asked_ns = 0

    def ask() -> None:
        nonlocal asked_ns
        if not run.loop.edge.armed and run.now_ns - asked_ns > 200_000_000:
            asked_ns = run.now_ns
            run.arm()

    for _ in range(20):
        run.period()
    assert run.joints.speed == [0.0, 0.0] and not run.loop.edge.armed
    run.speed_m_s = 0.3
    run.until(lambda: min(run.joints.speed) > 0.98 * wanted_rad_s, "the wheels to turn", ask)
    kept = 0

    def keep() -> None:
        nonlocal kept
        kept = kept + 1 if run.joints.speed == pytest.approx([wanted_rad_s] * 2, rel=0.05) else 0
        ask()

    run.until(
        lambda: kept > 50, "half a second at the speed", keep
    )  # link and host are no part of the lock step
    run.speed_m_s = None  # commands stop coming: the board stops by itself
    run.until(lambda: max(run.joints.speed) < 0.01, "the wheels to stand", ask)
    assert run.loop.edge.restarts == 0


def test_a_board_that_dies_leaves_the_wheels_braked_and_closing_leaves_no_force(run: Run) -> None:
    run.period()
    run.loop.edge.hear(_full_ahead())
    run.port.close()
    run.port.open_when_due = lambda now_ns: False  # it stays away
    run.loop.robot(run.sample(), 0)
    for _ in range(CONTRACT.safety.motor_silence_ms // 10 + 2):
        run.period()
    assert run.joints.force == [0.0, 0.0]
    run.joints.force = [1.0, 1.0]
    run.loop.close()
    assert run.joints.force == [0.0, 0.0]


def test_what_gazebo_may_have_lost_is_sent_again(run: Run) -> None:
    run.period()
    before = run.joints.sent
    run.loop.robot(run.sample(), 0)  # paused: the same stamp again
    assert run.joints.sent == before
    run.period()
    assert run.joints.sent == before + 2  # two wheels, once in five steps, though nothing changed


def _full_ahead() -> DutyFrame:
    return DutyFrame(True, True, 0, 1, 0, (1.0, 1.0), (20.0, 20.0))
