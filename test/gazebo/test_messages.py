"""Gazebo's messages and its Python bindings, as gz.msgs lays them out; with protobuf's own classes where protoc is."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from takt.errors import TaktError
from takt.gazebo import messages, topics
from takt.gazebo.hardware_edge import JointSample
from takt.gazebo.transport import GzTransport

PROTOS = Path("/usr/include/ignition/msgs8")  # libignition-msgs-dev of Debian
STAMP = SimpleNamespace(sec=12, nsec=34_000_000)
HEADER = SimpleNamespace(stamp=STAMP)
STAMP_NS = 12_034_000_000


def joint(name: str, position: float, velocity: float) -> SimpleNamespace:
    return SimpleNamespace(name=name, axis1=SimpleNamespace(position=position, velocity=velocity, force=0.0))


def model(*joints: SimpleNamespace) -> SimpleNamespace:
    return SimpleNamespace(header=HEADER, name=topics.ROBOT, joint=list(joints))


def image(**changes: object) -> SimpleNamespace:
    given = {"width": 4, "height": 2, "step": 12, "pixel_format_type": 3, "data": bytes(range(24))} | changes
    return SimpleNamespace(header=HEADER, **given)


def test_joints_are_found_by_name_whatever_their_order() -> None:
    told = model(joint("camera_joint", 0.0, 0.0), joint("right_wheel_joint", 2.0, 0.2),
                 joint("takt_robot::left_wheel_joint", 1.0, 0.1))  # fmt: skip
    assert messages.from_model(told, topics.WHEEL_JOINTS) == JointSample(STAMP_NS, (1.0, 2.0), (0.1, 0.2))
    assert messages.from_model(model(joint("left_wheel_joint", 1.0, 0.1)), topics.WHEEL_JOINTS) is None


def test_the_bridges_joint_state_says_the_same() -> None:
    names = ["camera_joint", "right_wheel_joint", "left_wheel_joint"]
    told = messages.from_joint_state(STAMP_NS, names, [0, 2.0, 1.0], [0, 0.2, 0.1], topics.WHEEL_JOINTS)
    assert told == JointSample(STAMP_NS, (1.0, 2.0), (0.1, 0.2))
    assert messages.from_joint_state(STAMP_NS, names, [0, 2.0, 1.0], [], topics.WHEEL_JOINTS) is None
    assert messages.from_joint_state(STAMP_NS, names[:2], [0, 2.0], [0, 0.2], topics.WHEEL_JOINTS) is None


def test_pictures_keep_rows_and_stamp_and_what_cannot_be_read_is_none() -> None:
    told = messages.picture(image())
    assert told == messages.Picture(STAMP_NS, 4, 2, 12, "rgb8", bytes(range(24)))
    assert messages.picture(image(step=0)).step == 12
    for wrong in ({"pixel_format_type": 13}, {"data": b"short"}, {"step": 5}):
        assert messages.picture(image(**wrong)) is None


@pytest.fixture(scope="session")
def protobuf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Python classes of the release's own .proto files."""
    pytest.importorskip("google.protobuf")
    if not PROTOS.is_dir() or shutil.which("protoc") is None:
        pytest.skip("no .proto files of Gazebo: apt install libignition-msgs-dev protobuf-compiler")
    folder = tmp_path_factory.mktemp("protobuf")
    names = [f"ignition/msgs/{name}.proto" for name in ("model", "image", "clock", "double", "camera_info")]
    needed = [str(path.relative_to(PROTOS)) for path in (PROTOS / "ignition/msgs").glob("*.proto")]
    assert set(names) <= set(needed)
    subprocess.run(["protoc", f"-I{PROTOS}", f"--python_out={folder}", *needed], check=True, timeout=600)
    return folder


def loaded(folder: Path, name: str) -> ModuleType:
    """A module of the folder, as the release's Python package would hold it."""
    sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except TypeError as error:
        pytest.skip(f"protoc is too old for this protobuf: {str(error).splitlines()[0]}")
    finally:
        sys.path.remove(str(folder))


