"""Single steps of the safety states that a whole drive does not tell apart: refusals, ties, resets of dirty memory."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core

CONDITIONS = {
    "E_STOP": "e_stop",
    "MOTOR_FAULT": "motor_fault",
    "ENCODER_FAULT": "encoder_fault",
    "MISS_LIMIT": "miss_limit",
    "ENCODER_SILENT": "encoder_silence",
    "LINK_SILENT": "link_silence",
    "WHEELS_TURNING": "wheels_turning",
}


class Steps:
    """A state that was filled with ones before it was initialised, as memory after a reset may be."""

    def __init__(self, core: Core, watchdog_reset: bool = False) -> None:
        self.core, self.state, self.requests = core, core.new("safety"), core.new("requests")
        ctypes.memset(ctypes.byref(self.state), 0xFF, ctypes.sizeof(self.state))
        core.takt_safety_init(ctypes.byref(self.state), watchdog_reset)

    def value(self, name: str) -> int:
        return int(self.core.values[f"TAKT_{name}"])

    def update(self, *conditions: str, gate: str = "OPEN", **numbers: int) -> None:
        for kind, number in numbers.items():
            self.requests.newest[self.value(f"REQUEST_{kind}")] = number
        bits = sum(self.value(f"CONDITION_{name}") for name in conditions)
        self.core.takt_safety_update(
            ctypes.byref(self.state), ctypes.byref(self.requests), bits, self.value(f"GATE_{gate}")
        )

    def cause(self, number: int) -> str:
        return str(self.core.takt_cause_name(number).decode())

    def refusal(self, question: str, *conditions: str) -> str:
        ask = getattr(self.core, f"takt_safety_{question}_refusal")
        return self.cause(
            ask(ctypes.byref(self.state), sum(self.value(f"CONDITION_{name}") for name in conditions))
        )


def test_start_clears_whatever_was_in_memory(core: Core) -> None:
    state = Steps(core).state
    assert list(state.served.newest) == [0, 0, 0]
    assert (state.armed, state.fault) == (False, core.values["TAKT_CAUSE_NONE"])


@pytest.mark.parametrize(("condition", "cause"), CONDITIONS.items())
def test_each_condition_alone_refuses_arming_by_its_name(core: Core, condition: str, cause: str) -> None:
    steps = Steps(core)
    assert steps.refusal("arm") == "none"
    assert steps.refusal("arm", condition) == cause


@pytest.mark.parametrize("condition", ["E_STOP", "MOTOR_FAULT", "ENCODER_FAULT", "MISS_LIMIT"])
def test_only_the_faults_own_condition_refuses_clearing(core: Core, condition: str) -> None:
    steps = Steps(core)
    steps.update(ARM=1)
    steps.update(condition)
    assert steps.refusal("clear", condition) == CONDITIONS[condition]
    others = [name for name in CONDITIONS if name != condition]
    assert steps.refusal("clear", *others) == "none"


def test_the_cause_ends_when_it_is_armed(core: Core) -> None:
    steps = Steps(core)
    assert steps.cause(steps.state.cause) == "power_up"
    steps.update(ARM=1)
    assert steps.state.armed and steps.cause(steps.state.cause) == "none"


def test_of_two_trips_in_one_cycle_the_first_of_the_table_is_told(core: Core) -> None:
    steps = Steps(core)
    steps.update(ARM=1)
    steps.update("MOTOR_FAULT", "E_STOP")
    assert steps.cause(steps.state.cause) == "e_stop" and steps.cause(steps.state.fault) == "e_stop"


def test_a_disarm_request_clears_no_fault(core: Core) -> None:
    steps = Steps(core, watchdog_reset=True)
    steps.update(DISARM=1)
    assert steps.cause(steps.state.fault) == "watchdog_reset"


def test_clearing_without_a_fault_keeps_the_cause(core: Core) -> None:
    steps = Steps(core)
    steps.update(CLEAR_FAULT=1)
    assert steps.cause(steps.state.cause) == "power_up"
    steps = Steps(core, watchdog_reset=True)
    steps.update(CLEAR_FAULT=1)
    assert steps.cause(steps.state.cause) == "disarmed"


@pytest.mark.parametrize(("armed", "rung"), [(False, "NOMINAL"), (True, "SAFE"), (False, "SAFE")])
def test_either_doubt_alone_means_no_duty(core: Core, armed: bool, rung: str) -> None:
    state = core.new("safety", armed=armed, rung=core.values[f"TAKT_RUNG_{rung}"])
    assert core.takt_safety_duty(ctypes.byref(state), 0.5, 1.0) == 0.0


def test_numbers_outside_the_tables_have_a_name(core: Core) -> None:
    for table, count in (("rung", "RUNG_COUNT"), ("cause", "CAUSE_COUNT"), ("gate", "GATE_COUNT")):
        name_of = getattr(core, f"takt_{table}_name")
        last = int(core.values[f"TAKT_{count}"])
        assert name_of(last) == b"unknown" and name_of(last - 1) != b"unknown"


def test_the_reduced_rung_of_the_host_reads_as_well(core: Core) -> None:
    state = core.new("safety", rung=core.values["TAKT_RUNG_REDUCED"])
    assert core.takt_safety_reason(ctypes.byref(state)) == b"ok"
