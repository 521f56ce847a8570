"""The objects that one client has created, the rules of creation and deletion, and the ROS ends behind them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from takt.link.cdr import Malformed
from takt.link.feed import Feed
from takt.link.messages import (
    ALREADY_EXISTS,
    DDS_ERROR,
    MISMATCH,
    OK,
    OK_MATCHED,
    REPLACE,
    RESOURCES,
    REUSE,
    UNKNOWN_REFERENCE,
)
from takt.link.refs import Profiles
from takt.link.representations import (
    OTHER_KINDS,
    PARTICIPANT,
    PUBLISHER,
    READER,
    REPLIER,
    REQUESTER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
    Creation,
    EndpointSpec,
    ParticipantSpec,
    Qos,
    ServiceSpec,
    Spec,
    TopicSpec,
    UnknownProfile,
    with_kind,
)
from takt.link.ros_port import (
    ClientPort,
    NodePort,
    PublisherPort,
    RosPort,
    RosRefusal,
    ServicePort,
    SubscriptionPort,
)

SERVICE_DEPTH = 16
RELIABLE_DEPTH = 64  # a reliable reader is never kept shorter than this while its line is busy
KEEP_ALL_DEPTH = 1000
MAX_OBJECTS = 512
_PARENT_KIND = {
    TOPIC: PARTICIPANT,
    PUBLISHER: PARTICIPANT,
    SUBSCRIBER: PARTICIPANT,
    WRITER: PUBLISHER,
    READER: SUBSCRIBER,
    REQUESTER: PARTICIPANT,
    REPLIER: PARTICIPANT,
}


class Refused(Exception):
    """A creation that ends in a status other than OK."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class SharedNode:
    """A ROS node, alive as long as its participant or anything made in it.

    A client may delete its participant first and its children after.
    """

    def __init__(self, port: NodePort) -> None:
        self.port = port
        self._users = 0

    def take(self) -> SharedNode:
        self._users += 1
        return self

    def release(self) -> None:
        self._users -= 1
        if not self._users:
            self.port.close()


@dataclass(eq=False)
class Entity:
    """One object. ``topic`` is set for writers and readers; exactly one of the ports for an end that has one."""

    object_id: bytes
    kind: int
    spec: Spec
    node: SharedNode
    topic: TopicSpec | None = None
    feed: Feed | None = None
    publisher: PublisherPort | None = None
    subscription: SubscriptionPort | None = None
    client: ClientPort | None = None
    service: ServicePort | None = None
    calls: dict[int, bytes] = field(default_factory=dict)  # requester: ROS call number -> client's request id

    def close(self) -> None:
        for port in (self.publisher, self.subscription, self.client, self.service):
            if port is not None:
                port.close()
        self.node.release()


class Receivers(Protocol):
    """Where the ROS ends of a client's readers, requesters and repliers bring what they get."""

    def on_sample(self, entity: Entity, sample: bytes, stamp_ns: int) -> None: ...
    def on_reply(self, entity: Entity, number: int, reply: bytes) -> None: ...
    def on_request(self, entity: Entity, identity: bytes, request: bytes) -> None: ...


