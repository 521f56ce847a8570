"""The simulated robot in its arena, stepped by its caller: duty in, encoder counts and the true state out.

No clock and no I/O inside. Equal seeds and equal duty sequences give bit-equal states.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.simulation.engine import mujoco
from takt.simulation.motor import DriveTrain
from takt.simulation.plant_protocol import RUNGS, DutyFrame, EncoderFrame
from takt.simulation.plant_record import RECORD, ROBOT_QPOS
from takt.simulation.scenario import Scenario
from takt.simulation.scene import STEP_S, Scene, build
from takt.simulation.scene_spec import Pose

STEPS_PER_BATCH = 2
BATCH_NS = round(STEP_S * 1e9) * STEPS_PER_BATCH
PATIENCE_NS = 15_000_000_000  # then the target sets out even if the robot was never armed
_SETTLE_STEPS = 400
_APART_M = 0.6  # from middle to middle; they touch at half of that
_UNPLACED_NS = 10_000_000  # neither comes nearer than a few centimetres meanwhile
_SAFE = RUNGS.index("SAFE")


class Plant:
    """Robot, motors, encoders and the moving things of one scenario.

    The target waits until the board is first armed with its driver enabled, at most 15 s of plant time; its motion
    and the scenario's clock begin then.
    """

    def __init__(
        self,
        scenario: Scenario,
        contract: takt.contract.Contract | None = None,
        drive: DriveTrain | None = None,
    ) -> None:
        contract = contract or takt.contract.load()
        self.scenario = scenario
        self.scene: Scene = build(scenario.scene_spec(), contract.robot, drive)
        self.time_ns = 0
        self.motion_began_ns: int | None = None
        self._drive = drive or DriveTrain()
        self._counts_per_rad = contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        self._silence_ns = contract.safety.motor_silence_ms * 1_000_000
        self._frame: DutyFrame | None = None
        self._heard_ns = 0
        self._duty = self._wanted = (0.0, 0.0)
        self._battery_v = self._supply_v = self._drive.nominal_supply_v
        self._sequence = 0
        self._panel: Pose | None = None
        self._panel_is_up = True  # until it was buried for the first time
        self._next_pass_s = -math.inf
        self._touch_bits, self.touch_names = _touch_table(self.scene)
        self._touched: int | None = 0
        # The same memory as MuJoCo's arrays; a number out of these costs a third of one out of an array of numpy.
        self._model, self._data = self.scene.model, self.scene.data
        data = self._data
        self._qpos: memoryview[float] = memoryview(data.qpos)
        self._qvel: memoryview[float] = memoryview(data.qvel)
        self._ctrl: memoryview[float] = memoryview(data.ctrl)
        self._settle()

    @property
    def motion_s(self) -> float:
        """Seconds since the target began to move; negative before."""
        return -1.0 if self.motion_began_ns is None else (self.time_ns - self.motion_began_ns) * 1e-9

    @property
    def driver_enabled(self) -> bool:
        """The board enables the driver and was heard lately."""
        frame = self._frame
        return (
            frame is not None and frame.driver_enabled and self.time_ns - self._heard_ns <= self._silence_ns
        )

    @property
    def touched(self) -> int:
        """A bit for each thing that the robot touched in the last step, as ``touch_names`` lists them."""
        if self._touched is None:
            self._touched = self._touches()
        return self._touched

    def use_supply(self, volts: float) -> None:
        """A battery of another voltage; the motors stay the same."""
        self._battery_v = self._supply_v = volts

    def receive(self, frame: DutyFrame) -> None:
        """Take the board's newest duty; it holds until the next one or until the board is silent for too long."""
        self._frame = frame
        self._heard_ns = self.time_ns
        self._wanted = (
            (_bounded(frame.duty[0]), _bounded(frame.duty[1])) if frame.driver_enabled else (0.0, 0.0)
        )

    def advance_to(self, time_ns: int) -> None:
        """All the batches that are over by then, for those who look now and then: the same state, for less.

        One batch right after another finds its memory in the cache, and what nothing touches is placed once they are
        done: see ``_is_apart``.
        """
        while (left_ns := time_ns - self.time_ns) >= BATCH_NS:
            is_last = left_ns < 2 * BATCH_NS
            self._advance(is_last or left_ns > _UNPLACED_NS or not self._is_apart())

    def advance(self) -> None:
        """One batch of physics: 2 ms."""
        self._advance(True)

    def _advance(self, places: bool) -> None:
        self._set_duty()
        self._set_out()
        if places:
            self._move_things()
        self.step()
        self.time_ns += BATCH_NS
        self._sequence += 1
        self._touched = None

    def step(self) -> None:
        """The physics of a batch and nothing else."""
        mujoco.mj_step(self._model, self._data, STEPS_PER_BATCH)

    def encoder_frame(self) -> EncoderFrame:
        """What the board's encoder and supply inputs show now."""
        left, right = (
            math.floor(self._qpos[index] * self._counts_per_rad) for index in self.scene.wheel_qpos
        )
        return EncoderFrame(
            e_stop=False,
            motor_fault=False,
            supply_mv=min(0xFFFF, max(0, round(self._supply_v * 1000.0))),
            sequence=self._sequence,
            plant_ns=self.time_ns,
            counts=(left, right),
        )

    def write_record(self, record: NDArray[np.void], stamp_ns: int) -> None:
        """Fill one element (a shape () or (1,) view of RECORD) with the state now."""
        data, frame = self.scene.data, self._frame
        robot = self.robot_pose()
        target = data.mocap_pos[0]
        record["stamp_ns"] = stamp_ns
        record["plant_ns"] = self.time_ns
        record["motion_ns"] = -1 if self.motion_began_ns is None else self.time_ns - self.motion_began_ns
        record["qpos"] = data.qpos[:ROBOT_QPOS]
        record["robot_x_m"], record["robot_y_m"], record["robot_yaw_rad"] = (
            robot.x_m,
            robot.y_m,
            robot.yaw_rad,
        )
        record["robot_speed_m_s"] = self.forward_speed_m_s()
        record["target_x_m"], record["target_y_m"] = target[0], target[1]
        panel = self._panel
        record["panel"] = (math.nan,) * 3 if panel is None else (panel.x_m, panel.y_m, panel.yaw_rad)
        record["wheel_speed_rad_s"] = [data.qvel[index] for index in self.scene.wheel_qvel]
        record["duty"] = self._duty
        record["setpoint_rad_s"] = (0.0, 0.0) if frame is None else frame.setpoint_rad_s
        record["supply_v"] = self._supply_v
        record["duty_age_ms"] = math.inf if frame is None else (self.time_ns - self._heard_ns) * 1e-6
        record["touched"] = self.touched
        record["in_collision"] = self.touched != 0
        record["driver_enabled"] = self.driver_enabled
        record["armed"] = frame is not None and frame.armed
        record["rung"] = _SAFE if frame is None else frame.rung
        record["target_in_motion"] = self.motion_began_ns is not None

    def record(self, stamp_ns: int) -> NDArray[np.void]:
        """A new record of the state now, shape ()."""
        fresh = np.zeros((), RECORD)
        self.write_record(fresh, stamp_ns)
        return fresh

    def robot_pose(self) -> Pose:
        """base_link on the ground plane."""
        qpos = self._qpos
        return Pose(qpos[0], qpos[1], _yaw_rad(qpos[3], qpos[4], qpos[5], qpos[6]))

    def forward_speed_m_s(self) -> float:
        """Of base_link, along its own x."""
        yaw_rad = self.robot_pose().yaw_rad
        return self._qvel[0] * math.cos(yaw_rad) + self._qvel[1] * math.sin(yaw_rad)

    def wheel_speed_rad_s(self) -> tuple[float, float]:
        """Left, right; true ones."""
        left, right = self.scene.wheel_qvel
        return self._qvel[left], self._qvel[right]

    def target_m(self) -> tuple[float, float]:
        """Where the target stands."""
        return self.scene.target_m()

    def _settle(self) -> None:
        """Let the robot come to rest on its wheels, so that a run begins without a jolt."""
        scene = self.scene
        mujoco.mj_step(scene.model, scene.data, nstep=_SETTLE_STEPS)
        scene.data.qvel[:] = 0.0
        scene.data.time = 0.0
        mujoco.mj_forward(scene.model, scene.data)

    def _set_duty(self) -> None:
        """Driver off means shorted windings, which is duty 0."""
        is_heard = self.time_ns - self._heard_ns <= self._silence_ns
        left, right = self._duty = self._wanted if is_heard else (0.0, 0.0)
        drive, supply_v = self._drive, self._supply_v
        self._ctrl[0] = left * supply_v / drive.nominal_supply_v
        self._ctrl[1] = right * supply_v / drive.nominal_supply_v
        left_qvel, right_qvel = self.scene.wheel_qvel
        current_a = drive.supply_current_a(left, self._qvel[left_qvel], supply_v)
        current_a += drive.supply_current_a(right, self._qvel[right_qvel], supply_v)
        self._supply_v = drive.supply_v(current_a) - drive.nominal_supply_v + self._battery_v

    def _set_out(self) -> None:
        if self.motion_began_ns is None:
            armed = self._frame is not None and self._frame.armed and self.driver_enabled
            if armed or self.time_ns >= PATIENCE_NS:
                self.motion_began_ns = self.time_ns

    def _is_apart(self) -> bool:
        """Robot and target cannot touch within ``_UNPLACED_NS``, so that where the target stands changes no number of
        the robot's. (The panel keeps away from the robot by itself.)"""
        x_m, y_m = self.scene.target_m()
        dx_m, dy_m = x_m - self._qpos[0], y_m - self._qpos[1]
        return dx_m * dx_m + dy_m * dy_m > _APART_M * _APART_M

    def _move_things(self) -> None:
        motion_s, scenario = self.motion_s, self.scenario
        target = scenario.path.place(motion_s)
        self.scene.move_target(*target)
        self._panel = None
        if motion_s >= self._next_pass_s:
            self._panel = scenario.panel_pose(motion_s, self.robot_pose(), Pose(*target))
            self._next_pass_s = scenario.next_pass_s(motion_s)
        if self._panel is not None or self._panel_is_up:
            self.scene.place_panel(self._panel)
            self._panel_is_up = self._panel is not None

    def _touches(self) -> int:
        bits = self._touch_bits[self.scene.data.contact.geom]
        return int(np.bitwise_or.reduce(bits, axis=None)) if bits.size else 0


def _bounded(duty: float) -> float:
    """A duty that a driver can make; what is not a number is 0."""
    return max(-1.0, min(1.0, duty)) if math.isfinite(duty) else 0.0


def _yaw_rad(w: float, x: float, y: float, z: float) -> float:
    return math.atan2(2.0 * (w * z + x * y), 1.0 - 2.0 * (y * y + z * z))


def _touch_table(scene: Scene) -> tuple[NDArray[np.uint32], tuple[str, ...]]:
    """A bit for each geom that the robot should not touch, and the bits' names, lowest first."""
    model = scene.model
    names: list[str] = []
    bits = np.zeros(model.ngeom, np.uint32)
    for geom in [*scene.object_of_geom, *scene.wall_geoms]:
        body = int(model.geom_bodyid[geom])
        name = model.body(body).name if body else model.geom(geom).name
        if name not in names:
            names.append(name)
        bits[geom] = 1 << names.index(name)
    return bits, tuple(names)
