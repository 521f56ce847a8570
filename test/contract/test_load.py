"""The shipped contract loads; a wrong one is refused with file, line, key, value and allowed range."""

import dataclasses
from pathlib import Path

import pytest

from takt import contract as contract_package
from takt.errors import TaktError

SHIPPED = Path(__file__).resolve().parents[2] / "config/contract.yaml"


def changed(tmp_path, old, new):
    text = SHIPPED.read_text()
    assert old in text
    file = tmp_path / "contract.yaml"
    file.write_text(text.replace(old, new, 1))
    return file


def refusal(file):
    with pytest.raises(TaktError) as caught:
        contract_package.load(file)
    assert "\n" not in str(caught.value)
    return caught.value


def test_attributes_are_named_as_the_keys(contract):
    assert contract.schema_version == 1
    assert contract.robot.wheel_radius_m == 0.05
    assert contract.topics["cmd_vel"].max_age_ms == 200
    assert contract.topics["cmd_vel"].class_ == "firm"
    assert contract.stages["detect"].budget_ms == 33.0
    assert list(contract.topics)[:2] == ["cmd_vel", "joint_states"]


def test_a_loaded_contract_cannot_be_changed(contract):
    with pytest.raises(dataclasses.FrozenInstanceError):
        contract.robot.wheel_radius_m = 1.0


def test_whole_numbers_serve_where_a_real_one_is_asked_for(tmp_path):
    loaded = contract_package.load(changed(tmp_path, "speed_m_s: 0.8", "speed_m_s: 1"))
    assert loaded.limits.speed_m_s == 1.0
    assert isinstance(loaded.limits.speed_m_s, float)


def test_wire_names_follow_from_the_ros_names(contract):
    topic, service = contract.topics["applied"], contract.services["arm"]
    assert topic.dds_name == "rt/base/applied"
    assert topic.dds_type == "sensor_msgs::msg::dds_::TimeReference_"
    assert service.request_topic == "rq/base/armRequest"
    assert service.reply_topic == "rr/base/armReply"
    assert service.reply_type == "std_srvs::srv::dds_::SetBool_Response_"


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  baud: 921600", "  baud: fast", ["link.baud", "'fast'", "integer 9600 to 12000000"]),
        ("  baud: 921600", "  baud: 9599", ["link.baud", "9599", "integer 9600 to 12000000"]),
        ("  baud: 921600", "  baud: 12000001", ["link.baud", "12000001"]),
        ("  baud: 921600", "  baud: 921600.5", ["link.baud", "921600.5", "integer"]),
        ("  baud: 921600", "  baud: true", ["link.baud", "True", "integer"]),
        ("  baud: 921600", "  baud: [921600]", ["link.baud", "[921600]"]),
        ("  baud: 921600", "  baud:", ["link.baud", "None"]),
        ("speed_m_s: 0.8", "speed_m_s: .nan", ["limits.speed_m_s", "nan", "number 0.01 to 10"]),
        ("speed_m_s: 0.8", "speed_m_s: .inf", ["limits.speed_m_s", "inf"]),
        ("speed_m_s: 0.8", "speed_m_s: -0.8", ["limits.speed_m_s", "-0.8"]),
        ("reliability: best_effort", "reliability: maybe", ["cmd_vel.reliability", "best_effort, reliable"]),
        ("ros_name: cmd_vel", "ros_name: cmd vel", ["topics.cmd_vel.ros_name", "'cmd vel'"]),
        ("TwistStamped", "Twist", ["topics.cmd_vel.type", "geometry_msgs/msg/TwistStamped"]),
        ("direction: host_to_board", "direction: board_to_host", ["topics.cmd_vel.direction"]),
        ("type: std_srvs/srv/Trigger", "type: std_srvs/srv/Empty", ["services.clear_fault.type"]),
        ("max_cdr_bytes: 480", "max_cdr_bytes: 481", ["max_cdr_bytes", "481", "integer 1 to 480"]),
        ("schema_version: 1", "schema_version: 2", ["schema_version", "integer 1 to 1"]),
        ("  cmd_vel:", "  Cmd-Vel:", ["Cmd-Vel"]),
        ("capture: {class: firm, budget_ms: 10}", "capture: 5", ["stages.capture", "a mapping"]),
    ],
)
def test_a_bad_value_names_key_value_and_allowed_range(tmp_path, old, new, words):
    error = refusal(changed(tmp_path, old, new))
    for word in words:
        assert word in error.cause
    assert error.fix


