"""The safety states as a table: what arms, what trips, what needs clear_fault; and the order of requests."""

from __future__ import annotations

import ctypes
from pathlib import Path

import pytest
from core_headers import Core

from takt.simulation import board

RUNGS = ("NOMINAL", "REDUCED", "HOLD", "SAFE")


class Safety:
    def __init__(self, core: Core, watchdog_reset: bool = False) -> None:
        self.core, self.state = core, core.new("safety")
        self.requests = core.new("requests")
        self.count = 0
        core.takt_safety_init(ctypes.byref(self.state), watchdog_reset)

    def ask(self, *kinds: str) -> None:
        for kind in kinds:
            self.count += 1
            self.requests.newest[self.core.values[f"TAKT_REQUEST_{kind}"]] = self.count

    def cycle(self, gate: str = "EMPTY", *conditions: str) -> str:
        bits = sum(self.core.values[f"TAKT_CONDITION_{name}"] for name in conditions)
        verdict = self.core.values[f"TAKT_GATE_{gate}"]
        self.core.takt_safety_update(ctypes.byref(self.state), ctypes.byref(self.requests), bits, verdict)
        assert self.state.armed == (self.rung != "SAFE"), "SAFE and disarmed are one"
        return self.rung

    @property
    def rung(self) -> str:
        return RUNGS[self.state.rung]

    @property
    def reason(self) -> str:
        return self.core.takt_safety_reason(ctypes.byref(self.state)).decode()

    @property
    def fault(self) -> str:
        return self.core.takt_cause_name(self.state.fault).decode()

    def duty(self, duty: float) -> float:
        return self.core.takt_safety_duty(ctypes.byref(self.state), duty, 0.9)


@pytest.fixture
def armed(core: Core) -> Safety:
    safety = Safety(core)
    safety.ask("ARM")
    assert safety.cycle() == "HOLD"
    return safety


def test_power_up_is_safe_and_stays_so_without_a_request(core: Core) -> None:
    safety = Safety(core)
    for _ in range(10):
        assert safety.cycle("OPEN") == "SAFE"
    assert (safety.reason, safety.fault) == ("power_up", "none")
    assert safety.duty(0.5) == 0.0


def test_hold_and_nominal_follow_the_gate(armed: Safety) -> None:
    assert armed.reason == "no_command"
    assert armed.cycle("OPEN") == "NOMINAL" and armed.reason == "ok"
    assert armed.cycle("STALE") == "HOLD" and armed.reason == "stale"
    assert armed.cycle("EMPTY") == "HOLD" and armed.reason == "stale", (
        "the reason outlives the dropped command"
    )
    assert armed.cycle("CLOCK") == "HOLD" and armed.reason == "clock"
    assert armed.cycle("OPEN") == "NOMINAL"
    assert armed.cycle("SILENCE") == "HOLD" and armed.reason == "silence"


TRIPS = [
    # condition, cause, trips at rest, needs clear_fault
    ("E_STOP", "e_stop", True, True),
    ("MOTOR_FAULT", "motor_fault", True, True),
    ("ENCODER_FAULT", "encoder_fault", False, True),
    ("BROWN_OUT", "brown_out", False, True),
    ("MISS_LIMIT", "miss_limit", False, True),
    ("ENCODER_SILENT", "encoder_silence", False, False),
    ("LINK_SILENT", "link_silence", False, False),
]


@pytest.mark.parametrize(("condition", "cause", "at_rest", "is_fault"), TRIPS)
@pytest.mark.parametrize("gate", ["EMPTY", "OPEN"])
def test_each_condition_trips_latches_and_is_left_as_it_should(
    core: Core, armed: Safety, condition: str, cause: str, at_rest: bool, is_fault: bool, gate: str
) -> None:
    armed.cycle(gate)
    assert armed.cycle(gate, condition) == "SAFE"
    assert armed.reason == cause and armed.fault == (cause if is_fault else "none")
    assert armed.duty(0.5) == 0.0
    assert armed.cycle("OPEN") == "SAFE", "it latches when the condition has gone"

    armed.ask("ARM")
    assert armed.cycle() == ("SAFE" if is_fault else "HOLD")
    if is_fault:
        armed.ask("CLEAR_FAULT")
        armed.cycle(gate, condition)
        assert armed.fault == cause, "a fault that is still there cannot be cleared"
        armed.ask("CLEAR_FAULT")
        assert armed.cycle() == "SAFE" and armed.fault == "none", "clearing arms nothing"
        armed.ask("ARM")
        assert armed.cycle() == "HOLD"


