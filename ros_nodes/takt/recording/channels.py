"""What is recorded: every topic of the contract, and those by which nodes tell of their work under ROS' own names."""

from __future__ import annotations

from dataclasses import dataclass

from takt.contract import Contract
from takt.contract.sections import HostTopic, Topic

PICTURE_TOPIC = "image_raw/compressed"
LADDER_TOPIC, LOG_TOPIC = "ladder", "/rosout"


@dataclass(frozen=True)
class Channel:
    """A topic as it is listened to. ``depth`` messages wait in the middleware until they are taken off.

    ``latched`` is ROS' transient local: its last message is delivered to whoever comes later.
    """

    topic: str
    type: str
    reliable: bool
    depth: int
    latched: bool = False

    def qos_text(self) -> str:
        """For the channel's metadata, in the form of rosbag2 (YAML, names as ``ros2 topic info -v`` has them)."""
        reliability = "reliable" if self.reliable else "best_effort"
        durability = "transient_local" if self.latched else "volatile"
        lines = ("- history: keep_last", f"depth: {self.depth}", f"reliability: {reliability}")
        return "\n  ".join((*lines, f"durability: {durability}", *_UNLIMITED)) + "\n"


# rosbag2 wants every policy named; these are the defaults, 2^63 - 1 ns being "never"
_NEVER = "{sec: 9223372036, nsec: 854775807}"
_UNLIMITED = (
    *(f"{policy}: {_NEVER}" for policy in ("deadline", "lifespan")),
    "liveliness: automatic",
    f"liveliness_lease_duration: {_NEVER}",
    "avoid_ros_namespace_conventions: false",
)

_HOST_CHANNELS = (
    Channel(LADDER_TOPIC, "diagnostic_msgs/msg/DiagnosticStatus", True, 50, latched=True),
    Channel(PICTURE_TOPIC, "sensor_msgs/msg/CompressedImage", False, 1),
    Channel("odom", "nav_msgs/msg/Odometry", False, 200),
    Channel("target", "geometry_msgs/msg/PoseStamped", False, 200),
    Channel("obstacles", "visualization_msgs/msg/MarkerArray", False, 100),
    Channel("detections", "visualization_msgs/msg/MarkerArray", False, 50),
    Channel("/tf", "tf2_msgs/msg/TFMessage", False, 400),
    Channel(LOG_TOPIC, "rcl_interfaces/msg/Log", True, 200),
)
_WAITING_S = 4  # so long nothing is lost while the recorder does not get to run


def channels_of(contract: Contract) -> list[Channel]:
    """Every channel, each topic once: the contract's, then those of ROS' own names."""
    named: list[Topic | HostTopic] = [*contract.topics.values(), *contract.host_topics.values()]
    chosen: dict[str, Channel] = {}
    for topic in named:
        # what nodes and boards share; the board says it by the relative name, which is this one without a namespace
        name = "/diagnostics" if topic.ros_name == "diagnostics" else topic.ros_name
        depth = max(topic.depth, _WAITING_S * topic.rate_hz)
        latched = topic is contract.host_topics["relief"]
        chosen[name] = Channel(name, topic.type, topic.reliable, depth, latched)
    return [*chosen.values(), *_HOST_CHANNELS]
