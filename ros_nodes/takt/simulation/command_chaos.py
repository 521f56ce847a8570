"""Chaos for the control tick: every wrong thing that a host, a cable, a clock and an operator can do to commands.

`Chaos` makes one cycle's inputs after another, seeded; the wheels turn as the setpoint of the last result says, so that
nothing but commands, clocks and requests is wrong. Board time is exact; a stall longer than three cycles comes with the
missed-cycle limit, as the deadline monitor would report it.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.simulation import replay

MS = 1_000_000
_ROS_START_NS = 1_700_000_000_000_000_000
_GARBAGE = (math.nan, math.inf, -math.inf, 1e30, -3.4e38, 8.001, -8.001)
_BAD = ("edge", "stale", "future", "zero", "garbage", "repeat")
_MODES = ("good",) * 6 + ("silent",) * 3 + _BAD


class Chaos:
    """``next_cycle(result)`` fills and returns one CYCLE record; ``result`` is what the last one led to."""

    def __init__(self, contract: Contract, seed: int) -> None:
        self._rng = random.Random(seed)
        self._contract = contract
        self._counts_per_rad = contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        self._period_ns = 1_000_000_000 // contract.control.rate_hz
        self._record = np.zeros(1, replay.CYCLE)
        self._turned_rad = [0.0, 0.0]
        self._requests_made = 0
        self._power_up(watchdog=False)

    def next_cycle(self, result: NDArray[np.void]) -> NDArray[np.void]:
        """CYCLE (1,); the same memory each time."""
        rng, record = self._rng, self._record
        flags = replay.SAMPLE
        if rng.random() < 0.0005:
            watchdog = rng.random() < 0.3
            self._power_up(watchdog)
            flags |= replay.RESET | (replay.WATCHDOG if watchdog else 0)
        before_ns = self._now_ns
        late_ns = self._let_time_pass()
        if late_ns > 3 * self._period_ns:
            flags |= replay.MISS_LIMIT
        self._turn_wheels(result, (self._now_ns - before_ns) * 1e-9)
        self._change_mode()
        self._maybe_command()
        self._maybe_request()
        record["now_ns"] = self._now_ns
        record["dt_s"] = np.float32((self._now_ns - before_ns) * 1e-9)
        record["flags"] = flags | self._host_flags()
        record["supply_mv"] = 12_000
        return record

    def _power_up(self, watchdog: bool) -> None:
        """Board time and all numbers begin anew; the host goes on."""
        self._now_ns = self._rng.randrange(0, 50 * MS)
        self._mode, self._mode_ends_ns = "silent", 0
        self._clock_ends_ns = 0
        self._locked, self._bound_ns, self._agent_silent = True, 500_000, False
        self._command_sequence, self._next_command_ns = 0, 0
        self._requests = [0, 0, 0]
        self._requests_made = 0
        self._sample_sequence = 0
        self._stamp_ns = 0
        self._ros_offset_ns = _ROS_START_NS + self._rng.randrange(10**15)
        self._record[:] = np.zeros(1, replay.CYCLE)
        self._heard_ns = self._now_ns

    def _let_time_pass(self) -> int:
        """To the next cycle; returns how late it is."""
        late_ns = self._rng.randrange(-MS // 10, MS // 5)
        if self._rng.random() < 0.002:
            late_ns = self._rng.choice((15, 25, 29, 60, 400, 3000)) * MS
        self._now_ns += self._period_ns + late_ns
        return late_ns

    def _turn_wheels(self, result: NDArray[np.void], seconds: float) -> None:
        record = self._record
        for wheel in (0, 1):
            if result["driver_enabled"][0]:
                self._turned_rad[wheel] += float(result["setpoint_rad_s"][0, wheel]) * seconds
            counts = math.floor(self._turned_rad[wheel] * self._counts_per_rad)
            record["counts"][0, wheel] = (counts + 2**31) % 2**32 - 2**31
        self._sample_sequence += 1
        record["sample_sequence"] = self._sample_sequence
        record["sample_ns"] = self._now_ns

    def _change_mode(self) -> None:
        rng = self._rng
        if self._now_ns >= self._mode_ends_ns:
            self._mode = rng.choice(_MODES)
            self._mode_ends_ns = self._now_ns + rng.choice((30, 100, 500, 2000)) * MS
        if self._now_ns >= self._clock_ends_ns:
            self._locked = rng.random() < 0.85
            self._bound_ns = rng.choice((0, 200_000, 3 * MS, 10 * MS, 10 * MS + 1, 2**63))
            self._agent_silent = rng.random() < 0.1
            self._clock_ends_ns = self._now_ns + rng.choice((50, 400, 3000)) * MS
            if rng.random() < 0.1:  # a new epoch of ROS time
                self._ros_offset_ns += rng.randrange(-(10**10), 10**10)

    @property
    def _ros_ns(self) -> int:
        return self._ros_offset_ns + self._now_ns

    def _maybe_command(self) -> None:
        if self._mode == "silent" or self._now_ns < self._next_command_ns:
            return
        rng, record = self._rng, self._record
        self._next_command_ns = self._now_ns + rng.choice((5, 15, 20, 30)) * MS
        self._command_sequence += 1
        speed = rng.uniform(-1.0, 1.0)
        yaw_rate = rng.uniform(-3.0, 3.0)
        if self._mode == "garbage":
            garbage = rng.choice(_GARBAGE)
            speed, yaw_rate = rng.choice(((garbage, yaw_rate), (speed, garbage * 4.0)))
        if self._mode != "repeat":
            self._stamp_ns = self._new_stamp()
        record["command_sequence"] = self._command_sequence
        record["received_ns"] = self._now_ns - rng.randrange(0, 3 * MS)
        record["stamp_ns"] = self._stamp_ns
        with np.errstate(over="ignore"):  # infinite in 32 bits is part of the chaos
            record["speed_m_s"], record["yaw_rate_rad_s"] = np.float32(speed), np.float32(yaw_rate)

    def _new_stamp(self) -> int:
        rng = self._rng
        max_age_ns = self._contract.topics["cmd_vel"].max_age_ms * MS
        bound_ns = self._bound_ns if self._bound_ns < 2**62 else 0
        edge_ns = rng.choice((max_age_ns - bound_ns, -bound_ns)) + rng.choice((-1, 0, 1))
        age_ns = {
            "good": rng.randrange(0, 100 * MS),
            "edge": edge_ns,
            "stale": rng.randrange(150 * MS, 500 * MS),
            "future": -rng.randrange(0, 1000 * MS),
            "zero": self._ros_ns + rng.choice((0, 0, 10**9)),
            "garbage": rng.randrange(0, 100 * MS),
        }[self._mode]
        return self._ros_ns - age_ns

    def _maybe_request(self) -> None:
        rng = self._rng
        chance = rng.random()
        wanted: tuple[int, ...] = ()
        if chance < 0.02:
            wanted = (replay.ARM,)
        elif chance < 0.03:
            wanted = (replay.CLEAR_FAULT, replay.ARM)
        elif chance < 0.033:
            wanted = (replay.DISARM,)
        elif chance < 0.034:
            wanted = (replay.ARM, replay.DISARM)
        for kind in wanted:
            self._requests_made += 1
            self._requests[kind] = self._requests_made
        self._record["requests"][0] = self._requests

    def _host_flags(self) -> int:
        if not self._agent_silent:
            self._heard_ns = self._now_ns
        self._record["agent_heard_ns"] = self._heard_ns
        self._record["ros_now_ns"] = self._ros_ns if self._locked else 0
        self._record["ros_bound_ns"] = self._bound_ns if self._locked else 0
        return replay.AGENT_HEARD | (replay.LOCKED if self._locked else 0)
