"""Faults of wheels and supply in closed loop with the plant: found in time, named, and nobody wrongly accused."""

from __future__ import annotations

from pathlib import Path

import pytest

import takt.contract
from takt.errors import TaktError
from takt.simulation import wheel_proof
from takt.simulation.board import CAUSES, WHEEL_FAULTS
from takt.simulation.plant_faults import Fault

CONTRACT = takt.contract.load()


def test_a_hundredth_of_the_proof_holds(core_library: Path) -> None:
    found = wheel_proof.prove(1, core_library)
    assert found["held"] and found["drives"]["cycles"] > 100
    assert all(fault["max_ms"] <= 100 for fault in found["faults"].values())


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        ("supply_brown_out", "brown_out"),
        ("e_stop", "e_stop"),
        ("motor_fault", "motor_fault"),
        ("supply_low", "none"),
    ],
)
def test_what_the_inputs_show_leads_to_its_cause(core_library: Path, fault: str, cause: str) -> None:
    loop = wheel_proof.Loop(core_library, CONTRACT, 1)
    assert loop.armed
    loop.faults.add(Fault(fault, 0.0, float("inf")))
    for _ in range(20):
        loop.run(0.3, 0.0)
    assert CAUSES[int(loop.result["cause"][0])] == cause
    assert loop.armed == (cause == "none")


def test_a_counter_gone_wild_is_an_impossible_speed_of_that_wheel(core_library: Path) -> None:
    loop = wheel_proof.Loop(core_library, CONTRACT, 1)
    apply = loop.faults.apply

    def wild(frame, motion_s):  # type: ignore[no-untyped-def]
        shown = apply(frame, motion_s)
        return shown.__class__(**{**vars(shown), "counts": (shown.counts[0], frame.sequence * 10**6)})

    loop.faults.apply = wild  # type: ignore[method-assign]
    for _ in range(6):
        loop.run(0.3, 0.0)
    assert [WHEEL_FAULTS[int(kind)] for kind in loop.result["encoder_fault"][0]] == ["ok", "impossible_speed"]
    assert CAUSES[int(loop.result["fault"][0])] == "encoder_fault"


def test_bad_arguments_name_cause_and_fix() -> None:
    with pytest.raises(TaktError, match="--count 0"):
        wheel_proof.main(["--count", "0"])
