"""The twin: planner, agent core, client and C core in one process, on a clock that only it moves.

Nothing in here reads a clock, opens a device or starts a thread. Equal seeds give equal bytes, as fast as the machine
can. The plant is kinematic with the real motor curve; the detector is the camera's geometry with pixel noise; all else
is what ships.
"""

from __future__ import annotations

import math
import random
import struct
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.contract.generated.messages import (
    Header,
    JointState,
    SetBool_Request,
    SetBool_Response,
    Time,
    Twist,
    TwistStamped,
    Vector3,
)
from takt.deadlines import Rung
from takt.line_simulator.faults import FaultyStream, Rates
from takt.link.agent import AgentCore
from takt.link.handshake import Handshake, absolute, of_contract
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.link.transports.memory import Harm, MemoryLine
from takt.planning.camera import GroundCamera
from takt.planning.follower import CLASS_TARGET, Command, Follower, Observation
from takt.planning.odometry import Odometry, WheelOdometry
from takt.planning.projection import TARGET_HEIGHT_M, TARGET_RADIUS_M
from takt.simulation.board import Board
from takt.simulation.motor import DriveTrain

MS = 1_000_000
ROS_START_NS = 1_700_000_000_000_000_000
BOARD_START_NS = 3_000 * MS
_STEP_NS = MS
_PLANT_STEP_NS = 2 * MS
_DETECTION_TAKES_NS = 25 * MS
_ARM_EVERY_NS = 500 * MS
_WHEEL_INERTIA_KG_M2 = 0.005  # rotor, wheel and half of the robot's mass, at the shaft
_PIXEL_SIGMA = 0.7
_IDENTITY_SIZE = 24


@dataclass(frozen=True)
class Boxes:
    """Detections in the form that the follower takes."""

    boxes_xyxy_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int32]


def target_at(seconds: float) -> tuple[float, float]:
    """The target's way over the ground (m): turns both ways at 0.2 to 0.5 m/s, begins in front of the robot."""
    return 1.2 + 2.4 * math.sin(0.16 * seconds), 1.1 * math.sin(0.27 * seconds)


@dataclass
class Robot:
    """A differential drive on the plane, wheels without slip."""

    contract: Contract
    motor: DriveTrain = field(default_factory=DriveTrain)
    x_m: float = 0.0
    y_m: float = 0.0
    yaw_rad: float = 0.0
    wheel_rad: list[float] = field(default_factory=lambda: [0.0, 0.0])
    wheel_rad_s: list[float] = field(default_factory=lambda: [0.0, 0.0])

    def advance(self, duty: tuple[float, float, bool], dt_s: float) -> None:
        """One step under a duty; a driver that is off shorts the windings, which brakes."""
        motor, robot = self.motor, self.contract.robot
        for side in (0, 1):
            speed = self.wheel_rad_s[side]
            volts = (duty[side] if duty[2] else 0.0) * motor.nominal_supply_v
            torque = motor.back_emf_v_s * (volts - motor.back_emf_v_s * speed) / motor.winding_resistance_ohm
            torque -= motor.friction_n_m * max(-1.0, min(1.0, speed / 0.05))
            self.wheel_rad_s[side] = speed + torque / _WHEEL_INERTIA_KG_M2 * dt_s
            self.wheel_rad[side] += self.wheel_rad_s[side] * dt_s
        left_m_s, right_m_s = (speed * robot.wheel_radius_m for speed in self.wheel_rad_s)
        self.yaw_rad += (right_m_s - left_m_s) / robot.wheel_separation_m * dt_s
        forward_m = (left_m_s + right_m_s) / 2.0 * dt_s
        self.x_m += forward_m * math.cos(self.yaw_rad)
        self.y_m += forward_m * math.sin(self.yaw_rad)

    def counts(self) -> tuple[int, int]:
        per_rad = self.contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        return math.floor(self.wheel_rad[0] * per_rad), math.floor(self.wheel_rad[1] * per_rad)


