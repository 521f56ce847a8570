"""`takt bench control`: quality of the wheel controller on the plant model, beside simple-pid and open loop.

The plant is the demo's (physics of robot, motors, battery, tyres) on an endless floor. Each trial begins at rest. Time
is simulated, so the figures are the same on every machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.contract import Contract
from takt.simulation.plant import BATCH_NS, Plant
from takt.simulation.plant_protocol import DutyFrame
from takt.simulation.scenario import Scenario
from takt.simulation.wheel_control import FeedForwardControl, FirmwareControl, SimplePidControl, WheelControl

LIBRARY = Path("build/firmware/libtakt_core.so")
_STEPS_RAD_S = (3.0, 8.0, 16.0)
_PUSH_N = 6.0  # against the robot: a third of what its tyres hold
_UNREACHABLE_RAD_S = 40.0
_CONTROLS: tuple[str, ...] = ("takt", "simple_pid", "open_loop")
Make = Callable[[], WheelControl]


@dataclass(frozen=True)
class Trial:
    """One run: time s, true mean wheel speed rad/s and duty (left), one row a cycle."""

    time_s: NDArray[np.float64]
    speed_rad_s: NDArray[np.float64]
    duty: NDArray[np.float64]


class Rig:
    """Plant and two equal controllers in closed loop over the encoders."""

    def __init__(self, contract: Contract, make: Make) -> None:
        self._contract = contract
        self.plant = Plant(Scenario.from_seed(1, contract), contract)
        self.controls = (make(), make())
        scene = self.plant.scene
        for geom in [*scene.object_of_geom, *scene.wall_geoms]:  # an endless empty floor
            scene.model.geom_contype[geom] = scene.model.geom_conaffinity[geom] = 0
        self._dt_s = 1.0 / contract.control.rate_hz
        self._last = self.plant.encoder_frame()
        self._per_count = 2.0 * np.pi / contract.robot.encoder_counts_per_rev
        self.rows: list[tuple[float, float, float]] = []
        self.measured = [0.0, 0.0]

    def cycle(self, setpoint_rad_s: float, push_n: float = 0.0, duty: float | None = None) -> None:
        """One control period; ``duty`` overrides the controllers, as if they were switched off."""
        self._measure()
        duties = [
            duty if duty is not None else control.step(setpoint_rad_s, speed, self._dt_s)
            for control, speed in zip(self.controls, self.measured, strict=True)
        ]
        plant = self.plant
        plant.receive(DutyFrame(True, True, 0, 0, plant.time_ns, (duties[0], duties[1]), (0.0, 0.0)))
        yaw_rad = plant.robot_pose().yaw_rad
        body = plant.scene.model.body("base_link").id
        plant.scene.data.xfrc_applied[body, :2] = -push_n * np.cos(yaw_rad), -push_n * np.sin(yaw_rad)
        for _ in range(round(self._dt_s * 1e9 / BATCH_NS)):
            plant.advance()
        speed = float(np.mean(plant.record(0)["wheel_speed_rad_s"]))
        self.rows.append((plant.time_ns * 1e-9, speed, duties[0]))

    def _measure(self) -> None:
        now = self.plant.encoder_frame()
        elapsed_s = max(now.plant_ns - self._last.plant_ns, 1) * 1e-9
        moved = zip(now.counts, self._last.counts, strict=True)
        self.measured = [(a - b) * self._per_count / elapsed_s for a, b in moved]
        self._last = now

    def trial(self) -> Trial:
        rows = np.array(self.rows)
        return Trial(rows[:, 0] - rows[0, 0] + self._dt_s, rows[:, 1], rows[:, 2])


def step_response(contract: Contract, make: Make, setpoint_rad_s: float) -> dict[str, float | None]:
    """Rise to 90 %, overshoot, and what error is left after 2 s."""
    rig = Rig(contract, make)
    for _ in range(200):
        rig.cycle(setpoint_rad_s)
    trial = rig.trial()
    response = trial.speed_rad_s / setpoint_rad_s
    reached = np.flatnonzero(response >= 0.9)
    return {
        "rise_90_ms": round(float(trial.time_s[reached[0]]) * 1e3, 1) if reached.size else None,
        "overshoot_percent": round(max(0.0, float(response.max()) - 1.0) * 100.0, 2),
        "error_after_2_s_percent": round(abs(float(response[-20:].mean()) - 1.0) * 100.0, 2),
    }


def disturbance(contract: Contract, make: Make) -> dict[str, float | None]:
    """A push against the robot at 8 rad/s: how far the speed falls, and when it is back within 2 %."""
    rig = Rig(contract, make)
    for _ in range(200):
        rig.cycle(8.0)
    before = float(rig.trial().speed_rad_s[-10:].mean())
    for _ in range(200):
        rig.cycle(8.0, push_n=_PUSH_N)
    pushed = rig.trial().speed_rad_s[200:] / before
    outside = np.flatnonzero(np.abs(pushed - 1.0) > 0.02)
    back = int(outside[-1]) + 1 if outside.size else 0
    return {
        "drop_percent": round((1.0 - float(pushed.min())) * 100.0, 2),
        "recovery_ms": None if back >= len(pushed) else back * 10.0,
    }


def wind_up(contract: Contract, make: Make) -> dict[str, float]:
    """Five seconds at a setpoint beyond reach, then 8 rad/s: how long it stays above, how far below it goes."""
    rig = Rig(contract, make)
    rig.plant.scene.model.opt.gravity[:] = 0.0  # wheels in the air: no wall ends the trial
    rig.plant.scene.data.qpos[2] = 1.0
    for _ in range(500):
        rig.cycle(_UNREACHABLE_RAD_S)
    for _ in range(300):
        rig.cycle(8.0)
    after = rig.trial().speed_rad_s[500:] / 8.0
    above = np.flatnonzero(after > 1.05)
    return {
        "above_5_percent_ms": float((above[-1] + 1) * 10.0) if above.size else 0.0,
        "undershoot_percent": round(max(0.0, 1.0 - float(after[:200].min())) * 100.0, 2),
    }


def resume(contract: Contract, make: Make) -> dict[str, float]:
    """Control is switched on while the wheel turns under a fixed duty: the largest jump of duty in half a second."""
    rig = Rig(contract, make)
    for _ in range(150):
        rig.cycle(0.0, duty=0.4)
    setpoint = rig.measured[0]
    for control, measured in zip(rig.controls, rig.measured, strict=True):
        control.hand_over(setpoint, measured, 0.4)
    for _ in range(50):
        rig.cycle(setpoint)
    duty = rig.trial().duty[149:]
    return {"largest_jump": round(float(np.abs(np.diff(duty)).max()), 4)}


def measure(library: Path) -> dict[str, Any]:
    """All trials of all controllers."""
    contract = takt.contract.load()
    makes: dict[str, Make] = {
        "takt": lambda: FirmwareControl(library, contract),
        "simple_pid": lambda: SimplePidControl(contract),
        "open_loop": lambda: FeedForwardControl(contract),
    }
    found: dict[str, Any] = {
        "time": "simulated",
        "slew_step": contract.control.duty_slew_per_s / contract.control.rate_hz,
    }
    for name in _CONTROLS:
        make = makes[name]
        found[name] = {
            **{f"step_{size:g}_rad_s": step_response(contract, make, size) for size in _STEPS_RAD_S},
            "push": disturbance(contract, make),
            "after_5_s_of_saturation": wind_up(contract, make),
            "resume": resume(contract, make),
        }
    return found


def table(found: dict[str, Any]) -> str:
    """Markdown, a row a figure."""
    rows = [
        "| trial | figure | Takt | simple-pid, same gains | open loop |",
        "| --- | --- | --- | --- | --- |",
    ]
    for trial, figures in found["takt"].items():
        for figure in figures:
            values = [found[name][trial][figure] for name in _CONTROLS]
            told = " | ".join("never" if value is None else f"{value:g}" for value in values)
            rows.append(f"| {trial.replace('_', ' ')} | {figure.replace('_', ' ')} | {told} |")
    return "\n".join(rows)


def main(argv: list[str]) -> int:
    """Print the table; 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="takt bench control", description=__doc__)
    parser.add_argument("--library", type=Path, default=LIBRARY, help="the firmware's core, for the host")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    found = measure(given.library)
    print(table(found))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
