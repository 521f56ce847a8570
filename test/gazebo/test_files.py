"""The files that Gazebo and its bridge are given: valid SDF, one robot, topics that exist, steps that divide."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

import takt.contract
from takt.errors import TaktError
from takt.gazebo import command, topics
from takt.gazebo.robot_model import camera_rate_hz, robot_model
from takt.gazebo.target_rails import PATIENCE_NS
from takt.gazebo.world import STEP_NS
from takt.simulation import plant
from takt.simulation.motor import DriveTrain
from takt.simulation.scene_spec import Pose

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / command.FOLDER
# Plugins with the class that each library holds; what is not here no release from Fortress on has.
SYSTEMS = {
    "gz-sim-physics-system": "Physics",
    "gz-sim-user-commands-system": "UserCommands",
    "gz-sim-scene-broadcaster-system": "SceneBroadcaster",
    "gz-sim-sensors-system": "Sensors",
    "gz-sim-joint-state-publisher-system": "JointStatePublisher",
    "gz-sim-apply-joint-force-system": "ApplyJointForce",
    "gz-sim-joint-controller-system": "JointController",
}
BRIDGE_KEYS = {"ros_topic_name", "gz_topic_name", "ros_type_name", "gz_type_name", "direction",
               "publisher_queue", "subscriber_queue"}  # fmt: skip


@pytest.fixture(scope="module")
def sdf() -> ElementTree.Element:
    return ElementTree.parse(SHIPPED / command.WORLD_FILE).getroot()


@pytest.fixture(scope="module")
def bridge() -> list[dict]:
    return yaml.safe_load((SHIPPED / command.BRIDGE_FILE).read_text())


@pytest.fixture(scope="module")
def contract() -> takt.contract.Contract:
    return takt.contract.load()


def robot_of(sdf: ElementTree.Element) -> ElementTree.Element:
    return sdf.find(f"world/model[@name='{topics.ROBOT}']")


def offered(sdf: ElementTree.Element) -> dict[tuple[str, str], str]:
    """(Gazebo topic, type) -> direction, of everything that the world's plugins and sensors publish or listen to."""
    found = {("/clock", "gz.msgs.Clock"): "GZ_TO_ROS"}  # the server's own
    for sensor in sdf.iter("sensor"):
        assert sensor.get("type") == "camera"
        image = sensor.findtext("topic")
        found[image, "gz.msgs.Image"] = "GZ_TO_ROS"
        found[image.rpartition("/")[0] + "/camera_info", "gz.msgs.CameraInfo"] = "GZ_TO_ROS"
    for model in sdf.iter("model"):
        joints = {joint.get("name") for joint in model.findall("joint")}
        for plugin in model.findall("plugin"):
            kind, joint = plugin.get("name").rpartition("::")[2], plugin.findtext("joint_name")
            if kind == "JointStatePublisher":
                found[plugin.findtext("topic"), "gz.msgs.Model"] = "GZ_TO_ROS"
                continue
            assert joint in joints, f"{kind} drives {joint}, which {model.get('name')} lacks"
            own = f"/model/{model.get('name')}/joint/{joint}/cmd_force"
            found[own if kind == "ApplyJointForce" else plugin.findtext("topic"), "gz.msgs.Double"] = (
                "ROS_TO_GZ"
            )
    return found


def test_what_ships_is_what_its_sources_make() -> None:
    for name, content in command.files(1).items():
        assert (SHIPPED / name).read_text() == content, "run: takt gazebo files"


def test_the_bridge_carries_what_the_world_offers_and_nothing_else(sdf, bridge) -> None:
    bridged = {(row["gz_topic_name"], row["gz_type_name"]): row["direction"] for row in bridge}
    assert bridged == offered(sdf)


def test_the_consistency_test_bites(sdf, bridge) -> None:
    lame = ElementTree.fromstring(ElementTree.tostring(sdf))
    model = robot_of(lame)
    model.remove(model.find("plugin"))
    assert {(row["gz_topic_name"], row["gz_type_name"]): row["direction"] for row in bridge} != offered(lame)


