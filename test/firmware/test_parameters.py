"""The board's parameters in virtual time: what ROS tools see, what is refused and why, and when a value is obeyed."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from host_side import MS, Rig
from parameter_calls import DOUBLE, INTEGER, Parameters

from takt.contract import load
from takt.contract.generated import messages
from takt.contract.parameters import board_parameters

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = load(ROOT / "config/contract.yaml")
TABLE = {parameter.name: parameter for parameter in board_parameters(CONTRACT)}
TOP_SPEED = CONTRACT.limits.speed_m_s
WHEEL_RADIUS = CONTRACT.robot.wheel_radius_m


@pytest.fixture
def rig(core_library: Path) -> Rig:
    made = Rig(core_library)
    made.connect()
    made.run(100)  # the services of parameters come last
    return made


@pytest.fixture
def parameters(rig: Rig) -> Parameters:
    return Parameters(rig)


@pytest.fixture
def driving(rig: Rig) -> Rig:
    """Armed and at top speed."""
    assert rig.arm() == "arming"
    rig.command = (TOP_SPEED, 0.0)
    rig.run(1000)
    assert rig.board.setpoint == pytest.approx((TOP_SPEED / WHEEL_RADIUS,) * 2)
    return rig


# ---- what ROS tools see --------------------------------------------------------------------------------------------


def test_list_get_types_and_describe_tell_the_contract(parameters: Parameters) -> None:
    assert parameters.list().names == list(TABLE)
    assert parameters.get(*TABLE) == [parameter.value for parameter in TABLE.values()]
    assert parameters.types(*TABLE) == [INTEGER if p.whole else DOUBLE for p in TABLE.values()]
    for descriptor, parameter in zip(parameters.describe(*TABLE), TABLE.values(), strict=True):
        assert (descriptor.name, descriptor.description) == (parameter.name, parameter.purpose)
        assert descriptor.type == (INTEGER if parameter.whole else DOUBLE) and not descriptor.dynamic_typing
        (span,) = descriptor.integer_range if parameter.whole else descriptor.floating_point_range
        assert (span.from_value, span.to_value) == (parameter.low, parameter.high)
        assert span.step == parameter.step
        assert descriptor.read_only == (parameter.change == "never")
        assert bool(descriptor.additional_constraints) == (parameter.change != "always")


def test_a_request_for_all_of_them_and_its_reply_take_several_messages(parameters: Parameters) -> None:
    asked = messages.DescribeParameters_Request(list(TABLE))
    replied = messages.DescribeParameters_Response(parameters.describe(*TABLE))
    assert len(asked.to_cdr()) > 480 and len(replied.to_cdr()) > 4 * 480


def test_setting_all_of_them_at_once_with_the_junk_that_ros_puts_behind(parameters: Parameters) -> None:
    wishes = {name: int(p.value) if p.whole else p.value for name, p in TABLE.items() if p.change != "never"}
    assert parameters.set_atomically(**wishes) == (True, "")
    request = messages.GetParameters_Request(["limits.speed_m_s"])
    reply = parameters.ask("get_parameters", request, messages.GetParameters_Response, junk=b"\xff" * 70)
    assert [value.double_value for value in reply.values] == [TOP_SPEED]


def test_a_double_comes_back_as_it_was_set(parameters: Parameters) -> None:
    assert parameters.set(control__kp_per_rad_s=0.0123456789) == [(True, "")]
    assert parameters.get("control.kp_per_rad_s") == [0.0123456789]


def test_unknown_names_get_what_rclcpp_and_rclpy_answer(parameters: Parameters) -> None:
    assert parameters.get("limits.speed_m_s", "use_sim_time") == []
    assert parameters.types("nothing") == [] and parameters.describe("nothing", "limits.speed_m_s") == []
    assert parameters.set(nothing=1.0) == [(False, "no such parameter")]


# ---- what is refused -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("limits__speed_m_s", 0.9, "limits.speed_m_s: out of range, allowed: 0.05 to 0.8"),
        ("limits__speed_m_s", float("nan"), "limits.speed_m_s: out of range, allowed: 0.05 to 0.8"),
        ("limits__speed_m_s", float("inf"), "limits.speed_m_s: out of range, allowed: 0.05 to 0.8"),
        ("limits__speed_m_s", -0.1, "limits.speed_m_s: out of range, allowed: 0.05 to 0.8"),
        ("limits__speed_m_s", 1, "limits.speed_m_s: wrong type, it is a double"),
        ("limits__speed_m_s", "fast", "limits.speed_m_s: wrong type, it is a double"),
        ("limits__speed_m_s", True, "limits.speed_m_s: wrong type, it is a double"),
        ("limits__speed_m_s", [0.5, 0.6], "limits.speed_m_s: wrong type, it is a double"),
        ("limits__speed_m_s", None, "limits.speed_m_s: wrong type, it is a double"),
        ("topics__applied__rate_hz", 10.0, "topics.applied.rate_hz: wrong type, it is an integer"),
        ("topics__applied__rate_hz", 0, "topics.applied.rate_hz: out of range, allowed: 1 to 50"),
        ("topics__applied__rate_hz", -(2**63), "topics.applied.rate_hz: out of range, allowed: 1 to 50"),
        ("control__rate_hz", 100, "control.rate_hz: read-only"),
        ("", 1.0, "no such parameter"),
        ("limits__speed_m", 0.5, "no such parameter"),
    ],
)
def test_the_board_refuses_with_a_reason(
    parameters: Parameters, name: str, value: object, reason: str
) -> None:
    before = parameters.get(*TABLE)
    ((successful, why),) = parameters.set(**{name: value})
    assert not successful and why.startswith(reason)
    assert parameters.get(*TABLE) == before


def test_the_good_of_a_set_are_set_and_of_an_atomic_one_none(parameters: Parameters) -> None:
    wishes = {"control__kp_per_rad_s": 0.02, "limits__jerk_m_s3": 99.0, "control__ki_per_rad": 0.03}
    successful, reason = parameters.set_atomically(**wishes)
    assert not successful and reason == "limits.jerk_m_s3: out of range, allowed: 1 to 15"
    names = [name.replace("__", ".") for name in wishes]
    assert parameters.get(*names) == [TABLE[name].value for name in names]
    assert [successful for successful, _ in parameters.set(**wishes)] == [True, False, True]
    assert parameters.get(*names) == [0.02, TABLE["limits.jerk_m_s3"].value, 0.03]


def test_malformed_requests_get_no_reply_and_change_nothing(parameters: Parameters) -> None:
    rig = parameters.rig
    before = parameters.get(*TABLE)
    good = messages.SetParameters_Request(
        [messages.Parameter("limits.speed_m_s", messages.ParameterValue(3))]
    )
    for cut in range(len(good.to_cdr())):
        rig.ros.request("/base/set_parameters", bytes(24), good.to_cdr()[:cut])
        rig.ros.request("/base/list_parameters", bytes(24), b"\xff\xff\xff\x7f" + bytes(cut))
    count = len(rig.ros.log)
    rig.run(300)
    assert [what for what, _, _ in rig.ros.log[count:] if what == "reply"] == []
    assert parameters.get(*TABLE) == before


# ---- when they take effect ----------------------------------------------------------------------------------------


def test_limits_change_at_rest_and_are_obeyed_from_the_next_command_on(driving: Rig) -> None:
    parameters = Parameters(driving)
    refused = "limits.speed_m_s: not while driving: stop first"
    assert parameters.set(limits__speed_m_s=0.3) == [(False, refused)]
    driving.command = (0.0, 0.0)
    driving.run(1500)
    assert parameters.set(limits__speed_m_s=0.3, limits__acceleration_m_s2=0.5) == [(True, ""), (True, "")]
    driving.command = (TOP_SPEED, 0.0)
    start = len(driving.setpoints)
    driving.run(2000)
    wheel = [setpoint[0] for _, setpoint in driving.setpoints[start:]]
    assert max(wheel) == pytest.approx(0.3 / WHEEL_RADIUS)
    steepest = max(b - a for a, b in pairwise(wheel))
    assert steepest <= 0.5 * 0.010 / WHEEL_RADIUS * 1.001


def test_a_lower_top_speed_keeps_the_time_of_the_stop_ramp(rig: Rig) -> None:
    parameters = Parameters(rig)
    assert parameters.set(limits__speed_m_s=0.4) == [(True, "")]
    rig.arm()
    rig.command = (TOP_SPEED, 0.0)
    rig.run(1500)
    rig.command = None
    gone_ns = rig.board_ns
    rig.run(600)
    stopped = next(at for at, setpoint in rig.setpoints if at > gone_ns and setpoint == (0.0, 0.0))
    assert (stopped - gone_ns) / MS <= CONTRACT.safety.command_silence_ms + CONTRACT.safety.stop_ramp_ms + 20


def test_the_wheels_own_limit_changes_only_while_disarmed(driving: Rig) -> None:
    parameters = Parameters(driving)
    driving.command = (0.0, 0.0)
    driving.run(1500)
    refused = "limits.wheel_speed_rad_s: not while armed: call /base/arm with false first"
    assert parameters.set(limits__wheel_speed_rad_s=5.0) == [(False, refused)]
    driving.arm_request(False)
    assert parameters.set(limits__wheel_speed_rad_s=5.0) == [(True, "")]
    driving.arm_request(True)
    driving.command = (TOP_SPEED, 0.0)
    driving.run(1500)
    assert driving.board.setpoint == pytest.approx((5.0, 5.0))


def test_gains_change_while_driving_without_a_jump_over_a_slew_step(driving: Rig) -> None:
    parameters = Parameters(driving)
    driving.run(500)
    start = len(driving.duties)
    assert parameters.set(control__kp_per_rad_s=0.5, control__feed_forward_per_rad_s=0.01)[0] == (True, "")
    driving.run(200)
    duties = [left for left, _, _ in driving.duties[start - 1 :]]
    assert duties[0] != pytest.approx(duties[-1])
    slew = CONTRACT.control.duty_slew_per_s / CONTRACT.control.rate_hz
    assert max(abs(b - a) for a, b in pairwise(duties)) <= slew * 1.001


def test_a_command_that_comes_between_reply_and_cycle_holds_the_change_back(rig: Rig) -> None:
    """The link judges by the last cycle. The control thread judges again: while the wheels turn nothing changes."""
    rig.arm()
    parameters = Parameters(rig)
    rig.command = (TOP_SPEED, 0.0)
    while rig.board.setpoint == (0.0, 0.0):
        accepted = parameters.set(limits__speed_m_s=0.2)[0][0]
        if not accepted:
            break
        parameters.set(limits__speed_m_s=TOP_SPEED)
    rig.run(1500)
    top = rig.board.setpoint[0] * WHEEL_RADIUS
    assert top == pytest.approx(0.2) or top == pytest.approx(TOP_SPEED)
    told = parameters.get("limits.speed_m_s")[0]
    rig.command = (0.0, 0.0)
    rig.run(1500)
    rig.command = (TOP_SPEED, 0.0)
    rig.run(2000)
    assert rig.board.setpoint[0] * WHEEL_RADIUS == pytest.approx(told)


def test_rates_thin_the_telemetry(rig: Rig) -> None:
    parameters = Parameters(rig)
    assert parameters.set(topics__joint_states__rate_hz=25) == [(True, "")]
    rig.run(100)
    before = len(rig.published("rt/joint_states", messages.JointState))
    rig.run(2000)
    assert len(rig.published("rt/joint_states", messages.JointState)) - before == pytest.approx(50, abs=1)


def test_a_reset_brings_the_contract_back(rig: Rig) -> None:
    parameters = Parameters(rig)
    parameters.set(limits__speed_m_s=0.2)
    rig.reset_board()
    rig.run(4000)
    assert parameters.get("limits.speed_m_s") == [TOP_SPEED]
