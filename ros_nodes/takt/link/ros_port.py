"""What the agent core wants of ROS, and a ROS in memory for tests, replay and the twin.

Samples carry the 4-byte CDR encapsulation in front wherever they cross this border.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from takt.link.names import ros_service
from takt.link.representations import Qos, ServiceSpec, TopicSpec

ENCAPSULATION = b"\x00\x01\x00\x00"  # XCDR1, little endian

Deliver = Callable[[bytes, int], None]  # sample with encapsulation, source stamp (ROS ns)
OnReply = Callable[[int, bytes], None]  # call number, reply with encapsulation
OnRequest = Callable[[bytes, bytes], None]  # identity (24 bytes), request with encapsulation


class RosRefusal(Exception):
    """ROS will not create this; the text says why and what would help."""


class PublisherPort(Protocol):
    def publish(self, sample: bytes) -> None: ...
    def close(self) -> None: ...


class SubscriptionPort(Protocol):
    def close(self) -> None: ...


class ClientPort(Protocol):
    def call(self, request: bytes) -> int:
        """Send a request; the number comes back with its reply."""
        ...

    def close(self) -> None: ...


class ServicePort(Protocol):
    def reply(self, identity: bytes, reply: bytes) -> None: ...
    def close(self) -> None: ...


class NodePort(Protocol):
    """One ROS node, for one XRCE participant. Each ``create`` raises RosRefusal."""

    def create_publisher(self, topic: TopicSpec, qos: Qos) -> PublisherPort: ...
    def create_subscription(self, topic: TopicSpec, qos: Qos, deliver: Deliver) -> SubscriptionPort: ...
    def create_client(self, service: ServiceSpec, on_reply: OnReply) -> ClientPort: ...
    def create_service(self, service: ServiceSpec, on_request: OnRequest) -> ServicePort: ...
    def close(self) -> None: ...


class RosPort(Protocol):
    def now_ns(self) -> int:
        """ROS time, ns: what the board's clock is set by."""
        ...

    def create_node(self, name: str, domain: int) -> NodePort: ...


class MemoryRos:
    """A ROS without processes or threads. ``log`` tells all that the agent did to it, in order.

    ``clock``: ROS time in ns, set by its owner.
    """

    def __init__(self) -> None:
        self.clock_ns = 0
        self.log: list[tuple[str, str, bytes]] = []
        self.nodes: list[MemoryNode] = []

    def now_ns(self) -> int:
        return self.clock_ns

    def create_node(self, name: str, domain: int) -> MemoryNode:
        node = MemoryNode(self, name, domain)
        self.nodes.append(node)
        self.log.append(("node", name, b""))
        return node

    def published(self, topic: str) -> list[bytes]:
        """The samples written to a DDS topic (``rt/...``), encapsulation cut off."""
        return [data[4:] for what, name, data in self.log if what == "publish" and name == topic]

    def deliver(self, topic: str, sample: bytes) -> int:
        """Bring a sample (no encapsulation) to all subscriptions of a DDS topic; returns how many there are."""
        taps = [end for node in self.nodes for end in node.ends if isinstance(end, MemorySubscription)]
        taps = [tap for tap in taps if tap.topic.name == topic]
        for tap in taps:
            tap.deliver(ENCAPSULATION + sample, self.clock_ns)
        return len(taps)

    def request(self, service: str, identity: bytes, request: bytes) -> int:
        """Call a service that a board offers; the replies land in ``log`` as ("reply", service, identity + reply)."""
        found = [end for node in self.nodes for end in node.ends if isinstance(end, MemoryService)]
        found = [end for end in found if ros_service(end.service.name) == ros_service(service)]
        for end in found:
            end.on_request(identity, ENCAPSULATION + request)
        return len(found)


class _End:
    """One endpoint of a node; closing it twice is harmless."""

    def __init__(self, node: MemoryNode) -> None:
        self.node = node
        node.ends.append(self)

    def close(self) -> None:
        if self in self.node.ends:
            self.node.ends.remove(self)


class MemoryPublisher(_End):
    def __init__(self, node: MemoryNode, topic: TopicSpec) -> None:
        super().__init__(node)
        self.topic = topic

    def publish(self, sample: bytes) -> None:
        self.node.ros.log.append(("publish", self.topic.name, sample))


class MemorySubscription(_End):
    def __init__(self, node: MemoryNode, topic: TopicSpec, deliver: Deliver) -> None:
        super().__init__(node)
        self.topic, self.deliver = topic, deliver


class MemoryClient(_End):
    def __init__(self, node: MemoryNode, service: ServiceSpec, on_reply: OnReply) -> None:
        super().__init__(node)
        self.service, self.on_reply = service, on_reply
        self.calls = 0

    def call(self, request: bytes) -> int:
        self.calls += 1
        self.node.ros.log.append(("call", self.service.name, request))
        return self.calls


class MemoryService(_End):
    def __init__(self, node: MemoryNode, service: ServiceSpec, on_request: OnRequest) -> None:
        super().__init__(node)
        self.service, self.on_request = service, on_request

    def reply(self, identity: bytes, reply: bytes) -> None:
        self.node.ros.log.append(("reply", self.service.name, identity + reply))


class MemoryNode:
    def __init__(self, ros: MemoryRos, name: str, domain: int) -> None:
        self.ros, self.name, self.domain = ros, name, domain
        self.ends: list[_End] = []

    def create_publisher(self, topic: TopicSpec, qos: Qos) -> MemoryPublisher:
        return MemoryPublisher(self, topic)

    def create_subscription(self, topic: TopicSpec, qos: Qos, deliver: Deliver) -> MemorySubscription:
        return MemorySubscription(self, topic, deliver)

    def create_client(self, service: ServiceSpec, on_reply: OnReply) -> MemoryClient:
        return MemoryClient(self, service, on_reply)

    def create_service(self, service: ServiceSpec, on_request: OnRequest) -> MemoryService:
        return MemoryService(self, service, on_request)

    def close(self) -> None:
        self.ros.log.append(("node gone", self.name, b""))
        self.ros.nodes.remove(self)