def test_the_releases_own_messages_go_over_the_wire_and_are_read(protobuf: Path) -> None:
    kind = loaded(protobuf, "ignition.msgs.model_pb2").Model
    sent = kind(name=topics.ROBOT)
    sent.header.stamp.sec, sent.header.stamp.nsec = STAMP.sec, STAMP.nsec
    for name, value in zip(("fixed_joint", *topics.WHEEL_JOINTS), (0.0, 1.0, 2.0), strict=True):
        one = sent.joint.add(name=name)
        one.axis1.position, one.axis1.velocity = value, value / 10
    read = messages.from_model(kind.FromString(sent.SerializeToString()), topics.WHEEL_JOINTS)
    assert read == JointSample(STAMP_NS, (1.0, 2.0), (0.1, 0.2))
    pixels = loaded(protobuf, "ignition.msgs.image_pb2")
    shot = pixels.Image(width=4, height=2, step=12, data=bytes(24), pixel_format_type=pixels.RGB_INT8)
    assert messages.picture(shot).encoding == "rgb8"
    shot.pixel_format_type = pixels.BGR_INT8
    assert messages.picture(shot).encoding == "bgr8"
    assert loaded(protobuf, "ignition.msgs.clock_pb2").Clock().sim.nsec == 0
    assert loaded(protobuf, "ignition.msgs.double_pb2").Double(data=1.5).data == 1.5


class Bindings:
    """gz.transport13 as a module: what is said on its topics, and who listens. ``present`` names what can be loaded."""

    def __init__(self, *present: str) -> None:
        self.present, self.heard, self.listeners = present, [], {}
        outer = self

        class Node:
            def subscribe(self, kind, topic, callback):
                outer.listeners[topic] = (kind.__name__, callback)
                return not topic.startswith("/refused")

            def advertise(self, topic, kind):
                return SimpleNamespace(publish=lambda message: outer.heard.append((topic, message.data)))

        self.transport = SimpleNamespace(Node=Node)

    def load(self, name: str) -> object:
        if name.partition(".")[2].partition(".")[0] not in self.present:
            raise ImportError(f"No module named {name!r}")
        if "transport" in name:
            return self.transport
        kinds = {kind: type(kind, (), {"data": 0.0}) for kind in ("Double", "Model", "Image", "Clock")}
        return SimpleNamespace(**kinds)


def test_the_adapter_takes_the_bindings_that_are_there_and_speaks_them() -> None:
    bindings = Bindings("transport13", "msgs10")
    gazebo, told = GzTransport(bindings.load), []
    assert gazebo.release == "Harmonic"
    gazebo.advertise(topics.WHEEL_FORCES[0])
    gazebo.send(topics.WHEEL_FORCES[0], 0.25)
    assert bindings.heard == [("/model/takt_robot/joint/left_wheel_joint/cmd_force", 0.25)]
    gazebo.subscribe(topics.JOINTS, told.append)
    kind, callback = bindings.listeners["/takt/joint_states"]
    callback("a message")
    assert (kind, told) == ("Model", ["a message"])


def test_newer_bindings_come_first_and_half_an_installation_is_passed_over() -> None:
    assert GzTransport(Bindings("transport", "msgs", "transport13", "msgs10").load).release == "Jetty"
    assert GzTransport(Bindings("transport14", "transport13", "msgs10").load).release == "Harmonic"


def test_missing_bindings_are_an_error_with_the_fix() -> None:
    with pytest.raises(TaktError, match=r"gz\.transport13: No module named") as caught:
        GzTransport(Bindings().load)
    assert "python3-gz-transport13" in str(caught.value) and "ros_gz_bridge" in str(caught.value)


def test_a_topic_that_is_refused_is_an_error() -> None:
    refused = topics.Topic("/refused", "refused", "sensor_msgs/msg/Image", "GZ_TO_ROS")
    with pytest.raises(TaktError, match="cannot be heard"):
        GzTransport(Bindings("transport13", "msgs10").load).subscribe(refused, print)
