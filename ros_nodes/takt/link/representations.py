"""What a client asks to be created, in plain form, and the three ways it may say so: binary, XML, reference.

The three ways of saying the same thing give equal objects, which is what the REUSE rule compares.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from takt.link.cdr import CdrReader, Malformed
from takt.link.messages import LITTLE_ENDIAN, Submessage
from takt.link.names import ros_topic

(PARTICIPANT, TOPIC, PUBLISHER, SUBSCRIBER, WRITER, READER, REQUESTER, REPLIER) = range(1, 9)
OTHER_KINDS = {0x0A, 0x0B, 0x0C}  # type, QoS profile, application: nothing is created, and that is no error
BY_REFERENCE, BY_XML, BY_BINARY = 1, 2, 3
DEFAULT_DOMAIN = 255  # "the agent's own"

_RELIABLE, _KEEP_LAST, _TRANSIENT_LOCAL, _TRANSIENT, _PERSISTENT = 0x01, 0x02, 0x08, 0x10, 0x20


@dataclass(frozen=True)
class Qos:
    """Quality of service of a writer or reader; 0 in depth, deadline and lifespan means not given."""

    reliable: bool = True
    keep_all: bool = False
    transient_local: bool = False
    depth: int = 0
    deadline_ms: int = 0
    lifespan_ms: int = 0


@dataclass(frozen=True)
class ParticipantSpec:
    name: str
    domain: int = DEFAULT_DOMAIN


@dataclass(frozen=True)
class TopicSpec:
    name: str
    type_name: str

    @cached_property
    def ros_name(self) -> str:
        """The name in ROS; the plain DDS name of a topic outside its scheme."""
        return ros_topic(self.name) or self.name


@dataclass(frozen=True)
class GroupSpec:
    """A publisher or subscriber: nothing of it reaches ROS, so that any two are equal."""


@dataclass(frozen=True)
class EndpointSpec:
    """A writer or reader: its topic is told by object id (binary) or by name (XML, reference)."""

    topic_id: bytes
    topic_name: str
    qos: Qos


@dataclass(frozen=True)
class ServiceSpec:
    name: str
    request_type: str
    reply_type: str
    request_topic: str = ""
    reply_topic: str = ""


Spec = ParticipantSpec | TopicSpec | GroupSpec | EndpointSpec | ServiceSpec


def with_kind(object_id: bytes, kind: int) -> bytes:
    """An object id as it is kept: the kind is that of what was created, whatever the client's four bits say."""
    return bytes((object_id[0], object_id[1] & 0xF0 | kind))


class UnknownProfile(LookupError):
    """A reference to a profile that the agent was not given."""


class Creation(NamedTuple):
    """One CREATE, its representation not yet decoded (a text needs the profiles)."""

    request: bytes
    object_id: bytes
    kind: int
    form: int
    content: bytes | str
    parent: bytes  # empty for a participant
    domain: int
    little: bool


def parse_create(submessage: Submessage) -> Creation:
    little = bool(submessage.flags & LITTLE_ENDIAN)
    reader = CdrReader(submessage.payload, little)
    request, object_id, kind = reader.take(2), reader.take(2), reader.u8()
    if kind in OTHER_KINDS:
        return Creation(request, object_id, kind, 0, b"", b"", 0, little)
    if not PARTICIPANT <= kind <= REPLIER:
        raise Malformed(f"CREATE of kind {kind}")
    form = reader.u8()
    if form not in (BY_REFERENCE, BY_XML, BY_BINARY):
        raise Malformed(f"representation format {form}")
    reader.align(4)
    content = reader.octets() if form == BY_BINARY else reader.string()
    if kind == PARTICIPANT:
        return Creation(request, object_id, kind, form, content, b"", reader.u16(), little)
    return Creation(request, object_id, kind, form, content, reader.take(2), 0, little)


def decode_binary(kind: int, blob: bytes, domain: int = DEFAULT_DOMAIN, little: bool = True) -> Spec:
    """A binary representation: a CDR blob with its own alignment origin."""
    reader = CdrReader(blob, little)
    if kind == PARTICIPANT:
        _optional_string(reader)
        return ParticipantSpec(_optional_string(reader), domain)
    if kind == TOPIC:
        name = reader.string()
        _optional_string(reader)
        return TopicSpec(name, _optional_string(reader))
    if kind in (PUBLISHER, SUBSCRIBER):
        return GroupSpec()
    if kind in (WRITER, READER):
        topic_id = with_kind(reader.take(2), TOPIC)
        return EndpointSpec(topic_id, "", _qos(reader) if reader.boolean() else Qos())
    name, request_type, reply_type = reader.string(), reader.string(), reader.string()
    request_topic = _optional_string(reader)
    return ServiceSpec(name, request_type, reply_type, request_topic, _optional_string(reader))


def _optional_string(reader: CdrReader) -> str:
    return reader.string() if reader.boolean() else ""


def _qos(reader: CdrReader) -> Qos:
    """Flags, depth, deadline and lifespan; what follows (user data, filters) has no meaning to ROS."""
    flags = reader.u16()
    depth = reader.u16() if reader.boolean() else 0
    deadline_ms = reader.u32() if reader.boolean() else 0
    lifespan_ms = reader.u32() if reader.boolean() else 0
    return Qos(
        reliable=bool(flags & _RELIABLE),
        keep_all=not flags & _KEEP_LAST,
        transient_local=bool(flags & (_TRANSIENT_LOCAL | _TRANSIENT | _PERSISTENT)),
        depth=depth,
        deadline_ms=deadline_ms,
        lifespan_ms=lifespan_ms,
    )