class EntityTable:
    """All objects of one client, by the two bytes of their id.

    ``name_of``: the participant's name where the client gave none.
    """

    def __init__(self, ros: RosPort, profiles: Profiles, receivers: Receivers, default_name: str) -> None:
        self._ros, self._profiles, self._receivers = ros, profiles, receivers
        self._default_name = default_name
        self._objects: dict[bytes, Entity] = {}
        self.get: Callable[[bytes], Entity | None] = self._objects.get  # asked for every sample
        self.last_refusal = ""

    def __len__(self) -> int:
        return len(self._objects)

    def all(self) -> list[Entity]:
        return list(self._objects.values())

    def create(self, creation: Creation, flags: int) -> int:
        """Create, reuse or replace by the client's flags; returns the result status."""
        try:
            return self._create(creation, flags)
        except Refused as refusal:
            self.last_refusal = str(refusal)
            return refusal.status

    def delete(self, object_id: bytes) -> bool:
        entity = self._objects.pop(object_id, None)
        if entity is None:
            return False
        entity.close()
        return True

    def clear(self) -> None:
        """Delete everything, ends before nodes."""
        for object_id in reversed(list(self._objects)):
            self.delete(object_id)

    def _create(self, creation: Creation, flags: int) -> int:
        if creation.kind in OTHER_KINDS:
            return OK
        object_id = with_kind(creation.object_id, creation.kind)
        existing = self._objects.get(object_id)
        if existing and not flags & (REUSE | REPLACE):
            raise Refused(ALREADY_EXISTS, "the id is taken")
        if existing and flags & REUSE and creation.kind in (PUBLISHER, SUBSCRIBER):
            return OK_MATCHED  # any two are equal, whatever the representation says
        parent = self._parent(creation)
        spec = self._spec(creation)
        if existing and flags & REUSE:
            if existing.spec == spec:
                return OK_MATCHED
            if not flags & REPLACE:
                raise Refused(MISMATCH, f"the existing object is {existing.spec}")
        if existing:
            self.delete(object_id)
        if len(self._objects) >= MAX_OBJECTS:
            raise Refused(RESOURCES, f"{MAX_OBJECTS} objects are there already")
        self._objects[object_id] = self._build(object_id, creation.kind, parent, spec)
        return OK

    def _parent(self, creation: Creation) -> Entity | None:
        """What the new object is made in; only a participant has none."""
        if creation.kind == PARTICIPANT:
            return None
        parent = self._objects.get(with_kind(creation.parent, _PARENT_KIND[creation.kind]))
        if parent is None:
            raise Refused(UNKNOWN_REFERENCE, f"no parent {creation.parent.hex()}")
        return parent

    def _spec(self, creation: Creation) -> Spec:
        try:
            return self._profiles.resolve(creation)
        except UnknownProfile as profile:
            raise Refused(DDS_ERROR, f"no profile {profile} (start the agent with --refs FILE)") from None
        except Malformed as error:
            raise Refused(DDS_ERROR, f"representation not understood: {error}") from None

    def _build(self, object_id: bytes, kind: int, parent: Entity | None, spec: Spec) -> Entity:
        try:
            if parent is None:
                assert isinstance(spec, ParticipantSpec)
                port = self._ros.create_node(spec.name or self._default_name, spec.domain)
                return Entity(object_id, kind, spec, SharedNode(port).take())
            return self._build_child(object_id, kind, parent, spec)
        except RosRefusal as refusal:
            raise Refused(DDS_ERROR, str(refusal)) from None

    def _build_child(self, object_id: bytes, kind: int, parent: Entity, spec: Spec) -> Entity:
        topic = self._topic(spec) if isinstance(spec, EndpointSpec) else None
        entity = Entity(object_id, kind, spec, parent.node, topic)
        if isinstance(spec, EndpointSpec):
            self._open_endpoint(entity, spec)
        elif isinstance(spec, ServiceSpec):
            self._open_service(entity, spec)
        entity.node.take()
        return entity

    def _topic(self, spec: EndpointSpec) -> TopicSpec:
        """The topic that a writer or reader names, by id or by name; it must exist already."""
        if spec.topic_name:
            for entity in self._objects.values():
                if isinstance(entity.spec, TopicSpec) and entity.spec.name == spec.topic_name:
                    return entity.spec
        else:
            found = self._objects.get(spec.topic_id)
            if found and isinstance(found.spec, TopicSpec):
                return found.spec
        raise Refused(DDS_ERROR, f"no topic {spec.topic_name or spec.topic_id.hex()}")

    def _open_endpoint(self, entity: Entity, spec: EndpointSpec) -> None:
        assert entity.topic is not None
        if entity.kind == WRITER:
            entity.publisher = entity.node.port.create_publisher(entity.topic, spec.qos)
            return
        entity.feed = Feed(history_depth(spec.qos))
        deliver = partial(self._receivers.on_sample, entity)
        entity.subscription = entity.node.port.create_subscription(entity.topic, spec.qos, deliver)

    def _open_service(self, entity: Entity, spec: ServiceSpec) -> None:
        entity.feed = Feed(SERVICE_DEPTH)
        if entity.kind == REQUESTER:
            entity.client = entity.node.port.create_client(spec, partial(self._receivers.on_reply, entity))
        else:
            entity.service = entity.node.port.create_service(
                spec, partial(self._receivers.on_request, entity)
            )


def history_depth(qos: Qos) -> int:
    """Samples that a reader's feed keeps while its line is busy."""
    if qos.keep_all:
        return KEEP_ALL_DEPTH
    return max(qos.depth, RELIABLE_DEPTH) if qos.reliable else max(qos.depth, 1)
