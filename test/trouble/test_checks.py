"""The invariants of a real run bite: each of them is broken once in an otherwise sound log."""

import json

import numpy as np
import pytest

import takt.contract
from takt.simulation.plant_record import RECORD
from takt.trouble.checks import Evidence, violations
from takt.trouble.fault_file import Injected
from takt.trouble.ledger_check import faults_of

START_NS, STEP_NS = 10**18, 2_000_000
LOOP = {"boot_count": "1", "ledger_pending": "0", "miss_own_overrun": "0"}


def sound_log(seconds=10.0):
    """Armed after a second, then driving at 10 rad/s, reached by a ramp within the limits."""
    log = np.zeros(round(seconds * 500), RECORD)
    log["stamp_ns"] = START_NS + np.arange(len(log)) * STEP_NS
    armed = log["stamp_ns"] >= START_NS + 10**9
    log["armed"] = log["driver_enabled"] = armed
    cycles = np.maximum((log["stamp_ns"] - START_NS - 10**9) // 10_000_000, 0)
    log["setpoint_rad_s"] = np.minimum(cycles * 0.2, 10.0)[:, None]
    log["wheel_speed_rad_s"] = log["setpoint_rad_s"]
    log["robot_speed_m_s"] = log["setpoint_rad_s"][:, 0] * 0.05
    return log


def evidence(tmp_path, log, faults=(), **more):
    usual = {
        "applied_age_ms": {1: 50.0},
        "final_rung": "NOMINAL",
        "armed_at_end": True,
        "resumed_ns": None,
        "ledger_file": tmp_path / "misses.jsonl",
        "host_rungs": [],
        "commands": [],
        "loop": LOOP,
    }
    return Evidence(plant=log, faults=list(faults), **{**usual, **more})


def found(one):
    return [violation.invariant for violation in violations(one, takt.contract.load())]


def fault(kind, at_s, for_s):
    at_ns = START_NS + round(at_s * 1e9)
    return Injected(kind, at_ns, at_ns + round(for_s * 1e9), 0.5)


def rows(log, from_s, until_s):
    since = log["stamp_ns"] - START_NS
    return (since >= from_s * 1e9) & (since < until_s * 1e9)


def test_a_sound_run_has_no_violation(tmp_path):
    assert found(evidence(tmp_path, sound_log())) == []


def test_a_board_that_stops_in_time_when_the_line_is_cut_is_sound(tmp_path):
    log = sound_log()
    log["setpoint_rad_s"][rows(log, 5.29, 7.0)] = 0.0
    log["armed"][rows(log, 5.6, 7.0)] = log["driver_enabled"][rows(log, 5.6, 7.0)] = False
    log["setpoint_rad_s"][rows(log, 7.0, 99.0)] = 0.0
    assert found(evidence(tmp_path, log, [fault("line_cut", 5.0, 2.0)])) == []


@pytest.mark.parametrize(
    ("kind", "field", "invariant"),
    [
        ("line_cut", "setpoint_rad_s", "command_silence"),
        ("agent_freeze", "armed", "link_silence"),
        ("planner_kill", "setpoint_rad_s", "command_silence"),
        ("e_stop", "armed", "armed_with_fault"),
        ("stop_pressed", "armed", "armed_after_stop"),
    ],
)
def test_a_reaction_that_never_comes_is_found(tmp_path, kind, field, invariant):
    assert invariant in found(evidence(tmp_path, sound_log(), [fault(kind, 5.0, 2.0)]))
    log = sound_log()
    log[field][rows(log, 5.2, 99.0)] = 0
    assert invariant not in found(evidence(tmp_path, log, [fault(kind, 5.0, 2.0)]))


def test_stop_holds_until_it_is_taken_back(tmp_path):
    log = sound_log()
    log["armed"][rows(log, 5.1, 7.0)] = log["driver_enabled"][rows(log, 5.1, 7.0)] = False
    log["setpoint_rad_s"][rows(log, 5.1, 99.0)] = 0.0
    stop = [fault("stop_pressed", 5.0, 0.5)]
    assert found(evidence(tmp_path, log, stop)) == ["armed_after_stop"]
    assert found(evidence(tmp_path, log, stop, resumed_ns=START_NS + round(6.9e9))) == []


def test_jumps_and_speeds(tmp_path):
    log = sound_log()
    log["setpoint_rad_s"][rows(log, 5.0, 99.0)] = 18.0
    assert found(evidence(tmp_path, log)) == ["setpoint_jump"]
    log["setpoint_rad_s"][rows(log, 6.0, 6.5)] = 23.0
    assert found(evidence(tmp_path, log)) == ["speed_limit", "setpoint_jump"]


def test_a_command_that_jumps_back_up_after_a_pause_is_found(tmp_path):
    begin_ns = START_NS + 2 * 10**9
    calm = [(begin_ns + n * 20_000_000, min(0.03 * n, 0.6), 0.0) for n in range(100)]
    assert found(evidence(tmp_path, sound_log(), commands=calm)) == []
    jump = [*calm, (begin_ns + 4 * 10**9, 0.0, 0.0), (begin_ns + 6 * 10**9, 0.6, 0.0)]
    assert found(evidence(tmp_path, sound_log(), commands=jump)) == ["command_jump"]


def test_the_rest(tmp_path):
    log = sound_log()
    log["in_collision"][rows(log, 5.0, 5.1)] = True
    assert found(evidence(tmp_path, log)) == ["collision"]
    assert found(evidence(tmp_path, log, [fault("motor_weak", 4.0, 0.5)])) == []
    log = sound_log()
    log["armed"][rows(log, 5.0, 5.1)] = False
    assert found(evidence(tmp_path, log)) == ["duty_disarmed"]
    assert found(evidence(tmp_path, sound_log(), applied_age_ms={1: 230.0})) == ["stale_command"]
    assert found(evidence(tmp_path, sound_log(), final_rung="HOLD")) == ["recovered"]
    assert found(evidence(tmp_path, np.zeros(10, RECORD))) == ["never_armed"]


def record(sequence, previous, cause="own_overrun", boot=1, **more):
    return {"boot": str(boot), "sequence": str(sequence), "previous": str(previous), "cause": cause, **more}


def test_the_ledger_file_against_the_boards_counters(tmp_path):
    first = 1 << 32 | 1
    chain = [record(1, 0), record(2, first, "skipped")]
    loop = {"boot_count": "1", "ledger_pending": "0", "miss_own_overrun": "1", "miss_skipped": "1"}
    assert faults_of(chain, loop) == []
    assert "follows" in faults_of([chain[0], record(3, first + 1)], loop)[0]
    assert "counted" in faults_of(chain[:1], loop)[0]
    assert "still on the board" in faults_of(chain, {**loop, "ledger_pending": "2"})[0]
    power_loss = [*chain, record(1, 0, "late_release")]
    assert faults_of(power_loss, {"boot_count": "1", "miss_late_release": "1"}) == []
    gap = record(9, first, "gap", first_boot="1", first_sequence="2", own_overrun="7", skipped="1")
    assert faults_of([chain[0], gap], {"boot_count": "1", "miss_own_overrun": "8", "miss_skipped": "1"}) == []
    (tmp_path / "misses.jsonl").write_text("".join(json.dumps(one) + "\n" for one in chain[:1]))
    assert found(evidence(tmp_path, sound_log(), loop=loop)) == ["ledger_exact"]