@pytest.mark.parametrize(("condition", "cause", "at_rest", "is_fault"), TRIPS)
def test_no_arming_while_a_condition_holds(
    core: Core, condition: str, cause: str, at_rest: bool, is_fault: bool
) -> None:
    safety = Safety(core)
    safety.ask("ARM")
    assert safety.cycle("OPEN", condition) == "SAFE"
    assert safety.fault == (cause if at_rest else "none"), "at rest only what a person caused is latched"
    assert safety.cycle("OPEN") == "SAFE", "the refused request is spent"


def test_turning_wheels_refuse_arming_and_never_trip(core: Core, armed: Safety) -> None:
    """A firmware that was killed at speed came back within 0.2 s and took over wheels that still turned."""
    assert armed.cycle("OPEN", "WHEELS_TURNING") == "NOMINAL", "driving is what wheels are for"
    armed.ask("DISARM")
    armed.cycle("OPEN", "WHEELS_TURNING")
    armed.ask("ARM")
    assert armed.cycle("OPEN", "WHEELS_TURNING") == "SAFE"
    assert armed.cycle("OPEN") == "SAFE", "the refused request is spent"
    armed.ask("ARM")
    assert armed.cycle("OPEN") == "NOMINAL"


def test_disarm_needs_no_clear_fault_but_a_new_request(armed: Safety) -> None:
    armed.cycle("OPEN")
    armed.ask("DISARM")
    assert armed.cycle("OPEN") == "SAFE" and armed.reason == "disarmed"
    assert armed.cycle("OPEN") == "SAFE"
    armed.ask("ARM")
    assert armed.cycle("OPEN") == "NOMINAL"


def test_a_disarm_at_rest_does_not_bring_a_cleared_fault_back(core: Core, armed: Safety) -> None:
    armed.cycle("OPEN", "E_STOP")
    armed.ask("CLEAR_FAULT", "DISARM")
    armed.cycle("OPEN")
    assert (armed.fault, armed.reason) == ("none", "disarmed")


@pytest.mark.parametrize(
    ("order", "rung"),
    [
        (("ARM", "DISARM"), "SAFE"),
        (("DISARM", "ARM"), "HOLD"),
        (("DISARM", "CLEAR_FAULT", "ARM"), "HOLD"),
        (("ARM", "CLEAR_FAULT", "DISARM"), "SAFE"),
    ],
)
def test_requests_of_one_cycle_are_served_in_their_order(
    core: Core, order: tuple[str, ...], rung: str
) -> None:
    safety = Safety(core)
    safety.ask(*order)
    assert safety.cycle() == rung


def test_a_fault_wants_clear_before_arm(core: Core, armed: Safety) -> None:
    armed.cycle("OPEN", "MISS_LIMIT")
    armed.ask("ARM", "CLEAR_FAULT")
    assert armed.cycle() == "SAFE", "armed first, cleared second: the arm request came too early"
    armed.ask("ARM")
    assert armed.cycle() == "HOLD"


def test_the_request_counter_may_wrap(core: Core) -> None:
    safety = Safety(core)
    safety.count = 2**32 - 2
    safety.ask("ARM")
    assert safety.cycle() == "HOLD"
    safety.count = 0
    safety.ask("DISARM")
    assert safety.cycle() == "SAFE"


def test_a_watchdog_reset_is_a_fault(core: Core) -> None:
    safety = Safety(core, watchdog_reset=True)
    safety.ask("ARM")
    assert safety.cycle("OPEN") == "SAFE" and safety.fault == "watchdog_reset"
    safety.ask("CLEAR_FAULT", "ARM")
    assert safety.cycle("OPEN") == "NOMINAL"


def test_the_first_fault_is_the_one_told(core: Core, armed: Safety) -> None:
    armed.cycle("OPEN", "ENCODER_FAULT")
    armed.cycle("OPEN", "E_STOP")
    assert armed.fault == "encoder_fault"


@pytest.mark.parametrize(
    ("duty", "given"), [(0.5, 0.5), (2.0, 0.9), (-2.0, -0.9), (float("nan"), 0.0), (float("inf"), 0.0)]
)
def test_the_last_word_on_duty(armed: Safety, duty: float, given: float) -> None:
    assert armed.duty(duty) == pytest.approx(given)


def test_the_binding_names_states_as_the_core_does(core_library: Path) -> None:
    """The binding keeps the names in Python for speed; they must be the firmware's own, in its order."""
    loaded = ctypes.CDLL(str(core_library))
    tables = {
        "takt_rung_name": board.RUNGS,
        "takt_cause_name": board.CAUSES,
        "takt_gate_name": board.VERDICTS,
        "takt_miss_cause_name": board.MISS_CAUSES,
        "takt_wheel_fault_name": board.WHEEL_FAULTS,
    }
    for function, names in tables.items():
        name_of = getattr(loaded, function)
        name_of.restype = ctypes.c_char_p
        told = [name_of(number).decode() for number in range(len(names) + 1)]
        assert tuple(told[:-1]) == names
        assert told[-1] == "unknown"
