"""Camera and detector as processes: driven through their lifecycle from outside, and ended by a signal."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from takt.errors import TaktError
from takt.frames import FrameRing

rclpy = pytest.importorskip("rclpy")

from diagnostic_msgs.msg import DiagnosticArray  # noqa: E402
from lifecycle_msgs.msg import State, Transition  # noqa: E402
from lifecycle_msgs.srv import ChangeState, GetState  # noqa: E402
from rclpy.client import Client  # noqa: E402
from rclpy.node import Node  # noqa: E402
from sensor_msgs.msg import CameraInfo, CompressedImage  # noqa: E402
from sensor_msgs.msg import Image as ImageMessage  # noqa: E402

SOURCES = Path(__file__).resolve().parents[2] / "ros_nodes"
LIMIT_S = 120.0
ANSWER_LIMIT_S = 2.0  # then it is asked again
END_LIMIT_S = 60.0  # the promise is one second on a free machine; this only tells ending from hanging

LEADS_TO = {
    Transition.TRANSITION_CONFIGURE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_ACTIVATE: State.PRIMARY_STATE_ACTIVE,
    Transition.TRANSITION_DEACTIVATE: State.PRIMARY_STATE_INACTIVE,
}
PRIMARY = {State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_INACTIVE, State.PRIMARY_STATE_ACTIVE}

pytestmark = pytest.mark.system


@pytest.fixture
def node() -> Iterator[Node]:
    rclpy.init()
    yield rclpy.create_node("test_vision_nodes")
    rclpy.try_shutdown()


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    children: list[subprocess.Popen[str]] = []

    def start_node(name: str, **parameters: object) -> subprocess.Popen[str]:
        given = [part for key, value in parameters.items() for part in ("-p", f"{key}:={value}")]
        program = f"from takt.nodes.{name} import main; main()"
        environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
        children.append(
            subprocess.Popen(
                [sys.executable, "-c", program, "--ros-args", *given],
                env=environment,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        return children[-1]

    yield start_node
    for child in children:
        if child.poll() is None:
            child.kill()
        child.communicate()


def drive(node: Node, name: str, transition: int) -> None:
    """Ask until the node is there: a service can be ready before its answers find their way back."""
    change = node.create_client(ChangeState, f"/{name}/change_state")
    state = node.create_client(GetState, f"/{name}/get_state")
    assert change.wait_for_service(LIMIT_S) and state.wait_for_service(LIMIT_S), f"{name} did not come up"
    wanted, said, limit_s = LEADS_TO[transition], None, time.monotonic() + LIMIT_S
    request = ChangeState.Request(transition=Transition(id=transition))
    while said is None or said.current_state.id != wanted:
        assert time.monotonic() < limit_s, f"{name}: transition {transition} failed: {said}"
        if said is None or said.current_state.id in PRIMARY:  # not while a transition is under way
            changed = asked(node, change, request)
            if changed is not None and changed.success:
                break
        said = asked(node, state, GetState.Request())
    node.destroy_client(change)
    node.destroy_client(state)


def asked(node: Node, client: Client, request: object) -> Any:
    """The answer, or None where none came in time."""
    future = client.call_async(request)
    rclpy.spin_until_future_complete(node, future, timeout_sec=ANSWER_LIMIT_S)
    if not future.done():
        client.remove_pending_request(future)
        return None
    return future.result()


def until(node: Node, condition: Callable[[], object], what: str) -> None:
    limit_s = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < limit_s, what
        rclpy.spin_once(node, timeout_sec=0.02)


def end(child: subprocess.Popen[str], number: int) -> None:
    child.send_signal(number)
    status = child.wait(END_LIMIT_S)
    assert status == 0, child.stderr and child.stderr.read()


def test_pictures_become_boxes_and_topics(
    node: Node, start: Callable[..., subprocess.Popen[str]], ring_name: str, tmp_path: Path
) -> None:
    Image.new("RGB", (320, 240), (10, 20, 30)).save(tmp_path / "1.png")
    camera = start("camera", source="images", folder=tmp_path, ring=ring_name)
    detector = start("detector", ring=ring_name)
    for name in ("camera", "detector"):
        drive(node, name, Transition.TRANSITION_CONFIGURE)
        drive(node, name, Transition.TRANSITION_ACTIVATE)
    ring = FrameRing.attach(ring_name)
    until(
        node, lambda: (newest := ring.newest_attached()) and newest.sequence > 5, "no frame got its results"
    )
    images: list[ImageMessage] = []
    infos: list[CameraInfo] = []
    jpegs: list[CompressedImage] = []
    said: dict[str, dict[str, str]] = {}
    node.create_subscription(ImageMessage, "image_raw", images.append, 1)
    node.create_subscription(CameraInfo, "camera_info", infos.append, 1)
    node.create_subscription(CompressedImage, "image_raw/compressed", jpegs.append, 1)
    node.create_subscription(DiagnosticArray, "/diagnostics", lambda m: said.update(told(m)), 10)
    until(
        node,
        lambda: images and infos and jpegs and len(said) == 2,
        f"topics: {len(images)}, {len(infos)}, {said}",
    )
    assert bytes(images[0].data[:6]) == bytes((10, 20, 30)) * 2 and len(images[0].data) == 320 * 240 * 3
    assert Image.open(io.BytesIO(bytes(jpegs[0].data))).size == (320, 240)
    assert infos[0].k[0] == pytest.approx(160.0 / 0.6477, rel=1e-3)
    assert int(said["camera: capture"]["captured"]) > 0 and int(said["detector: detect"]["detected"]) > 0
    drive(node, "camera", Transition.TRANSITION_DEACTIVATE)
    still = ring.newest_sequence
    drive(node, "camera", Transition.TRANSITION_ACTIVATE)
    until(node, lambda: ring.newest_sequence > still + 3, "the camera did not go on")
    end(camera, signal.SIGINT)
    end(detector, signal.SIGTERM)


def told(message: DiagnosticArray) -> dict[str, dict[str, str]]:
    return {one.name: {pair.key: pair.value for pair in one.values} for one in message.status}


def test_a_camera_without_its_source_waits_and_still_ends(
    node: Node, start: Callable[..., subprocess.Popen[str]], ring_name: str, tmp_path: Path
) -> None:
    camera = start("camera", source="images", folder=tmp_path / "later", ring=ring_name)
    drive(node, "camera", Transition.TRANSITION_CONFIGURE)
    drive(node, "camera", Transition.TRANSITION_ACTIVATE)
    ring = FrameRing.attach(ring_name)
    assert ring.newest() is None
    (tmp_path / "later").mkdir()
    Image.new("RGB", (8, 8)).save(tmp_path / "later" / "1.png")
    until(node, lambda: ring.newest_sequence > 3, "the source was not opened when it came")
    end(camera, signal.SIGTERM)


def test_a_node_that_was_never_configured_ends_too(
    node: Node, start: Callable[..., subprocess.Popen[str]], ring_name: str
) -> None:
    for name, number in (("camera", signal.SIGTERM), ("detector", signal.SIGINT)):
        child = start(name, ring=ring_name)
        client = node.create_client(ChangeState, f"/{name}/change_state")
        assert client.wait_for_service(LIMIT_S)
        end(child, number)
    with pytest.raises(TaktError):
        FrameRing.attach(ring_name)


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("detector", {"model": "/no/such/card.yaml"}, "model card /no/such/card.yaml does not exist"),
        ("detector", {"weights": "/no/such/model.onnx"}, "model file /no/such/model.onnx does not exist"),
        ("camera", {"source": "film"}, "no image source 'film'"),
    ],
)
def test_bad_parameters_end_in_one_line(
    start: Callable[..., subprocess.Popen[str]], name: str, parameters: dict[str, str], message: str
) -> None:
    child = start(name, **parameters)
    _, said = child.communicate(timeout=LIMIT_S)
    assert child.returncode == 2
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0] and "Fix: " in errors[0] and "Traceback" not in said


def test_a_topic_is_a_source(node: Node, start: Callable[..., subprocess.Popen[str]], ring_name: str) -> None:
    camera = start("camera", source="topic", topic="from_a_bag", ring=ring_name)
    drive(node, "camera", Transition.TRANSITION_CONFIGURE)
    drive(node, "camera", Transition.TRANSITION_ACTIVATE)
    ring, topic = FrameRing.attach(ring_name), node.create_publisher(ImageMessage, "from_a_bag", 1)
    message = ImageMessage(height=2, width=2, encoding="bgr8", step=6, data=bytes((3, 2, 1)) * 4)
    message.header.stamp.sec = 77

    def publish_until_captured() -> bool:
        topic.publish(message)
        time.sleep(0.02)
        return ring.newest_sequence > 0

    until(node, publish_until_captured, "no picture of the topic came into the ring")
    frame = ring.newest()
    assert frame is not None and frame.capture_stamp_ns == 77_000_000_000
    assert (frame.pixels == (1, 2, 3)).all()
    end(camera, signal.SIGTERM)
