"""The agent's ROS side in rclpy: a node for each participant, raw samples, typed services."""

from __future__ import annotations

import importlib
import struct
from collections.abc import Callable
from typing import Any

import rclpy
from rclpy.context import Context
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message

from takt.link.exchange import Exchange
from takt.link.names import node_name, ros_service, ros_topic, ros_type, service_type
from takt.link.representations import DEFAULT_DOMAIN, Qos, ServiceSpec, TopicSpec
from takt.link.ros_port import (
    ClientPort,
    Deliver,
    OnReply,
    OnRequest,
    PublisherPort,
    RosRefusal,
    ServicePort,
    SubscriptionPort,
)
from takt.nodes.ros_events import RosEvents

_DEFAULT_DEPTH = 10
_KEEP_ALL_DEPTH = 1000
_MAX_OPEN_REQUESTS = 64
_IDENTITY_PREFIX = b"takt-agent\0\0"  # 12 bytes of writer guid prefix; only this agent reads them again


class RclpyRos:
    """The :class:`takt.link.ros_port.RosPort` of a running agent.

    ``host``: the agent's own node; its namespace goes in front of every name of a board, its clock is the one
    that boards are set by. ``remaps``: rules ``from:=to`` for the boards' names.
    ``on_drop``: told the reason of every message that ROS would not take.
    """

    def __init__(
        self, host: Node, events: RosEvents, remaps: list[str], on_drop: Callable[[str], None]
    ) -> None:
        self._host, self.events, self._remaps = host, events, remaps
        self._clock = host.get_clock()
        self.on_drop = on_drop
        self.listeners: dict[
            str, Callable[[bytes], None]
        ] = {}  # topic -> who hears what boards publish there
        self._own_domain = host.context.get_domain_id()
        self._contexts: dict[int, Context] = {self._own_domain: host.context}
        self.exchange = Exchange()
        self.nodes: list[RclpyNode] = []

    def now_ns(self) -> int:
        nanoseconds: int = self._clock.now().nanoseconds
        return nanoseconds

    def create_node(self, name: str, domain: int) -> RclpyNode:
        domain = self._own_domain if domain == DEFAULT_DOMAIN else domain
        context = self._context(domain)
        namespace, base = node_name(name, "xrce_client")
        prefix = self._host.get_namespace().rstrip("/")
        rules = [part for rule in self._remaps for part in ("-r", rule)]
        try:
            node = Node(
                base,
                namespace=(prefix + namespace).rstrip("/") or "/",
                context=context,
                cli_args=["--ros-args", *rules] if rules else None,
                use_global_arguments=False,
                enable_rosout=False,
                start_parameter_services=False,
                parameter_overrides=[Parameter("start_type_description_service", value=False)],
            )
        except Exception as error:  # names, remap rules: rclpy has no common class for what it refuses
            raise RosRefusal(f"no ROS node {name!r}: {error}") from None
        made = RclpyNode(self, node, domain, prefix)
        self.nodes.append(made)
        return made

    def _context(self, domain: int) -> Context:
        if domain not in self._contexts:
            if not 0 <= domain <= 232:
                raise RosRefusal(f"ROS domain {domain} is not in 0..232")
            context = Context()
            rclpy.init(context=context, domain_id=domain)
            self._contexts[domain] = context
        return self._contexts[domain]

    def close(self) -> None:
        """Shut the contexts of other domains; the agent's own is its owner's."""
        for domain, context in self._contexts.items():
            if domain != self._own_domain:
                context.try_shutdown()


class RclpyNode:
    """One board's node. What is of no ROS type goes to the agent's exchange instead."""

    def __init__(self, ros: RclpyRos, node: Node, domain: int, prefix: str) -> None:
        self.ros, self.node, self.domain, self._prefix = ros, node, domain, prefix

    def create_publisher(self, topic: TopicSpec, qos: Qos) -> PublisherPort:
        if ros_type(topic.type_name) is None:
            return self.ros.exchange.writer(self.domain, topic)
        name, dds_name = self._name(ros_topic(topic.name), topic.name)
        end = _made(self.node.create_publisher, _message(topic), name, _profile(qos, dds_name))
        return _Publisher(self, end, self.ros.listeners.get(ros_topic(topic.name) or ""))

    def create_subscription(self, topic: TopicSpec, qos: Qos, deliver: Deliver) -> SubscriptionPort:
        if ros_type(topic.type_name) is None:
            return self.ros.exchange.reader(self.domain, topic, deliver)
        name, dds_name = self._name(ros_topic(topic.name), topic.name)
        end = _made(
            self.node.create_subscription, _message(topic), name, _ignore, _profile(qos, dds_name), raw=True
        )
        return _Subscription(self, end, deliver)

    def create_client(self, service: ServiceSpec, on_reply: OnReply) -> ClientPort:
        if service_type(service.request_type) is None:
            return self.ros.exchange.requester(self.domain, service, on_reply)
        name, _ = self._name(ros_service(service.name), service.name)
        return _Client(self, _made(self.node.create_client, _service(service), name), on_reply)

    def create_service(self, service: ServiceSpec, on_request: OnRequest) -> ServicePort:
        if service_type(service.request_type) is None:
            return self.ros.exchange.replier(self.domain, service, on_request)
        name, _ = self._name(ros_service(service.name), service.name)
        return _Service(self, _made(self.node.create_service, _service(service), name, _ignore), on_request)

    def _name(self, name: str | None, given: str) -> tuple[str, bool]:
        """(name for rclpy, whether it is a plain DDS name outside ROS's scheme)."""
        return (given, True) if name is None else (self._prefix + name, False)

    def close(self) -> None:
        if self in self.ros.nodes:
            self.ros.nodes.remove(self)
            self.node.destroy_node()


