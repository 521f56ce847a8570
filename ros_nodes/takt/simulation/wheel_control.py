"""Three ways to drive a wheel, behind one call: the firmware's, simple-pid at the same gains, feed-forward."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Protocol

from takt.contract import Contract
from takt.errors import TaktError


class WheelControl(Protocol):
    """Duty for one wheel. ``hand_over`` begins closed-loop control at the duty that acts now."""

    def step(self, setpoint_rad_s: float, measured_rad_s: float, dt_s: float) -> float: ...
    def hand_over(self, setpoint_rad_s: float, measured_rad_s: float, duty: float) -> None: ...


class FirmwareControl:
    """`takt_pid_step` of the shipped core, with the contract's gains and limits."""

    def __init__(self, library_path: Path, contract: Contract) -> None:
        try:
            library = ctypes.CDLL(str(library_path.resolve()))
            size = int(library.takt_wheel_loop_size())
        except (OSError, AttributeError) as error:
            raise TaktError(
                f"the firmware's core library cannot be used: {error}",
                "build it with: cmake -S firmware -B build/firmware && cmake --build build/firmware",
            ) from error
        number, pointer, gains = ctypes.c_float, ctypes.c_void_p, contract.control
        self._step, self._resume = library.takt_wheel_loop_step, library.takt_wheel_loop_resume
        self._step.argtypes, self._step.restype = (pointer, number, number, number), number
        self._resume.argtypes, self._resume.restype = (pointer, number, number, number), None
        library.takt_wheel_loop_init.argtypes = (pointer, *(number,) * 4)
        library.takt_wheel_loop_init.restype = None
        self._state = ctypes.create_string_buffer(size)
        library.takt_wheel_loop_init(
            self._state,
            gains.feed_forward_per_rad_s,
            gains.kp_per_rad_s,
            gains.ki_per_rad,
            gains.kd_s_per_rad,
        )

    def step(self, setpoint_rad_s: float, measured_rad_s: float, dt_s: float) -> float:
        return float(self._step(self._state, setpoint_rad_s, measured_rad_s, dt_s))

    def hand_over(self, setpoint_rad_s: float, measured_rad_s: float, duty: float) -> None:
        self._resume(self._state, setpoint_rad_s, measured_rad_s, duty)


class SimplePidControl:
    """The simple-pid package: proportional, integral, derivative on the measurement, clamped; no feed-forward, no slew
    limit, as it comes."""

    def __init__(self, contract: Contract) -> None:
        try:
            from simple_pid import PID
        except ImportError as error:
            raise TaktError("simple-pid is not installed", "pip install simple-pid") from error
        gains = contract.control
        self._pid = PID(
            gains.kp_per_rad_s,
            gains.ki_per_rad,
            gains.kd_s_per_rad,
            sample_time=None,
            output_limits=(-gains.duty_limit, gains.duty_limit),
            differential_on_measurement=True,
        )

    def step(self, setpoint_rad_s: float, measured_rad_s: float, dt_s: float) -> float:
        self._pid.setpoint = setpoint_rad_s
        return float(self._pid(measured_rad_s, dt=dt_s) or 0.0)

    def hand_over(self, setpoint_rad_s: float, measured_rad_s: float, duty: float) -> None:
        self._pid.setpoint = setpoint_rad_s
        self._pid.set_auto_mode(False)
        self._pid.set_auto_mode(True, last_output=duty)


class FeedForwardControl:
    """Open loop: the duty that the contract says the speed takes."""

    def __init__(self, contract: Contract) -> None:
        self._gains = contract.control

    def step(self, setpoint_rad_s: float, measured_rad_s: float, dt_s: float) -> float:
        limit = self._gains.duty_limit
        return max(-limit, min(limit, self._gains.feed_forward_per_rad_s * setpoint_rad_s))

    def hand_over(self, setpoint_rad_s: float, measured_rad_s: float, duty: float) -> None:
        """An open loop has nothing to take over."""
