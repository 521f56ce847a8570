"""The far side of branches that ordinary driving never takes: clipped terms, damaged stores, odd inputs."""

from __future__ import annotations

import ctypes
import math
from pathlib import Path

import pytest
from core_headers import Core

from takt.simulation.board import Board

MS = 1_000_000
PERIOD = 10 * MS


def byref(*things: object) -> list[object]:
    return [ctypes.byref(thing) for thing in things]  # type: ignore[arg-type]


def test_limits_hold_in_both_directions(core: Core) -> None:
    limits = core.new("axis_limits", speed=1.0, acceleration=2.0, jerk=1000.0, stop_rate=5.0)
    for sign in (1.0, -1.0):
        axis = core.new(
            "axis", value=0.0, rate=sign * 50.0
        )  # a rate beyond the limit is brought back at once
        core.takt_axis_follow(*byref(axis, limits), ctypes.c_float(sign * 9.0), ctypes.c_float(0.01))
        assert abs(axis.rate) <= 2.0
        axis = core.new("axis", value=sign * 3.0)
        core.takt_axis_follow(*byref(axis, limits), ctypes.c_float(sign * 9.0), ctypes.c_float(0.01))
        assert abs(axis.value) <= 1.0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_controller_clips_every_term_on_both_sides(core: Core, sign: float) -> None:
    config = core.takt_control_config_from_contract().wheel
    pid = core.new("pid")
    core.takt_pid_resume(
        *byref(pid, config), *(ctypes.c_float(x) for x in (sign * 100.0, -sign * 100.0, sign * 7.0))
    )
    assert (pid.output, pid.integral_term) == (sign, -sign)
    for _ in range(200):
        core.takt_pid_step(
            *byref(pid, config), *(ctypes.c_float(sign * x) for x in (-90.0, 90.0)), ctypes.c_float(0.01)
        )
    assert pid.output == -sign and abs(pid.integral_term) <= 1.0
    pid.integral_term = -sign * 5.0  # beyond the limit: brought back within it, never kept
    config.slew_per_s = 1e9
    core.takt_pid_step(*byref(pid, config), *(ctypes.c_float(x) for x in (0.0, 0.0, 0.01)))
    assert abs(pid.output) <= 1.0


def test_the_last_word_refuses_safe_even_if_armed(core: Core) -> None:
    safety = core.new("safety", armed=True, rung=core.values["TAKT_RUNG_SAFE"])
    assert core.takt_safety_duty(ctypes.byref(safety), 0.5, 1.0) == 0.0
    safety.rung = core.values["TAKT_RUNG_NOMINAL"]
    assert core.takt_safety_duty(ctypes.byref(safety), 0.5, 1.0) == 0.5
    assert core.takt_safety_duty(ctypes.byref(safety), math.nan, 1.0) == 0.0


def test_a_sample_with_the_same_number_and_another_time_is_news(core: Core) -> None:
    config, encoder = core.takt_control_config_from_contract().encoder, core.new("encoder")
    core.takt_encoder_init(ctypes.byref(encoder))
    for at_ns in (10 * MS, 20 * MS):
        sample = core.new("encoder_sample", present=True, sequence=5, sample_ns=at_ns)
        core.takt_encoder_update(*byref(encoder, config, sample))
        assert not encoder.silent and encoder.cycles_without_sample == 0
    core.takt_encoder_update(*byref(encoder, config, sample))
    assert encoder.cycles_without_sample == 1


@pytest.mark.parametrize("wheel", [0, 1])
def test_either_wheel_alone_may_be_wild(core: Core, wheel: int) -> None:
    config, encoder = core.takt_control_config_from_contract().encoder, core.new("encoder")
    core.takt_encoder_init(ctypes.byref(encoder))
    for number in range(5):
        sample = core.new("encoder_sample", present=True, sequence=number, sample_ns=(number + 1) * PERIOD)
        sample.counts[wheel] = number * 10**6
        core.takt_encoder_update(*byref(encoder, config, sample))
    assert encoder.wild[wheel] and not encoder.wild[1 - wheel]


def test_all_misses_are_the_sum_over_causes(core: Core) -> None:
    monitor = core.new("deadline_monitor")
    monitor.misses[:] = [1, 20, 300, 4000]
    assert core.takt_deadlines_missed(ctypes.byref(monitor)) == 4321


def test_a_store_with_whole_but_senseless_records_hands_nothing_over(core_library: Path, core: Core) -> None:
    """A right CRC over a record without identity, or with a range that runs backwards: made by no firmware of ours."""
    for first, last in ((0, 0), (9, 8)):
        board = Board(core_library)
        store = core.types["takt_ledger_record_t"]
        size = ctypes.sizeof(store)
        record = store(first=first, last=last)
        body = bytes(record)[: store.crc.offset]
        core.takt_crc16.restype = ctypes.c_uint16
        record.crc = core.takt_crc16(0x5401, body, len(body))
        raw = bytearray(board.retained.raw)
        raw[-64 * size : -63 * size] = bytes(record)
        board.retained.raw = bytes(raw)
        again = Board(core_library, retained=board.retained)
        assert again.ledger() == [] and again.state.boot_count == 2