class _End:
    """A rclpy end of a board's node, served by the node's loop."""

    kind = ""

    def __init__(self, owner: RclpyNode, end: Any) -> None:
        self.owner, self.end = owner, end
        if self.kind:
            owner.ros.events.watch(self.kind, end, self.take, owner.node.context)

    def take(self, handle: Any) -> bool:
        raise NotImplementedError

    def close(self) -> None:
        if self.kind:
            self.owner.ros.events.forget(self.end)
        getattr(self.owner.node, f"destroy_{self.kind or 'publisher'}")(self.end)


class _Publisher(_End):
    def __init__(self, owner: RclpyNode, end: Any, listener: Callable[[bytes], None] | None) -> None:
        super().__init__(owner, end)
        self._publish_raw, self._listener = end.handle.publish_raw, listener

    def publish(self, sample: bytes) -> None:
        if self._listener is not None:
            self._listener(sample)
        try:
            self._publish_raw(sample)
        except Exception:  # a full reliable history raises RCLError, which rclpy does not export
            self.owner.ros.on_drop("ros_publish")


class _Subscription(_End):
    kind = "subscription"

    def __init__(self, owner: RclpyNode, end: Any, deliver: Deliver) -> None:
        self._deliver, self._type = deliver, end.msg_type
        super().__init__(owner, end)

    def take(self, handle: Any) -> bool:
        taken = handle.take_message(self._type, True)
        if taken is None:
            return False
        self._deliver(taken[0], taken[1]["source_timestamp"])
        return True


class _Client(_End):
    kind = "client"

    def __init__(self, owner: RclpyNode, end: Any, on_reply: OnReply) -> None:
        self._on_reply, self._type = on_reply, end.srv_type
        super().__init__(owner, end)

    def call(self, request: bytes) -> int:
        message = _decoded(request, self._type.Request)
        if message is None:
            self.owner.ros.on_drop("ros_request")
            return -1
        with self.end.handle:
            number: int = self.end.handle.send_request(message)
        return number

    def take(self, handle: Any) -> bool:
        header, response = handle.take_response(self._type.Response)
        if header is None:
            return False
        self._on_reply(header.request_id.sequence_number, serialize_message(response))
        return True


class _Service(_End):
    """ROS asks, the board answers when it can; requests wait under an identity of our own."""

    kind = "service"

    def __init__(self, owner: RclpyNode, end: Any, on_request: OnRequest) -> None:
        self._on_request, self._type = on_request, end.srv_type
        self._open: dict[bytes, Any] = {}
        self._count = 0
        super().__init__(owner, end)

    def take(self, handle: Any) -> bool:
        request, header = handle.service_take_request(self._type.Request)
        if header is None:
            return False
        self._count += 1
        identity = _IDENTITY_PREFIX + b"\0\0\x01\x03" + struct.pack("<iI", 0, self._count & 0xFFFFFFFF)
        if len(self._open) >= _MAX_OPEN_REQUESTS:
            del self._open[next(iter(self._open))]
            self.owner.ros.on_drop("request_unanswered")
        self._open[identity] = header
        self._on_request(identity, serialize_message(request))
        return True

    def reply(self, identity: bytes, reply: bytes) -> None:
        header = self._open.pop(identity, None)
        response = _decoded(reply, self._type.Response)
        if header is None or response is None:
            self.owner.ros.on_drop("ros_reply")
        else:
            self.end.send_response(response, header)


def _ignore(*_: Any) -> None:
    """rclpy wants a callback; the wait loop takes the messages itself."""


def _made(create: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    try:
        return create(*arguments, **options)
    except Exception as error:  # names, QoS, type support: rclpy has no common class for what it refuses
        raise RosRefusal(f"ROS refused: {error}") from None


def _decoded(sample: bytes, message_type: type) -> Any:
    try:
        return deserialize_message(sample, message_type)
    except Exception:  # what a board sends may be anything
        return None


def _message(topic: TopicSpec) -> type:
    return _import(ros_type(topic.type_name), topic.type_name)


def _service(service: ServiceSpec) -> type:
    return _import(service_type(service.request_type), service.request_type)


def _import(found: tuple[str, str, str] | None, told: str) -> type:
    if found is None:
        raise RosRefusal(f"{told!r} is no ROS type name")
    package, kind, name = found
    try:
        imported: type = getattr(importlib.import_module(f"{package}.{kind}"), name)
    except (ImportError, AttributeError):
        raise RosRefusal(f"{package}/{kind}/{name} is not installed here; install {package}") from None
    return imported


def _profile(qos: Qos, dds_name: bool) -> QoSProfile:
    """QoS of a client in rclpy's words. Keep-all is bounded, so that a stuck peer cannot take all memory."""
    depth = _KEEP_ALL_DEPTH if qos.keep_all else qos.depth or _DEFAULT_DEPTH
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        reliability=ReliabilityPolicy.RELIABLE if qos.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if qos.transient_local else DurabilityPolicy.VOLATILE,
        deadline=Duration(nanoseconds=qos.deadline_ms * 1_000_000),
        lifespan=Duration(nanoseconds=qos.lifespan_ms * 1_000_000),
        avoid_ros_namespace_conventions=dds_name,
    )