class Eye:
    """What the detector would say: the target's outline in the picture, with noise of ``rng``."""

    def __init__(self, contract: Contract, rng: random.Random) -> None:
        self._camera = GroundCamera.from_contract(contract)
        self._rng = rng

    def look(self, robot: Robot, target: tuple[float, float]) -> Boxes:
        pixels = [self._camera.pixel(*point) for point in _outline(robot, target)]
        seen = [pixel for pixel in pixels if pixel is not None]
        boxes = np.zeros((0, 4), np.float32)
        if len(seen) == len(pixels):
            us, vs = zip(*seen, strict=True)
            noise = [self._rng.gauss(0.0, _PIXEL_SIGMA) for _ in range(4)]
            box = np.array([min(us), min(vs), max(us), max(vs)], np.float32) + np.array(noise, np.float32)
            limits = [self._camera.width_px, self._camera.height_px] * 2
            box = np.clip(box, 0.0, np.array(limits, np.float32))
            if box[2] - box[0] > 3.0 and box[3] - box[1] > 3.0:
                boxes = box[None, :]
        count = len(boxes)
        return Boxes(boxes, np.full(count, 0.9, np.float32), np.full(count, CLASS_TARGET, np.int32))


def _outline(robot: Robot, target: tuple[float, float]) -> list[tuple[float, float, float]]:
    """Points of the target's cylinder, in base_link."""
    sin, cos = math.sin(robot.yaw_rad), math.cos(robot.yaw_rad)
    dx, dy = target[0] - robot.x_m, target[1] - robot.y_m
    x_m, y_m = cos * dx + sin * dy, cos * dy - sin * dx
    turns = [2.0 * math.pi * step / 16 for step in range(16)]
    return [
        (x_m + TARGET_RADIUS_M * math.cos(turn), y_m + TARGET_RADIUS_M * math.sin(turn), z_m)
        for turn in turns
        for z_m in (0.0, TARGET_HEIGHT_M)
    ]


def _bad_line(seed: int, direction: str, rate: float) -> Harm:
    """The line simulator's faults, without its time: drops and flips at ``rate`` each, by seed."""
    stream = FaultyStream(seed, direction, Rates(drop=rate, flip=rate))
    return lambda data: b"".join(piece for piece, _ in stream.apply(data))