def test_every_error_gives_file_and_line(tmp_path):
    file = changed(tmp_path, "  baud: 921600", "  baud: 1")
    line = next(i for i, text in enumerate(file.read_text().splitlines(), 1) if "baud: 1" in text)
    assert refusal(file).cause.startswith(f"{file}:{line}: ")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("  baud: 921600", "  baud: 921600\n  bauds: 1", ["link.bauds", "unknown", "baud, mtu_bytes"]),
        ("robot:\n", "robots: {}\nrobot:\n", ["robots", "unknown"]),
        ("  detect: {", "  detection: {class: firm, budget_ms: 1}\n  detect: {", ["stages.detection"]),
        ("    depth: 1\n", "    depth: 1\n    durability: volatile\n", ["topics.cmd_vel.durability"]),
    ],
)
def test_an_unknown_key_is_named_with_what_is_allowed(tmp_path, old, new, words):
    error = refusal(changed(tmp_path, old, new))
    for word in words:
        assert word in error.cause


def test_a_misspelt_key_gets_the_right_spelling_as_fix(tmp_path):
    assert "rename it to wheel_radius_m" in refusal(changed(tmp_path, "wheel_radius_m", "weel_radius_m")).fix


@pytest.mark.parametrize(
    ("old", "missing"),
    [
        ("  baud: 921600\n", "link.baud"),
        ("  detect: {class: firm, budget_ms: 33}\n", "stages.detect"),
        ("schema_version: 1\n", "schema_version"),
        (
            "  clear_fault:\n    ros_name: base/clear_fault\n    type: std_srvs/srv/Trigger\n    class: soft\n",
            "clear_fault",
        ),
    ],
)
def test_a_missing_key_is_named(tmp_path, old, missing):
    error = refusal(changed(tmp_path, old, ""))
    assert "missing" in error.cause
    assert missing in error.cause


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("schema_version: 1\nrobot: {a: 1\nlimits: 2\n", 3, "syntax"),
        ("schema_version: 1\nrobot:\n\tx: 1\n", 3, "syntax"),
        ("schema_version: 1\nschema_version: 1\n", 2, "twice"),
        ("robot:\n  wheel_radius_m: 1\n  wheel_radius_m: 1\n", 3, "robot.wheel_radius_m is given twice"),
        ("? [a, b]\n: 1\n", 1, "plain word"),
        ("- 1\n- 2\n", 1, "mapping"),
        ("", 1, "mapping"),
        ("schema_version: !!python/name:os.system\n", 1, "cannot be read"),
        ("robot: &r\n  x: *r\n", 1, "without end"),
        ("schema_version: 2020-13-45\n", 1, "schema_version"),
    ],
)
def test_what_is_no_contract_at_all_names_file_and_line(tmp_path, text, line, words):
    file = tmp_path / "contract.yaml"
    file.write_text(text)
    cause = refusal(file).cause
    assert cause.startswith(f"{file}:{line}: ")
    assert words in cause


def test_unreadable_files(tmp_path):
    assert "No such file" in refusal(tmp_path / "nowhere.yaml").cause
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\xff")
    assert "UTF-8" in refusal(tmp_path / "binary.yaml").cause
    assert "directory" in refusal(tmp_path).cause


def test_every_process_of_a_run_can_be_given_another_contract(tmp_path, monkeypatch):
    file = changed(tmp_path, "speed_m_s: 0.8", "speed_m_s: 0.7")
    monkeypatch.setenv("TAKT_CONTRACT", str(file))
    assert contract_package.load().limits.speed_m_s == 0.7
    assert contract_package.load(SHIPPED).limits.speed_m_s == 0.8
