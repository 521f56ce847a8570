"""`contract check` computes what has to fit; every kind of finding fails when it should and passes when it should."""

import dataclasses

import pytest

from takt.contract import feasibility, line_load
from takt.errors import TaktError


def with_values(contract, **sections):
    """``contract`` with values replaced: ``limits={"speed_m_s": 1.0}``, ``topics={"cmd_vel": {"rate_hz": 60}}``."""
    changed = {}
    for name, values in sections.items():
        section = getattr(contract, name)
        if isinstance(section, dict):
            entries = {key: dataclasses.replace(section[key], **more) for key, more in values.items()}
            changed[name] = {**section, **entries}
        else:
            changed[name] = dataclasses.replace(section, **values)
    return dataclasses.replace(contract, **changed)


def refused(contract):
    return [finding for finding in feasibility.findings(contract) if not finding.ok]


def test_the_shipped_contract_can_work(contract):
    assert refused(contract) == []
    feasibility.require(contract)


def test_a_frame_in_bytes_by_hand():
    # UInt64: header 4, submessage header 4, ids 4, sample 8; around it flag, src, dst, length 2, CRC 2
    stream = line_load.Stream("x", line_load.HOST_TO_BOARD, 50, line_load.payload(4 + 8))
    assert stream.payload_bytes == 20
    assert stream.frame_bytes == 27
    assert stream.worst_frame_bytes == 1 + 2 * 26
    assert stream.worst_bytes_per_s == 50 * 53
    assert line_load.payload(5) == 16  # an ACKNACK is padded


def test_the_line_load_is_the_sum_of_its_streams(contract):
    streams = {s.name: s for s in line_load.streams(contract)}
    assert streams["joint_states"].worst_bytes_per_s == 100 * (1 + 2 * (6 + 12 + 176))
    assert streams["diagnostics"].worst_bytes_per_s == 10 * 2 * (1 + 2 * (6 + 12 + 480))
    assert streams["diagnostics acks"].direction == line_load.HOST_TO_BOARD
    assert streams["time reply"].payload_bytes == 4 + 4 + 24
    assert {s.direction for s in streams.values()} == {line_load.HOST_TO_BOARD, line_load.BOARD_TO_HOST}


@pytest.mark.parametrize("baud", [9600, 57600, 115200, 460800])
def test_a_baud_rate_too_low_for_the_topics(contract, baud):
    with pytest.raises(TaktError) as caught:
        feasibility.require(with_values(contract, link={"baud": baud}))
    assert str(baud) in caught.value.cause
    assert "board_to_host" in caught.value.cause
    assert "joint_states 100 x 389" in caught.value.cause
    assert "link.baud to 921600 or more" in caught.value.fix


def test_the_proposed_baud_rate_is_enough(contract):
    busy = with_values(contract, topics={"deadline_misses": {"rate_hz": 100}})
    with pytest.raises(TaktError) as caught:
        feasibility.require(busy)
    baud = int(caught.value.fix.split("link.baud to ")[1].split()[0])
    assert baud > 921600
    assert refused(with_values(busy, link={"baud": baud})) == []


