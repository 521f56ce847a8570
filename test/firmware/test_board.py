"""The whole board in virtual time, at the other end of the line the project's own agent core: arming, loss of commands,
stop ramp, telemetry, ledger, resets. What a bench test with a real board would show, to the cycle."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from host_side import COUNTS_PER_RAD, MS, ROS_START_NS, Rig

from takt.contract.generated import constants, messages
from takt.link.agent import AgentCore

TOP_SPEED = 0.8
TOP_WHEEL = TOP_SPEED / 0.05


@pytest.fixture
def rig(core_library: Path) -> Rig:
    return Rig(core_library)


@pytest.fixture
def driving(rig: Rig) -> Rig:
    """Armed and at top speed."""
    assert rig.arm() == "arming"
    rig.command = (TOP_SPEED, 0.0)
    rig.run(1000)
    assert rig.board.state.rung == "NOMINAL"
    assert rig.board.setpoint == pytest.approx((TOP_WHEEL, TOP_WHEEL))
    rig.wheel_rad_s = [TOP_WHEEL, TOP_WHEEL]
    rig.run(20)
    return rig


def zero_after_ms(rig: Rig, since_ns: int) -> float:
    return (
        next(at - since_ns for at, setpoint in rig.setpoints if at > since_ns and setpoint == (0.0, 0.0)) / MS
    )


# ---- power-up and arming ----------------------------------------------------------------------------------------


def test_duty_is_exactly_zero_until_armed_by_a_request(rig: Rig) -> None:
    rig.connect()
    rig.command = (TOP_SPEED, 1.0)
    rig.run(1000)
    assert set(rig.duties) == {(0.0, 0.0, False)}
    assert rig.board.state.rung == "SAFE" and rig.board.state.reason == "power_up"
    assert rig.arm_request(True) == (True, "arming")
    rig.run(100)
    assert rig.board.state.rung == "NOMINAL" and rig.duties[-1][2]


def test_a_reset_disarms_and_takes_a_fresh_request(driving: Rig) -> None:
    driving.reset_board()
    before = len(driving.duties)
    driving.run(4000)  # the agent is still there: it reconnects by itself
    assert driving.board.state.client == "connected"
    assert set(driving.duties[before:]) == {(0.0, 0.0, False)}
    assert driving.board.state.boot_count == 2
    assert driving.arm_request(True)[0]
    driving.run(50)
    assert driving.board.state.rung == "NOMINAL"


def test_a_watchdog_reset_wants_clear_fault(driving: Rig) -> None:
    driving.reset_board(watchdog=True)
    driving.run(4000)
    assert driving.arm_request(True) == (False, "refused: watchdog_reset; clear_fault comes first")
    assert driving.clear_fault()[0] and driving.arm_request(True)[0]
    assert driving.board.state.armed


def test_arming_is_refused_without_encoder_samples(rig: Rig) -> None:
    rig.sampling = False
    rig.connect()
    rig.run(20)
    assert rig.arm_request(True) == (False, "refused: encoder_silence")
    rig.sampling = True
    rig.run(20)
    assert rig.arm_request(True)[0] and rig.board.state.rung == "HOLD"


def test_e_stop_and_motor_fault_want_clear_fault_once_released(driving: Rig) -> None:
    for cause in ("e_stop", "motor_fault"):
        setattr(driving, cause, True)
        driving.run(20)
        assert driving.board.state.rung == "SAFE" and driving.board.duty == (0.0, 0.0, False)
        assert driving.clear_fault() == (False, f"refused: still present: {cause}")
        setattr(driving, cause, False)
        driving.run(20)
        assert driving.arm_request(True)[0] is False
        assert driving.clear_fault() == (True, "cleared; disarmed")
        assert driving.arm_request(True)[0] and driving.board.state.armed


def test_arm_false_disarms_within_a_cycle_or_two(driving: Rig) -> None:
    driving.call("/base/arm", messages.SetBool_Request(data=False))
    driving.run(20)
    assert driving.board.duty == (0.0, 0.0, False) and driving.board.state.reason == "disarmed"
    driving.run(500)
    assert not driving.board.state.armed, "fresh commands do not arm"


# ---- loss of commands --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("phase_ms", range(0, 20, 3))
def test_command_silence_ramps_to_zero_within_250_ms(driving: Rig, phase_ms: int) -> None:
    driving.run(phase_ms)
    last_ns = max(
        ns for ns in range(driving.board_ns - 20 * MS, driving.board_ns + 1, MS) if ns % (20 * MS) == 0
    )
    driving.command = None
    driving.run(300)
    assert 230 <= zero_after_ms(driving, last_ns) <= 250
    assert driving.board.state.rung == "HOLD" and driving.board.state.reason == "silence"
    assert driving.duties[-1][2], "HOLD keeps the wheel loops closed"


def test_stale_observations_stop_the_robot_though_commands_keep_coming(driving: Rig) -> None:
    stamp_ns = driving.ros_ns
    driving.command = None
    lost_ns = driving.board_ns
    for _ in range(20):
        driving.send(TOP_SPEED, 0.0, stamp_ns)  # the planner repeats; the camera is dead
        driving.run(20)
    assert zero_after_ms(driving, lost_ns) <= 200 + 150 + 20
    assert driving.board.state.reason == "stale" and driving.board.state.refused["stale"] > 0


def test_the_stop_ramp_falls_evenly_and_resumes_without_a_jump(driving: Rig) -> None:
    driving.command = None
    driving.run(170)  # in the middle of the ramp
    middle = driving.setpoints[-1][1][0]
    assert 0.1 * TOP_WHEEL < middle < 0.9 * TOP_WHEEL
    driving.command = (TOP_SPEED, 0.0)
    driving.run(200)
    values = [setpoint[0] for _, setpoint in driving.setpoints[-37:]]
    down = TOP_WHEEL / 15 * 1.01
    up = 1.5 / 0.05 * 0.01 * 1.01  # acceleration limit
    assert all(-down <= b - a <= up for a, b in pairwise(values))
    duties = [duty[0] for duty in driving.duties[-37:]]
    assert all(abs(b - a) <= 20.0 * 0.01 * 1.01 for a, b in pairwise(duties)), "one slew step at most"
    assert driving.board.state.rung == "NOMINAL"


@pytest.mark.parametrize(
    ("offset_ns", "source"), [(-(10**9), "stale"), (60 * 10**9, "future"), (-ROS_START_NS * 2, "zero")]
)
def test_bad_stamps_are_refused_and_reported_once(rig: Rig, offset_ns: int, source: str) -> None:
    rig.arm()
    for _ in range(10):
        rig.send(0.5, 0.0, max(rig.ros_ns + offset_ns, 0))
        rig.run(20)
    assert set(rig.duties) <= {(0.0, 0.0, False), (0.0, 0.0, True)}
    reports = rig.published("rt/base/applied", messages.TimeReference)
    assert [report.source for report in reports] == [source]
    assert rig.board.state.refused[source] == 10


def test_a_nan_is_refused(driving: Rig) -> None:
    driving.command = (float("nan"), 0.0)
    driving.run(400)
    assert driving.board.state.rung == "HOLD" and driving.board.state.reason == "nan"
    assert driving.board.setpoint == (0.0, 0.0)


def test_a_dead_agent_means_hold_then_safe_and_its_return_arms_nothing(driving: Rig) -> None:
    driving.kill_agent()
    driving.run(110)
    assert driving.board.state.rung == "HOLD"
    driving.run(420)
    assert driving.board.state.rung == "SAFE" and driving.board.state.reason == "link_silence"
    driving.agent = AgentCore(driving.ros)
    driving.run(5000)
    assert driving.board.state.client == "connected" and driving.board.state.reason == "link_silence"
    assert driving.arm_request(True)[0], "a lost link is no fault"
    driving.run(100)
    assert driving.board.state.rung == "NOMINAL"


def test_encoder_silence_switches_off_and_needs_a_request_but_no_person(driving: Rig) -> None:
    driving.sampling = False
    driving.run(80)
    assert driving.board.duty == (0.0, 0.0, False) and driving.board.state.reason == "encoder_silence"
    driving.sampling = True
    driving.run(100)
    assert driving.board.state.rung == "SAFE" and driving.board.state.fault == "none"
    assert driving.arm_request(True)[0]


def test_a_link_thread_that_stands_still_for_ten_seconds_costs_no_cycle(driving: Rig) -> None:
    board = driving.board
    before, before_ns = board.state, board.now_ns
    for _ in range(1000):
        release = board.next_release()
        board.now_ns = release
        turn = board.setpoint if board.duty[2] else (0.0, 0.0)
        driving.turned_rad = [at + rad_s * 0.01 for at, rad_s in zip(driving.turned_rad, turn, strict=True)]
        left, right = (round(turned * COUNTS_PER_RAD) for turned in driving.turned_rad)
        board.set_encoders((left, right), driving.now_ns + release - before_ns)
        board.control_cycle(release, execution_ns=300_000)
    after = board.state
    assert after.cycles - before.cycles == 1000 == after.cycle - before.cycle
    assert after.misses == before.misses and sum(after.misses.values()) == 0
    assert after.reason == "link_silence" and board.duty == (0.0, 0.0, False)


def test_k_misses_while_armed_are_a_fault(driving: Rig) -> None:
    driving.execution_ns = 25 * MS
    driving.run(60)
    assert driving.board.state.rung == "SAFE" and driving.board.state.fault == "miss_limit"
    assert driving.clear_fault() == (False, "refused: still present: miss_limit")
    driving.run(1000)
    assert driving.clear_fault()[0] and driving.arm_request(True)[0]


def test_a_jump_of_ros_time_is_hold_until_the_clock_is_sure_again(driving: Rig) -> None:
    epoch = int(driving.diagnostics()["base: clock"]["epoch"])
    original = Rig.ros_ns
    try:
        Rig.ros_ns = property(lambda self: ROS_START_NS + self.now_ns + 30 * 10**9)  # type: ignore[assignment]
        rungs = []
        for _ in range(150):
            driving.run(10)
            rungs.append((driving.board.state.rung, driving.board.state.reason))
    finally:
        Rig.ros_ns = original  # type: ignore[method-assign]
    assert ("HOLD", "clock") in rungs or ("HOLD", "future") in rungs
    assert rungs[-1][0] == "NOMINAL"
    driving.run(1100)
    assert int(driving.diagnostics()["base: clock"]["epoch"]) > epoch


# ---- what the host hears -----------------------------------------------------------------------------------------


def test_joint_states_tell_position_and_speed_once_a_cycle(rig: Rig) -> None:
    rig.wheel_rad_s = [5.0, -3.0]
    rig.connect()
    rig.run(500)
    before = len(rig.published("rt/joint_states", messages.JointState))
    rig.run(1000)
    states = rig.published("rt/joint_states", messages.JointState)
    assert 99 <= len(states) - before <= 101
    newest = states[-1]
    assert newest.name == ["left_wheel_joint", "right_wheel_joint"] and newest.effort == []
    assert newest.velocity == pytest.approx([5.0, -3.0], abs=0.2)
    stamp_ns = newest.header.stamp.sec * 10**9 + newest.header.stamp.nanosec
    assert 0 <= rig.ros_ns - stamp_ns <= 20 * MS
    moved = states[-1].position[0] - states[-101].position[0]
    assert moved == pytest.approx(5.0, abs=0.15)


def test_applied_has_one_report_for_each_observation_with_the_true_latency(driving: Rig) -> None:
    count = driving.board.state.photon_to_motor_count
    before = len(driving.published("rt/base/applied", messages.TimeReference))
    driving.run(2000)
    reports = driving.published("rt/base/applied", messages.TimeReference)[before:]
    assert {report.source for report in reports} == {"applied"}
    stamps = [report.time_ref.sec * 10**9 + report.time_ref.nanosec for report in reports]
    assert len(stamps) == len(set(stamps)) and 49 <= len(stamps) <= 51, "2 s of observations at 25 Hz"
    assert driving.board.state.photon_to_motor_count - count == pytest.approx(50, abs=1)
    ages = [
        r.header.stamp.sec * 10**9 + r.header.stamp.nanosec - s for r, s in zip(reports, stamps, strict=True)
    ]
    assert all(50 * MS <= age <= 70 * MS for age in ages)
    assert 49_900 <= driving.board.state.photon_to_motor_p99_us <= 75_000


def test_a_command_before_arming_is_reported_as_disarmed(rig: Rig) -> None:
    rig.connect()
    rig.command = (0.5, 0.0)
    rig.run(300)
    reports = rig.published("rt/base/applied", messages.TimeReference)
    assert [report.source for report in reports] == ["disarmed"]


def test_every_status_comes_once_a_second_and_safety_at_once(driving: Rig) -> None:
    def names() -> list[str]:
        return [
            array.status[0].name for array in driving.published("rt/diagnostics", messages.DiagnosticArray)
        ]

    before = len(names())
    driving.run(3000)
    heard = names()[before:]
    for part in ("safety", "clock", "link", "motors", "loop", "timing", "commands"):
        assert 2 <= heard.count(f"base: {part}") <= 4
    driving.call("/base/arm", messages.SetBool_Request(data=False))
    driving.run(30)
    safety = driving.diagnostics()["base: safety"]
    assert safety["rung"] == "SAFE" and safety["armed"] == "false" and safety["reason"] == "disarmed"


def test_diagnostics_carry_what_the_report_needs(driving: Rig) -> None:
    driving.run(2000)
    said = driving.diagnostics()
    assert said["base: loop"].keys() >= {
        "cycles",
        "misses",
        "skipped",
        "miss_own_overrun",
        "uptime_ms",
        "boot_count",
    }
    assert int(said["base: loop"]["cycles"]) == pytest.approx(driving.board.state.cycles, abs=110)
    assert said["base: timing"].keys() == {
        f"{what}_{p}_us" for what in ("release_jitter", "execution") for p in ("p50", "p95", "p99", "max")
    }
    assert said["base: clock"]["locked"] == "true" and int(said["base: clock"]["bound_us"]) < 10_000
    assert said["base: link"]["state"] == "connected" and said["base: link"]["crc_errors"] == "0"
    assert said["base: motors"]["driver_enabled"] == "true"
    assert float(said["base: motors"]["setpoint_left_rad_s"]) == pytest.approx(TOP_WHEEL)
    assert said["base: safety"]["rung"] == "NOMINAL" and said["base: safety"]["fault"] == "none"
    assert int(said["base: commands"]["photon_to_motor_count"]) > 0
    assert all(len(data) <= 480 for data in driving.ros.published("rt/diagnostics"))


def misses(rig: Rig) -> list[dict[str, str]]:
    arrays = rig.published("rt/base/deadline_misses", messages.DiagnosticArray)
    return [{pair.key: pair.value for pair in array.status[0].values} for array in arrays]


def test_an_overrun_and_the_cycles_that_it_skips_are_told_within_100_ms(rig: Rig) -> None:
    rig.connect()
    rig.run(1000)
    rig.execution_ns = 25 * MS
    rig.run(100)
    assert [m["cause"] for m in misses(rig)] == ["own_overrun", "skipped", "skipped"]


def test_no_second_brings_more_misses_than_the_contract_says(rig: Rig) -> None:
    rig.connect()
    told = []
    for _ in range(40):
        rig.execution_ns = 25 * MS
        rig.run(100)
        told.append(len(misses(rig)))
    most = max(later - earlier for earlier, later in zip(told, told[10:], strict=False))
    assert most == constants.TOPICS_DEADLINE_MISSES_RATE_HZ


def test_a_miss_is_sent_until_it_is_confirmed_across_reconnect_and_reset(rig: Rig) -> None:
    rig.connect()
    rig.execution_ns = 25 * MS
    rig.run(1500)
    first = misses(rig)
    assert [(m["sequence"], m["cause"]) for m in first[:3]] == [
        ("1", "own_overrun"),
        ("2", "skipped"),
        ("3", "skipped"),
    ]
    assert first[0]["late_ns"] == str(15 * MS)
    rig.run(3500)
    assert len(misses(rig)) > 3, "unconfirmed records come again"
    rig.confirm(1 << 32 | 1)
    rig.run(50)
    assert rig.board.state.ledger_pending == 2
    heard = len(misses(rig))
    rig.reset_board()
    rig.connect()
    rig.run(2000)
    again = misses(rig)[heard:]
    assert [(m["boot"], m["sequence"]) for m in again[:2]] == [("1", "2"), ("1", "3")]
    rig.confirm(1 << 32 | 3)
    rig.run(50)
    heard = len(misses(rig))
    rig.run(5000)
    assert len(misses(rig)) == heard and rig.board.state.ledger_pending == 0


def test_the_control_loop_does_not_care_for_a_blocked_link_thread(driving: Rig) -> None:
    """The link side is not called for 10 s; the control side goes on, ramps down and misses nothing."""
    start = driving.board.state.cycles
    for _ in range(10_000):
        driving.now_ns += MS
        driving.board.now_ns = driving.board_ns
        driving._move()
        if driving.board_ns >= driving.board.next_release(driving.board_ns):
            driving._cycle()
    assert driving.board.state.cycles == start + 1000
    assert sum(driving.board.state.misses.values()) == 0
    assert driving.board.state.rung == "SAFE" and driving.board.state.reason == "link_silence"


def test_equal_inputs_give_equal_bytes(core_library: Path) -> None:
    def history() -> tuple[list[object], list[tuple[str, str, bytes]]]:
        rig = Rig(core_library)
        rig.arm()
        rig.command = (0.4, 0.7)
        rig.wheel_rad_s = [3.0, 4.0]
        rig.run(1500)
        return rig.duties, rig.ros.log

    assert history() == history()
