"""What must hold in a real run whatever goes wrong, judged afterwards by the plant's own log and the host's files.

The twin's invariants, as far as a run in real time leaves the truth behind. A host may stall: the widest gap between
two states of the plant around a moment is added to every time limit there, and reported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from takt.contract import Contract
from takt.supervision.ledger_file import board_record
from takt.trouble.fault_file import Injected
from takt.trouble.kinds import KINDS
from takt.trouble.ledger_check import faults_of
from takt.twin.invariants import Violation

_FLOAT_SLACK = 1.02
_STILL_M_S = 0.1
_LIMP_NS = 1_500_000_000
_TWO_CYCLES_S = 0.022  # a duty frame is seen at a batch of the plant, two may fall into one
_TICK_S = 0.020  # of the planner
_CALL_MS = 300.0  # STOP or an alarm on its way through two computers
_SILENCING = ("line_cut", "agent_freeze", "agent_kill", "host_pause", "planner_freeze", "planner_kill")
_UNLINKING = ("line_cut", "agent_freeze", "host_pause")
_ALARMS = ("e_stop", "motor_fault")
_SETPOINT_ZERO_MS = 300.0  # of a board that hears nothing any more


@dataclass(frozen=True)
class Evidence:
    """What a run left behind. ``plant``: the log's records; stamps in ROS ns."""

    plant: np.ndarray[Any, np.dtype[np.void]]
    faults: Sequence[Injected]
    applied_age_ms: Mapping[int, float]  # by observation stamp, as the board measured it
    final_rung: str
    armed_at_end: bool
    resumed_ns: int | None  # when STOP was taken back
    ledger_file: Path
    host_rungs: Sequence[tuple[int, str, str]]  # ROS time when the host told it, rung, reason
    commands: Sequence[tuple[int, float, float]]  # ROS time when heard, m/s, rad/s
    loop: Mapping[str, str]  # the board's last account of its control loop


def violations(evidence: Evidence, contract: Contract) -> list[Violation]:
    """Every invariant that did not hold, the first moment of each."""
    armed = np.flatnonzero(evidence.plant["armed"])
    if len(armed) == 0:
        return [Violation("never_armed", 0.0, "the robot was never armed")]
    judge = _Judge(evidence, contract, int(evidence.plant["stamp_ns"][armed[0]]))
    judge.motion()
    judge.arming()
    judge.reactions()
    judge.commands()
    judge.collisions()
    judge.ledger()
    judge.recovery()
    return list(judge.found.values())