@pytest.mark.parametrize(
    ("change", "words", "key"),
    [
        ({"topics": {"joint_states": {"max_cdr_bytes": 115}}}, "116 byte of CDR > 115", "to 116"),
        ({"topics": {"applied": {"max_cdr_bytes": 20}}}, "applied: widest", "topics.applied.max_cdr_bytes"),
        (
            {"topics": {"diagnostics": {"max_cdr_bytes": 300}}},
            "base: motors",
            "topics.diagnostics.max_cdr_bytes",
        ),
        ({"topics": {"deadline_misses": {"max_cdr_bytes": 400}}}, "base: miss", "deadline_misses"),
        ({"topics": {"cmd_vel": {"max_cdr_bytes": 71}}}, "72 byte of CDR > 71", "to 72"),
        ({"topics": {"diagnostics": {"rate_hz": 6}}}, "7 statuses a second > 6", "diagnostics.rate_hz"),
        ({"stages": {"detect": {"budget_ms": 60.0}}}, "detect 60 + plan 10", "photon_to_motor"),
        ({"stages": {"photon_to_motor": {"budget_ms": 87.9}}}, "= 88 ms > 87.9", "photon_to_motor"),
        ({"stages": {"detect": {"budget_ms": 33.4}}}, "33.4 > 33.3 ms", "stages.detect"),
        ({"stages": {"plan": {"budget_ms": 20.1}}}, "plan: 20.1 > 20 ms", "stages.plan"),
        ({"stages": {"capture": {"budget_ms": 34.0}}}, "capture: 34 > 33.3", "stages.capture"),
        ({"stages": {"apply": {"budget_ms": 9.0}}}, "1000 / 100 = 10 ms > 9", "stages.apply"),
        ({"stages": {"link": {"budget_ms": 4.0}}}, "cmd_vel on the line", "link.baud"),
        ({"topics": {"cmd_vel": {"rate_hz": 101}}}, "cmd_vel: rate 101 Hz > 100", "control.rate_hz"),
        (
            {"topics": {"joint_states": {"rate_hz": 101}}},
            "joint_states: rate 101 Hz > 100",
            "control.rate_hz",
        ),
        ({"topics": {"joint_states": {"rate_hz": 60}}}, "100 Hz / 60 Hz is not a whole", "divisor"),
        ({"planning": {"rate_hz": 70}}, "planner 70 Hz > 60", "planning.rate_hz"),
        ({"robot": {"camera_rate_hz": 60}}, "camera 60 Hz", "applied"),
        ({"topics": {"cmd_vel": {"max_age_ms": 150}}}, "153.3 ms > 150", "max_age_ms"),
        ({"safety": {"command_silence_ms": 39}}, "two commands: 2 x 20 = 40 ms > 39", "command_silence_ms"),
        (
            {"safety": {"link_silence_ms": 399}},
            "two time exchanges: 2 x 200 = 400 ms > 399",
            "link_silence_ms",
        ),
        ({"control": {"rate_hz": 15}}, "two duty frames", "motor_silence_ms"),
        ({"ladder": {"hold_perception_age_ms": 201}}, "201 ms > 200", "hold_perception_age_ms"),
        ({"safety": {"miss_limit_posix": 101, "miss_window_cycles": 100}}, "101 > 100", "miss_limit"),
        (
            {"safety": {"command_silence_ms": 141}},
            "141 + ramp 150 + cycle 10 = 301 ms > 300",
            "command_silence_ms",
        ),
        ({"safety": {"stop_ramp_ms": 191}}, "200 + ramp 191 + cycle 10 = 401 ms > 400", "stop_ramp_ms"),
        ({"limits": {"speed_m_s": 1.2}}, "1.2 / 0.05 = 24.00 rad/s > 22", "limits.speed_m_s"),
        ({"limits": {"yaw_rate_rad_s": 9.0}}, "23.40 rad/s > 22", "limits.yaw_rate_rad_s"),
        ({"control": {"feed_forward_per_rad_s": 0.05}}, "0.05 x 22 = 1.10 > 1", "feed_forward"),
    ],
)
def test_what_cannot_work_is_refused_with_its_arithmetic(contract, change, words, key):
    found = refused(with_values(contract, **change))
    assert any(
        words in finding.arithmetic and key in finding.fix + finding.arithmetic for finding in found
    ), found


def test_the_stop_sums_are_shown(contract):
    shown = "\n".join(finding.arithmetic for finding in feasibility.findings(contract))
    assert "loss of commands: found after 100 + ramp 150 + cycle 10 = 260 ms <= 300" in shown
    assert "loss of perception: found after 200 + ramp 150 + cycle 10 = 360 ms <= 400" in shown
