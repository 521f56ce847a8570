"""Encoders: speed by the samples' own stamps, restarts, wrap-around, silence and nonsense."""

from __future__ import annotations

import ctypes
import math
import random

import pytest
from core_headers import Core

MS = 1_000_000
RAD = 2 * math.pi / 4096


class Encoder:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.config = core.takt_control_config_from_contract().encoder
        self.state = core.new("encoder")
        core.takt_encoder_init(ctypes.byref(self.state))
        self.sample = core.new("encoder_sample")
        self.sequence = 0

    def update(self, counts: tuple[int, int] | None = None, at_ns: int = 0) -> None:
        """A cycle with a new sample, or without one."""
        if counts is not None:
            self.sequence += 1
            wrapped = [ctypes.c_int32(count & 0xFFFFFFFF).value for count in counts]
            self.sample = self.core.new(
                "encoder_sample", present=True, sequence=self.sequence, sample_ns=at_ns
            )
            self.sample.counts[:] = wrapped
        self.core.takt_encoder_update(*map(ctypes.byref, (self.state, self.config, self.sample)))

    @property
    def speed(self) -> tuple[float, float]:
        return tuple(self.state.speed_rad_s)


def test_speed_comes_from_the_stamps_and_not_from_the_cycle(core: Core) -> None:
    encoder = Encoder(core)
    rng = random.Random(3)
    at_ns = 5 * MS
    for _ in range(100):  # 10 rad/s left, -5 right, read at uneven times
        at_ns += rng.choice([8, 10, 10, 12]) * MS
        encoder.update((round(10 * at_ns / 1e9 / RAD), round(-5 * at_ns / 1e9 / RAD)), at_ns)
    assert encoder.speed == pytest.approx((10.0, -5.0), abs=RAD / 0.008)


def test_samples_close_together_do_not_coarsen_the_estimate(core: Core) -> None:
    encoder = Encoder(core)
    for k in range(50):
        at_ns = 100 * MS + k * 2 * MS
        encoder.update((round(3 * at_ns / 1e9 / RAD),) * 2, at_ns)
        if k > 4:
            assert encoder.speed[0] == pytest.approx(3.0, abs=RAD / 0.006)


def test_the_counter_may_wrap(core: Core) -> None:
    encoder = Encoder(core)
    start = 2**31 - 20
    for k in range(5):
        encoder.update((start + 10 * k, -start - 10 * k), (k + 1) * 10 * MS)
    assert tuple(encoder.state.position_counts) == (40, -40)
    assert encoder.speed == pytest.approx((10 * RAD / 0.01, -10 * RAD / 0.01))


def test_a_restarted_counter_moves_nothing(core: Core) -> None:
    encoder = Encoder(core)
    for k in range(5):
        encoder.update((1000 + 10 * k, 0), (k + 1) * 10 * MS)
    encoder.update((0, 0), 3 * MS)  # the plant began anew: time and counts run backwards
    assert tuple(encoder.state.position_counts) == (40, 0) and encoder.speed == (0.0, 0.0)
    encoder.update((10, 0), 13 * MS)
    assert tuple(encoder.state.position_counts) == (50, 0)
    assert not encoder.state.fault


def test_silence_counts_cycles_without_a_sample(core: Core) -> None:
    encoder = Encoder(core)
    assert encoder.state.silent, "before the first sample"
    encoder.update((0, 0), 10 * MS)
    encoder.update((20, 20), 20 * MS)
    assert not encoder.state.silent and encoder.speed[0] > 0
    for _ in range(5):
        encoder.update()
        assert not encoder.state.silent
    encoder.update()
    assert encoder.state.silent and encoder.speed == (0.0, 0.0)
    encoder.update((30, 30), 90 * MS)
    assert not encoder.state.silent


def test_one_wild_sample_is_dropped_three_are_a_fault_that_ends(core: Core) -> None:
    encoder = Encoder(core)
    for k in range(4):
        encoder.update((10 * k, 10 * k), (k + 1) * 10 * MS)
    steady = encoder.speed
    encoder.update((10**6, 40), 50 * MS)
    assert encoder.speed == steady and not encoder.state.fault
    encoder.update((50, 50), 60 * MS)
    assert tuple(encoder.state.position_counts) == (50, 50)
    for k in range(3):
        encoder.update((10**6 * (k + 1), 0), (70 + 10 * k) * MS)
    assert encoder.state.fault
    encoder.update((3 * 10**6 + 10, 10), 100 * MS)
    assert not encoder.state.fault
