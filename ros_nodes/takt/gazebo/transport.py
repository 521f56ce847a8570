"""gz-transport from Python, for machines without ros_gz_bridge. The bindings are looked for only when they are used.

They are named after the release: ``gz.transport`` (Jetty), ``gz.transport14`` (Ionic), ``gz.transport13`` (Harmonic);
the messages likewise. Fortress ships none. Callbacks run on Gazebo's own threads.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from takt.errors import TaktError
from takt.gazebo.topics import Topic

# transport, messages, release; the newest first
_RELEASES = (
    ("gz.transport", "gz.msgs", "Jetty"),
    ("gz.transport14", "gz.msgs11", "Ionic"),
    ("gz.transport13", "gz.msgs10", "Harmonic"),
)
# gz.msgs.X -> the module that holds it
_MODULES = {
    "Clock": "clock_pb2",
    "Model": "model_pb2",
    "Image": "image_pb2",
    "CameraInfo": "camera_info_pb2",
    "Double": "double_pb2",
}


class GzTransport:
    """One gz-transport node. ``load`` is what imports a module by name, for tests."""

    def __init__(self, load: Callable[[str], Any] = importlib.import_module) -> None:
        """Raises TaktError when no release's bindings can be imported, with what each said."""
        self._load = load
        transport, self._messages, self.release = _bindings(load)
        self._node = transport.Node()
        self._publishers: dict[str, tuple[Any, type]] = {}

    def subscribe(self, topic: Topic, callback: Callable[[Any], None]) -> None:
        """Call ``callback(message)`` for each message of ``topic``."""
        if not self._node.subscribe(self._class(topic), topic.gz_name, callback):
            raise TaktError(f"Gazebo's topic {topic.gz_name} cannot be heard", "check GZ_PARTITION and GZ_IP")

    def advertise(self, topic: Topic) -> None:
        """Announce a command topic. The first messages may be lost until Gazebo has found it, so repeat commands."""
        kind = self._class(topic)
        self._publishers[topic.gz_name] = (self._node.advertise(topic.gz_name, kind), kind)

    def send(self, topic: Topic, value: float) -> None:
        """Publish one number on a topic that was advertised."""
        publisher, kind = self._publishers[topic.gz_name]
        message = kind()
        message.data = value
        publisher.publish(message)

    def _class(self, topic: Topic) -> type:
        name = topic.gz_type.rpartition(".")[2]
        found: type = getattr(self._load(f"{self._messages}.{_MODULES[name]}"), name)
        return found


def _bindings(load: Callable[[str], Any]) -> tuple[Any, str, str]:
    """The transport module, the messages' package, the release."""
    complaints = []
    for transport, messages, release in _RELEASES:
        try:
            module = load(transport)
            load(f"{messages}.double_pb2")
        except (ImportError, TypeError) as error:  # protobuf's classes of another version raise TypeError
            complaints.append(f"{transport}: {error}")
            continue
        if hasattr(module, "Node"):
            return module, messages, release
        complaints.append(f"{transport}: it has no Node")
    raise TaktError(
        "Gazebo's Python bindings cannot be imported (" + "; ".join(complaints) + ")",
        "apt install python3-gz-transport13 python3-gz-msgs10 (Harmonic; Ionic: 14 and 11), or use ros_gz_bridge; "
        "Fortress has no such bindings",
    )