def test_the_bridges_rows_have_the_keys_and_pairs_of_every_release(bridge) -> None:
    for row in bridge:
        assert set(row) == BRIDGE_KEYS
        assert topics.TYPE_PAIRS[row["ros_type_name"]] == row["gz_type_name"]
        assert row["direction"] in ("GZ_TO_ROS", "ROS_TO_GZ")
    assert len({row["ros_topic_name"] for row in bridge}) == len(bridge)
    contract = takt.contract.load()
    assert not {row["ros_topic_name"] for row in bridge} & {one.ros_name for one in contract.topics.values()}


def test_plugins_are_spelled_as_every_release_takes_them_and_stand_where_they_belong(sdf) -> None:
    world = sdf.find("world")
    for plugin in sdf.iter("plugin"):
        assert plugin.get("name") == f"gz::sim::systems::{SYSTEMS[plugin.get('filename')]}"
    of_world = [plugin.get("name").rpartition("::")[2] for plugin in world.findall("plugin")]
    assert of_world == ["Physics", "UserCommands", "SceneBroadcaster", "Sensors"]
    assert tuple(map(int, sdf.get("version").split("."))) <= (1, 9)


def test_steps_divide_every_period(sdf, contract) -> None:
    step_ns = round(float(sdf.findtext("world/physics/max_step_size")) * 1e9)
    assert step_ns == STEP_NS == plant.BATCH_NS
    control_ns = round(1e9 / contract.control.rate_hz)
    assert control_ns % step_ns == 0
    for sensor in sdf.iter("sensor"):
        period_ns = 1e9 / float(sensor.findtext("update_rate"))
        assert period_ns == round(period_ns)
        assert period_ns % step_ns == 0 and period_ns % control_ns == 0


def test_the_cameras_rate_is_the_contracts_where_steps_allow_it(contract) -> None:
    assert camera_rate_hz(contract, 2_000_000) == 25  # 30 Hz is no whole number of steps
    assert camera_rate_hz(contract, 10_000_000) == 25
    assert PATIENCE_NS == plant.PATIENCE_NS


def test_the_robot_keeps_every_name_mass_and_joint_of_the_urdf(sdf) -> None:
    urdf = ElementTree.parse(ROOT / "sim/robot/takt_robot.urdf").getroot()
    robot = robot_of(sdf)
    names = {element.get("name") for tag in ("link", "frame") for element in robot.findall(tag)}
    assert names == {link.get("name") for link in urdf.findall("link")}
    masses = {link.get("name"): float(link.findtext("inertial/mass")) for link in robot.findall("link")}
    assert masses == {
        link.get("name"): float(link.find("inertial/mass").get("value"))
        for link in urdf.findall("link")
        if link.find("inertial") is not None
    }
    for kind in ("visual", "collision"):
        assert len(list(robot.iter(kind))) == len(list(urdf.iter(kind)))
    moving = {joint.get("name") for joint in urdf.findall("joint") if joint.get("type") != "fixed"}
    assert {joint.get("name") for joint in robot.findall("joint")} == moving == set(topics.WHEEL_JOINTS)


def test_the_motors_are_the_drive_trains(sdf) -> None:
    drive = DriveTrain()
    for joint in robot_of(sdf).findall("joint"):
        assert float(joint.findtext("axis/dynamics/damping")) == pytest.approx(drive.damping_n_m_s, rel=1e-5)
        assert float(joint.findtext("axis/dynamics/friction")) == drive.friction_n_m
        assert (
            drive.stall_torque_n_m < float(joint.findtext("axis/limit/effort")) < 2 * drive.stall_torque_n_m
        )


