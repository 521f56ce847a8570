"""What the board must do with commands, said a second time and from the contract alone: `Oracle`.

Plain integers, no code shared with the firmware. It follows each cycle's inputs and judges its outputs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.simulation import replay
from takt.simulation.board import RUNGS, VERDICTS

MS = 1_000_000
_SILENT_STOP_NS = 300 * MS
_ABSURD = 10.0  # times the limit, as docs/firmware.md says


@dataclass
class Tally:
    """What happened; ``violations`` tell the cycle and the rule."""

    cycles: int = 0
    commands: int = 0
    applied_cycles: int = 0
    oldest_applied_ns: int = 0
    arms: int = 0
    resets: int = 0
    silences: int = 0
    longest_stop_ns: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)


class Oracle:
    """Feed it every cycle with its result."""

    def __init__(self, contract: Contract, tally: Tally) -> None:
        self._contract = contract
        self._tally = tally
        self._max_age_ns = contract.topics["cmd_vel"].max_age_ms * MS
        self._silence_ns = contract.safety.command_silence_ms * MS
        self._bound_limit_ns = contract.link.clock_bound_limit_ms * MS
        self._forget()

    def _forget(self) -> None:
        """As after a reset."""
        self._taken = 0
        self._held: dict[str, Any] | None = None
        self._refused = dict.fromkeys(VERDICTS, 0)
        self._armed = False
        self._arm_seen = 0
        self._last_duty = (0.0, 0.0)
        self._last_setpoint = (0.0, 0.0)
        self._received_ns: int | None = None
        self._silent = False

    def check(self, cycle: NDArray[np.void], result: NDArray[np.void]) -> None:
        """One cycle: CYCLE and RESULT records of shape (1,)."""
        given = dict(zip(replay.CYCLE.names or (), cycle[0].item(), strict=True))
        got = dict(zip(replay.RESULT.names or (), result[0].item(), strict=True))
        got["duty"], got["setpoint"] = result["duty"][0].tolist(), result["setpoint_rad_s"][0].tolist()
        self._tally.cycles += 1
        if given["flags"] & replay.RESET:
            self._tally.resets += 1
            self._forget()
        verdict = self._judge(given)
        self._hold_against(given, got, verdict, result["refused"][0].tolist())

    def _judge(self, given: dict[str, Any]) -> str:
        """The gate, by the words of docs/firmware.md."""
        if given["command_sequence"] != self._taken:
            self._taken = given["command_sequence"]
            self._tally.commands += 1
            self._held = given.copy()
            self._received_ns = given["received_ns"]
        held = self._held
        if held is None:
            return "no_command"
        verdict = self._reason_to_refuse(held, given)
        if verdict != "applied":
            self._refused[verdict] += 1
            self._held = None
        return verdict

    def _reason_to_refuse(self, held: dict[str, Any], given: dict[str, Any]) -> str:
        limits = self._contract.limits
        pairs = ((held["speed_m_s"], limits.speed_m_s), (held["yaw_rate_rad_s"], limits.yaw_rate_rad_s))
        if any(
            not math.isfinite(value) or abs(value) > float(np.float32(_ABSURD) * np.float32(limit))
            for value, limit in pairs
        ):
            return "nan"
        if given["now_ns"] - held["received_ns"] >= self._silence_ns:
            return "silence"
        if not given["flags"] & replay.LOCKED or given["ros_bound_ns"] > self._bound_limit_ns:
            return "clock"
        if held["stamp_ns"] <= 0:
            return "zero"
        if held["stamp_ns"] > given["ros_now_ns"] + given["ros_bound_ns"]:
            return "future"
        age_ns = given["ros_now_ns"] - held["stamp_ns"]
        return "stale" if age_ns + given["ros_bound_ns"] > self._max_age_ns else "applied"

    def _hold_against(
        self, given: dict[str, Any], got: dict[str, Any], verdict: str, refused: list[int]
    ) -> None:
        rung = RUNGS[got["rung"]]
        self._rule(all(map(math.isfinite, got["setpoint"])), "the setpoint is a number")
        self._rule(refused == [self._refused[name] for name in VERDICTS], "refusals are counted exactly")
        self._check_arming(given, got)
        duty = got["duty"]
        if not got["armed"]:
            self._rule(duty == [0.0, 0.0] and not got["driver_enabled"], "duty is exactly 0 while disarmed")
            self._rule(rung == "SAFE", "disarmed is SAFE")
        else:
            self._rule(
                (rung == "NOMINAL") == (verdict == "applied"), f"{rung} though the command is {verdict}"
            )
        if rung == "NOMINAL":
            self._note_applied(given)
        self._check_limits(given, got)
        self._check_stop(given, got)
        self._last_duty, self._last_setpoint = tuple(duty), tuple(got["setpoint"])

    def _check_arming(self, given: dict[str, Any], got: dict[str, Any]) -> None:
        fresh = given["requests"][replay.ARM] != self._arm_seen
        self._arm_seen = given["requests"][replay.ARM]
        if got["armed"] and not self._armed:
            self._tally.arms += 1
            self._rule(fresh, "only a fresh request arms")
        self._armed = bool(got["armed"])

    def _note_applied(self, given: dict[str, Any]) -> None:
        self._tally.applied_cycles += 1
        held = self._held
        if held is None:
            self._rule(False, "something is followed that is no command")
            return
        age_ns = int(given["ros_now_ns"]) + int(given["ros_bound_ns"]) - int(held["stamp_ns"])
        self._tally.oldest_applied_ns = max(self._tally.oldest_applied_ns, age_ns)
        self._rule(age_ns <= self._max_age_ns, "a stale command is never applied")

    def _check_limits(self, given: dict[str, Any], got: dict[str, Any]) -> None:
        control = self._contract.control
        step = control.duty_slew_per_s * min(max(given["dt_s"], 0.001), 0.05) * 1.0001
        for wheel in (0, 1):
            duty = got["duty"][wheel]
            self._rule(abs(duty) <= control.duty_limit, "duty is within its limit")
            if got["armed"]:
                self._rule(abs(duty - self._last_duty[wheel]) <= step, "no jump over one slew step")

    def _check_stop(self, given: dict[str, Any], got: dict[str, Any]) -> None:
        """Silence: the setpoint never grows in HOLD and is 0 within 300 ms of the last command."""
        if RUNGS[got["rung"]] == "HOLD":
            # forward and turning each, since one of them may end first
            (left, right), (last_left, last_right) = got["setpoint"], self._last_setpoint
            for now, last in ((left + right, last_left + last_right), (right - left, last_right - last_left)):
                self._rule(abs(now) <= abs(last) * 1.0001 + 1e-5, "HOLD only slows")
        if self._received_ns is None:
            return
        since_ns = given["now_ns"] - self._received_ns
        silent = since_ns >= self._silence_ns
        self._tally.silences += silent and not self._silent
        self._silent = silent
        if silent and any(got["setpoint"]):
            self._tally.longest_stop_ns = max(self._tally.longest_stop_ns, since_ns)
            self._rule(since_ns < _SILENT_STOP_NS, "silence stops within 300 ms")

    def _rule(self, kept: bool, rule: str) -> None:
        if not kept and len(self._tally.violations) < 20:
            self._tally.violations.append(f"cycle {self._tally.cycles}: broken: {rule}")

    def close(self) -> None:
        """Add this life's refusals to the tally."""
        for name, count in self._refused.items():
            self._tally.refused[name] = self._tally.refused.get(name, 0) + count