class Twin:
    """One robot. ``run`` moves its time; ``log`` is every control cycle and everything ROS was given, as bytes.

    ``line_error_rate``: share of line portions that are dropped, and as many again with a bit flipped.
    ``board_drift_ppm``: how much faster the board's clock runs than ROS's. ``handshake``: of another contract.
    """

    def __init__(
        self,
        library: Path,
        contract: Contract,
        *,
        seed: int,
        line_error_rate: float = 0.0,
        board_drift_ppm: float = 0.0,
        handshake: Handshake | None = None,
    ) -> None:
        rng = random.Random(seed)
        self._contract = contract
        self._names = {key: absolute(topic.ros_name) for key, topic in contract.topics.items()}
        self._arm = absolute(contract.services["arm"].ros_name)
        self._drift = 1.0 + board_drift_ppm * 1e-6
        self.elapsed_ns = 0
        self.ros = MemoryRos()
        self.agent = AgentCore(
            self.ros,
            handshake=handshake or of_contract(contract),
            watched_topic=self._names["cmd_vel"],
        )
        self.board = Board(library, now_ns=BOARD_START_NS)
        self.line = MemoryLine(
            _bad_line(seed, "b_to_a", line_error_rate), _bad_line(seed, "a_to_b", line_error_rate)
        )
        self.robot = Robot(contract)
        self.follower = Follower(contract)
        self.command: Command | None = None
        self.distance_errors_m: list[float] = []
        self.arm_replies: list[SetBool_Response] = []
        self.log = bytearray()
        self._eye = Eye(contract, rng)
        self._wheels = WheelOdometry(contract)
        self._odometry: Odometry | None = None
        self._pictures: deque[tuple[int, Observation]] = deque()
        self._observation: Observation | None = None
        self._release_ns = self.board.next_release()
        self._calls = 0

    @property
    def seconds(self) -> float:
        return self.elapsed_ns / 1e9

    def run(self, seconds: float) -> None:
        """Let so much time pass."""
        for _ in range(round(seconds * 1e9 / _STEP_NS)):
            self.elapsed_ns += _STEP_NS
            self._step()

    def _step(self) -> None:
        self.ros.clock_ns = ROS_START_NS + self.elapsed_ns
        self.board.now_ns = BOARD_START_NS + int(self.elapsed_ns * self._drift)
        if self._due(_PLANT_STEP_NS):
            self.robot.advance(self.board.duty, _PLANT_STEP_NS / 1e9)
            self.board.set_encoders(self.robot.counts(), self.elapsed_ns)
        if self._due(1_000_000_000 // self._contract.robot.camera_rate_hz):
            self._take_picture()
        if self._due(1_000_000_000 // self._contract.planning.rate_hz):
            self._plan()
        if self._due(_ARM_EVERY_NS):
            self._ask_to_arm()
        self._carry()
        if self.board.now_ns >= self._release_ns:
            self._control()

    def _due(self, period_ns: int) -> bool:
        """Whether a multiple of the period lies in this step."""
        return self.elapsed_ns // period_ns != (self.elapsed_ns - _STEP_NS) // period_ns

    def _take_picture(self) -> None:
        seen = self._eye.look(self.robot, target_at(self.seconds))
        observation = Observation(self.ros.clock_ns, seen)
        self._pictures.append((self.elapsed_ns + _DETECTION_TAKES_NS, observation))

    def _plan(self) -> None:
        while self._pictures and self._pictures[0][0] <= self.elapsed_ns:
            self._observation = self._pictures.popleft()[1]
        now_ns = self.ros.clock_ns
        self.command = self.follower.update(self._observation, self._odometry, Rung.NOMINAL, now_ns)
        if self.command.stamp_ns:
            self.ros.deliver("rt" + self._names["cmd_vel"], command_bytes(self.command))

    def _ask_to_arm(self) -> None:
        """As the supervisor does: once the board has a clock, until it is armed."""
        state = self.board.state
        if state.clock_locked and not state.armed:
            self._calls += 1
            identity = self._calls.to_bytes(_IDENTITY_SIZE, "little")
            self.ros.request(self._arm, identity, SetBool_Request(data=True).to_cdr())

    def _carry(self) -> None:
        """A millisecond of the line: what was written in the last one arrives."""
        now_ns = self.elapsed_ns
        data = self.line.agent_reads()
        if data:
            self.agent.receive(data, now_ns)
            self._take_from_ros()
        self.agent.run(now_ns)
        self.board.feed_link(self.line.board_reads())
        self.board.link_poll()
        from_agent, from_board = self.agent.transmit(), self.board.take_link()
        if from_agent:
            self.line.agent_writes(from_agent)
        if from_board:
            self.line.board_writes(from_board)

    def _control(self) -> None:
        self.board.control_cycle(self._release_ns)
        self._release_ns = self.board.next_release()
        robot, target = self.robot, target_at(self.seconds)
        distance_m = math.hypot(target[0] - robot.x_m, target[1] - robot.y_m)
        self.distance_errors_m.append(distance_m - self._contract.planning.follow_distance_m)
        self.log += struct.pack(
            "<cq4d2d?5d",
            b"C",
            self.elapsed_ns,
            *self.board.duty[:2],
            *self.board.setpoint,
            *robot.wheel_rad_s,
            self.board.duty[2],
            robot.x_m,
            robot.y_m,
            robot.yaw_rad,
            *target,
        )

    def _take_from_ros(self) -> None:
        """What the agent did to ROS goes into the log; joint states and the arm service's answers are used."""
        for what, name, data in self.ros.log:
            self.log += f"{what} {name}".encode() + b"\0" + len(data).to_bytes(2, "little") + data
            if what == "publish" and name == "rt" + self._names["joint_states"]:
                self._learn_joints(JointState.from_cdr(data[len(ENCAPSULATION) :]))
            elif what == "reply" and name == self._arm:
                self.arm_replies.append(
                    SetBool_Response.from_cdr(data[_IDENTITY_SIZE + len(ENCAPSULATION) :])
                )
        self.ros.log.clear()

    def _learn_joints(self, joints: JointState) -> None:
        stamp = joints.header.stamp
        stamp_ns = stamp.sec * 1_000_000_000 + stamp.nanosec
        self._odometry = self._wheels.update(joints.position[0], joints.position[1], stamp_ns)


def command_bytes(command: Command) -> bytes:
    """CDR of the TwistStamped that carries a command."""
    sec, nanosec = divmod(command.stamp_ns, 1_000_000_000)
    twist = Twist(Vector3(command.speed_m_s, 0.0, 0.0), Vector3(0.0, 0.0, command.yaw_rate_rad_s))
    return TwistStamped(Header(Time(sec, nanosec), "base_link"), twist).to_cdr()