def test_inertias_are_those_of_bodies_and_the_rotors_are_in_them(sdf) -> None:
    drive = DriveTrain()
    for link in [*sdf.iter("link")]:
        if (inertia := link.find("inertial/inertia")) is None:
            continue
        x, y, z = sorted(float(inertia.findtext(key)) for key in ("ixx", "iyy", "izz"))
        assert x > 0 and x + y >= z, link.get("name")
    wheel = robot_of(sdf).find("link[@name='left_wheel_link']")
    assert float(wheel.findtext("inertial/inertia/iyy")) == pytest.approx(0.00019 + drive.armature_kg_m2)


def test_the_camera_is_the_contracts(sdf, contract) -> None:
    (sensor,) = sdf.iter("sensor")
    assert sensor.find("pose").get("relative_to") == "camera_link"
    assert float(sensor.findtext("camera/horizontal_fov")) == contract.robot.camera_horizontal_fov_rad
    size = (int(sensor.findtext("camera/image/width")), int(sensor.findtext("camera/image/height")))
    assert size == (contract.robot.camera_width_px, contract.robot.camera_height_px)
    frame = robot_of(sdf).find("frame[@name='camera_link']")
    x, y, z, roll, pitch, yaw = map(float, frame.findtext("pose").split())
    robot = contract.robot
    assert (x, y, z) == (robot.camera_x_m, 0.0, robot.camera_z_m)
    assert (roll, pitch, yaw) == (0.0, robot.camera_pitch_rad, 0.0)


def test_every_reference_names_something_and_every_number_is_one(sdf) -> None:
    for model in sdf.iter("model"):
        named = {e.get("name") for tag in ("link", "frame", "joint") for e in model.findall(tag)} | {"world"}
        assert {pose.get("relative_to") for pose in model.iter("pose")} - {None} <= named
        assert {frame.get("attached_to") for frame in model.findall("frame")} <= named
        for joint in model.findall("joint"):
            assert {joint.findtext("parent"), joint.findtext("child")} <= named
        for pose in model.iter("pose"):
            numbers = [float(part) for part in pose.text.split()]
            assert len(numbers) == 6 and all(map(math.isfinite, numbers))


@pytest.mark.parametrize("seed", [1, 7])
def test_the_checker_of_sdf_finds_nothing(tmp_path, seed) -> None:
    tool = shutil.which("gz") or shutil.which("ign")
    if tool is None:
        pytest.skip("no SDF checker: apt install ignition-tools libsdformat-dev (or gz-tools2)")
    world = command.write(tmp_path, seed)
    said = subprocess.run([tool, "sdf", "--check", world], capture_output=True, text=True, timeout=600)
    output = said.stdout + said.stderr
    if "Valid." not in output and ("not a valid" in output or "I cannot find" in output):
        pytest.skip(f"{tool} is here but its sdf command is not: apt install libsdformat-dev")
    assert said.returncode == 0 and "Valid." in said.stdout, output
    assert not [line for line in output.splitlines() if "Error" in line or "Warning" in line], output


def test_a_urdf_that_cannot_be_carried_over_is_refused(contract) -> None:
    urdf = (ROOT / "sim/robot/takt_robot.urdf").read_text()
    mesh = urdf.replace('<box size="0.024 0.060 0.030"/>', '<mesh filename="x.stl"/>')
    with pytest.raises(TaktError, match="mesh"):
        robot_model(mesh, contract, DriveTrain(), Pose(0.0, 0.0), STEP_NS)


def test_the_command_checks_and_refuses(tmp_path, capsys) -> None:
    assert command.main(["files", "--check"]) == 0
    (tmp_path / "follow.sdf").write_text("<sdf/>")
    with pytest.raises(TaktError, match="follow.sdf, bridge.yaml differs"):
        command.main(["files", "--check", "--out", str(tmp_path)])
    with pytest.raises(SystemExit):
        command.main(["files", "--seed", "-1"])
    (tmp_path / "file").touch()
    with pytest.raises(TaktError, match="cannot be written"):
        command.main(["files", "--out", str(tmp_path / "file")])
