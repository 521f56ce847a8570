"""Faults that the plant shows to the board: from when to when, and what the counters do after them."""

from __future__ import annotations

import itertools
import socket

import pytest

from takt.errors import TaktError
from takt.simulation.plant_faults import NAMES, Fault, PlantFaults
from takt.simulation.plant_orders import PlantOrders
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame


def frame(sequence: int, counts: tuple[int, int]) -> EncoderFrame:
    return EncoderFrame(False, False, 12_000, sequence, sequence * 2_000_000, counts)


def shown(fault: str, steps: int = 6) -> list[tuple[int, int]]:
    """Wheels that turn by (10, 20) a frame; the fault holds from frame 2 to 3."""
    faults = PlantFaults((Fault.parse(f"{fault}@2+2"),))
    return [faults.apply(frame(n, (10 * n, 20 * n)), float(n)).counts for n in range(steps)]


def test_without_faults_nothing_is_changed() -> None:
    given = frame(3, (5, 6))
    assert PlantFaults().apply(given, 1.0) == given


def test_a_broken_wire_freezes_one_counter_which_then_goes_on_from_there() -> None:
    assert shown("encoder_broken_left") == [(0, 0), (10, 20), (10, 40), (10, 60), (20, 80), (30, 100)]


def test_swapped_channels_count_backwards() -> None:
    assert shown("encoder_reversed_right") == [(0, 0), (10, 20), (20, 0), (30, -20), (40, 0), (50, 20)]


def test_one_dead_channel_toggles() -> None:
    assert [left for left, _ in shown("encoder_toggling_left")] == [0, 10, 10, 11, 20, 30]


def test_readings_and_their_times() -> None:
    faults = PlantFaults(tuple(map(Fault.parse, ("e_stop@1+1", "motor_fault@2", "supply_brown_out@2.5"))))
    seen = [faults.apply(frame(n, (0, 0)), n / 2) for n in range(8)]
    assert [f.e_stop for f in seen] == [False, False, True, True, False, False, False, False]
    assert [f.motor_fault for f in seen] == [False] * 4 + [True] * 4
    assert [f.supply_mv for f in seen] == [12_000] * 5 + [8_500] * 3
    assert PlantFaults((Fault.parse("supply_low@0"),)).apply(frame(0, (0, 0)), 0.0).supply_mv == 10_200


@pytest.mark.parametrize("text", ["e_stop", "fire@3", "e_stop@-1", "e_stop@x", "e_stop@1+", ""])
def test_what_cannot_be_read_is_refused_with_the_names(text: str) -> None:
    with pytest.raises(TaktError) as refused:
        Fault.parse(text)
    assert NAMES[0] in refused.value.fix


def test_an_order_becomes_a_fault_that_begins_now(tmp_path):
    path = tmp_path / "plant.sock"
    orders, faults = PlantOrders(path), PlantFaults()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for text in ('{"fault": "e_stop", "seconds": 2}', "nonsense", '{"fault": "gremlin", "seconds": 1}'):
            sender.sendto(text.encode(), str(path))
    for _ in range(5):
        orders.give(faults, 7.0)
    orders.close()
    assert not faults.apply(frame(1, (0, 0)), 6.9).e_stop
    assert faults.apply(frame(2, (0, 0)), 8.9).e_stop
    assert not faults.apply(frame(3, (0, 0)), 9.1).e_stop


def test_weak_motors_a_sagging_supply_a_jump_and_silence():
    duty = DutyFrame(True, True, 0, 1, 1, (0.5, 0.5), (1.0, 1.0))
    faults = PlantFaults((Fault("motor_weak_left", 0.0, 1.0, 1.0), Fault("supply_sag", 2.0, 3.0, 0.0)))
    assert faults.weaken(duty, 0.5).duty == pytest.approx((0.05, 0.5))
    assert faults.weaken(duty, 2.5).duty == pytest.approx((0.475, 0.475))
    assert faults.weaken(duty, 3.5) == duty
    jump = PlantFaults((Fault("encoder_jump_left", 1.0, 1.5), Fault("encoder_silent", 5.0, 6.0)))
    counts = [jump.apply(frame(at, (at, at)), 0.5 * at).counts for at in range(5)]
    steps = [after[0] - before[0] for before, after in itertools.pairwise(counts)]
    assert [step > 4000 for step in steps].count(True) == 1
    assert jump.are_silent(5.5) and not jump.are_silent(6.5)