class _Judge:
    def __init__(self, evidence: Evidence, contract: Contract, armed_ns: int) -> None:
        self.found: dict[str, Violation] = {}
        self._evidence, self._contract, self._armed_ns = evidence, contract, armed_ns
        self._log = evidence.plant
        self._stamps = evidence.plant["stamp_ns"]

    def _note(self, invariant: str, at_ns: int, detail: str) -> None:
        at_s = round((at_ns - self._armed_ns) / 1e9, 3)
        self.found.setdefault(invariant, Violation(invariant, at_s, detail))

    def _stall_ms(self, from_ns: int, until_ns: int) -> float:
        """The longest time within which the plant itself was not heard."""
        within = self._stamps[(self._stamps >= from_ns) & (self._stamps <= until_ns)]
        return float(np.diff(within).max(initial=0)) / 1e6

    def motion(self) -> None:
        """Setpoints keep to the limits of speed and acceleration, also when they resume."""
        limits, robot = self._contract.limits, self._contract.robot
        setpoint = self._log["setpoint_rad_s"]
        fast = np.abs(setpoint).max(axis=1) > limits.wheel_speed_rad_s * _FLOAT_SLACK
        if fast.any():
            place = int(np.argmax(fast))
            self._note("speed_limit", int(self._stamps[place]), f"setpoint {setpoint[place]} rad/s")
        half_m = robot.wheel_separation_m / 2.0
        turning = limits.yaw_acceleration_rad_s2 * half_m
        rate = (limits.acceleration_m_s2 + turning) / robot.wheel_radius_m
        changed = np.flatnonzero(np.any(np.diff(setpoint, axis=0) != 0.0, axis=1)) + 1
        if len(changed) == 0:
            return
        since_frame_s = np.minimum(self._log["duty_age_ms"][changed - 1] / 1e3, 1.0)
        before, after = setpoint[changed - 1], setpoint[changed]
        grows = (np.abs(after) > np.abs(before)) & (before * after >= 0.0)
        allowed = rate * (since_frame_s[:, None] + _TWO_CYCLES_S)
        armed = self._log["armed"][changed][:, None]
        jumps = np.any(grows & (np.abs(after - before) > allowed) & armed, axis=1)
        if jumps.any():
            place = int(np.argmax(jumps))
            at_ns = int(self._stamps[changed[place]])
            self._note("setpoint_jump", at_ns, f"{before[place]} to {after[place]} rad/s at once")

    def arming(self) -> None:
        """No drive unless armed; never armed between STOP and its being taken back."""
        loose = ~self._log["armed"] & self._log["driver_enabled"]
        if loose.any():
            self._note("duty_disarmed", int(self._stamps[np.argmax(loose)]), "driver enabled while disarmed")
        for fault in self._evidence.faults:
            if fault.kind == "stop_pressed":
                until_ns = self._evidence.resumed_ns or int(self._stamps[-1])
                self._never("armed_after_stop", "armed", fault.at_ns, _CALL_MS, until_ns)
            elif fault.kind in _ALARMS:
                self._never("armed_with_fault", "armed", fault.at_ns, _CALL_MS, fault.until_ns)

    def reactions(self) -> None:
        """A board that hears nothing stops its wheels, and later disarms, without the host's help."""
        silence_ms = self._contract.safety.link_silence_ms + _CALL_MS
        for fault in self._evidence.faults:
            if fault.kind in _SILENCING:
                self._never(
                    "command_silence", "setpoint_rad_s", fault.at_ns, _SETPOINT_ZERO_MS, fault.until_ns
                )
            if fault.kind in _UNLINKING:
                self._never("link_silence", "armed", fault.at_ns, silence_ms, fault.until_ns)

    def _never(self, invariant: str, field: str, at_ns: int, within_ms: float, until_ns: int) -> None:
        """From so long after ``at_ns`` on, the field must stay zero until ``until_ns``."""
        slack_ms = self._stall_ms(at_ns, until_ns)
        from_ns = at_ns + round((within_ms + slack_ms) * 1e6)
        there = (self._stamps >= from_ns) & (self._stamps < until_ns)
        values = self._log[field].reshape(len(self._log), -1)
        wrong = there & np.any(values != 0, axis=1)
        if wrong.any():
            place = int(np.argmax(wrong))
            late_ms = (int(self._stamps[place]) - at_ns) / 1e6
            self._note(
                invariant, int(self._stamps[place]), f"{field} {values[place]} {late_ms:.0f} ms after it"
            )

    def commands(self) -> None:
        """No command is applied that rests on an observation older than it may be."""
        limit_ms = self._contract.topics["cmd_vel"].max_age_ms
        for stamp_ns, age_ms in self._evidence.applied_age_ms.items():
            if age_ms > limit_ms:
                self._note("stale_command", stamp_ns, f"applied at an age of {age_ms:.1f} ms")

        self._climb()

    def _climb(self) -> None:
        """The planner's command grows within the accelerations, behind a pause as well."""
        limits, armed_ns = self._contract.limits, self._armed_ns
        rows = np.array([row for row in self._evidence.commands if row[0] > armed_ns], float).reshape(-1, 3)
        if len(rows) < 2:
            return
        allowed_s = np.minimum(np.diff(rows[:, 0]) / 1e9, _TICK_S) + 2.0 * _TICK_S
        for column, rate in ((1, limits.acceleration_m_s2), (2, limits.yaw_acceleration_rad_s2)):
            before, after = rows[:-1, column], rows[1:, column]
            grows = (np.abs(after) > np.abs(before)) & (before * after >= 0.0)
            jumps = grows & (np.abs(after - before) > rate * allowed_s)
            if jumps.any():
                place = int(np.argmax(jumps))
                detail = (
                    f"{before[place]:.2f} to {after[place]:.2f} in {np.diff(rows[:, 0])[place] / 1e6:.0f} ms"
                )
                self._note("command_jump", int(rows[place + 1, 0]), detail)

    def collisions(self) -> None:
        """The robot drives into nothing, except while a motor or an encoder lies."""
        hits = self._log["in_collision"] & (np.abs(self._log["robot_speed_m_s"]) > _STILL_M_S)
        for fault in self._evidence.faults:
            if KINDS[fault.kind].moves_freely:
                free = (self._stamps >= fault.at_ns) & (self._stamps <= fault.until_ns + _LIMP_NS)
                hits &= ~free
        if hits.any():
            place = int(np.argmax(hits))
            speed = float(self._log["robot_speed_m_s"][place])
            self._note("collision", int(self._stamps[place]), f"at {speed:.2f} m/s")

    def ledger(self) -> None:
        """The host's file holds every miss once."""
        path = self._evidence.ledger_file
        lines = path.read_text().splitlines() if path.exists() else []
        records = [record for line in lines if (record := board_record(json.loads(line))) is not None]
        for line in faults_of(records, self._evidence.loop):
            self._note("ledger_exact", int(self._stamps[-1]), line)

    def recovery(self) -> None:
        """In the end, when all is over and a person has helped, the robot drives."""
        if not self._evidence.armed_at_end or self._evidence.final_rung != "NOMINAL":
            armed = "armed" if self._evidence.armed_at_end else "disarmed"
            self._note("recovered", int(self._stamps[-1]), f"ends {armed} on {self._evidence.final_rung}")
