"""Entities described in XML: inline in a CREATE, or as profiles that a CREATE refers to by name.

The syntax is that of DDS vendor profile files; of it only what a ROS endpoint can have is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from takt.errors import TaktError
from takt.link.cdr import Malformed
from takt.link.representations import (
    BY_BINARY,
    BY_XML,
    DEFAULT_DOMAIN,
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
    GroupSpec,
    ParticipantSpec,
    Qos,
    ServiceSpec,
    Spec,
    TopicSpec,
    UnknownProfile,
    decode_binary,
)

_TAGS = {
    PARTICIPANT: ("participant",),
    TOPIC: ("topic",),
    WRITER: ("data_writer", "publisher"),
    READER: ("data_reader", "subscriber"),
    REQUESTER: ("requester",),
    REPLIER: ("replier",),
}


# the client library's own examples join attributes without a space (a="b"c="d"), and the official agent takes it
_IN_TAG = re.compile(r"<[^<>]*>")
_ATTRIBUTES_MET = re.compile(r"""("[^"]*"|'[^']*')(?=[\w:])""")


class Profiles:
    """The profiles by kind of entity and name. An instance without a file knows none."""

    def __init__(self, text: str = "<profiles/>") -> None:
        self._elements: dict[tuple[int, str], ElementTree.Element] = {}
        root = _parse(text)
        for kind, tags in _TAGS.items():
            for element in root.iter():
                if _tag(element) in tags and "profile_name" in element.attrib:
                    self._elements[kind, element.attrib["profile_name"]] = element

    @classmethod
    def load(cls, path: Path) -> Profiles:
        try:
            return cls(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise TaktError(
                f"cannot read the profiles {path}: {error.strerror}", "name an existing file with --refs"
            ) from None
        except (Malformed, UnicodeDecodeError) as error:
            raise TaktError(
                f"{path} is no profile file: {error}", "give XML with <profiles> as its root"
            ) from None

    def __len__(self) -> int:
        return len(self._elements)

    def resolve(self, creation: Creation) -> Spec:
        """The plain form of a CREATE. Raises Malformed or UnknownProfile."""
        kind, content = creation.kind, creation.content
        if creation.form == BY_BINARY:
            return decode_binary(kind, bytes(content), creation.domain, creation.little)  # type: ignore[arg-type]
        text = str(content)
        if creation.form == BY_XML:
            return decode_xml(kind, text, creation.domain)
        element = self._elements.get((kind, text))
        if element is None:
            raise UnknownProfile(text)
        return _SPECS[kind](element, creation.domain)


def decode_xml(kind: int, text: str, domain: int = DEFAULT_DOMAIN) -> Spec:
    """An inline XML representation: a ``<dds>`` root around one element."""
    if not text and kind in (PARTICIPANT, PUBLISHER, SUBSCRIBER):
        return GroupSpec() if kind != PARTICIPANT else ParticipantSpec("", domain)
    root = _parse(text)
    if kind in (PUBLISHER, SUBSCRIBER):
        return GroupSpec()
    for element in [root, *root.iter()]:
        if _tag(element) in _TAGS[kind]:
            return _SPECS[kind](element, domain)
    raise Malformed(f"no {_TAGS[kind][0]} in the XML")


def _parse(text: str) -> ElementTree.Element:
    if "<!" in text.replace("<!--", ""):  # no DOCTYPE, so no entities that expand without end
        raise Malformed("declarations are not taken")
    spaced = _IN_TAG.sub(lambda tag: _ATTRIBUTES_MET.sub(r"\1 ", tag.group()), text)
    try:
        return ElementTree.fromstring(spaced)
    except (ElementTree.ParseError, ValueError) as error:
        raise Malformed(str(error)) from None


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _text(element: ElementTree.Element, path: str) -> str:
    """Text of the first element at ``path`` (tags joined by /), whatever its name space; empty if absent."""
    found = [element]
    for name in path.split("/"):
        found = [child for parent in found for child in parent if _tag(child) == name]
    return (found[0].text or "").strip() if found else ""


def _number(element: ElementTree.Element, path: str) -> int:
    text = _text(element, path)
    return int(text) if text.isdecimal() else 0


def _milliseconds(element: ElementTree.Element, path: str) -> int:
    """A duration of whole seconds and nanoseconds; 0, which is none, where it is absent or infinite."""
    return _number(element, f"{path}/sec") * 1000 + _number(element, f"{path}/nanosec") // 1_000_000


def _participant(element: ElementTree.Element, domain: int) -> ParticipantSpec:
    named = _text(element, "domainId") or _text(element, "rtps/domainId")
    if domain == DEFAULT_DOMAIN and named.isdecimal():
        domain = int(named)
    name = _text(element, "rtps/name") or element.attrib.get("profile_name", "")
    return ParticipantSpec(name, domain)


def _topic(element: ElementTree.Element, _domain: int) -> TopicSpec:
    return TopicSpec(_text(element, "name"), _text(element, "dataType"))


def _endpoint(element: ElementTree.Element, _domain: int) -> EndpointSpec:
    is_reader = _tag(element) in _TAGS[READER]
    reliability = _text(element, "qos/reliability/kind") or ("BEST_EFFORT" if is_reader else "RELIABLE")
    durability = _text(element, "qos/durability/kind") or ("VOLATILE" if is_reader else "TRANSIENT_LOCAL")
    qos = Qos(
        reliable=reliability.upper().startswith("RELIABLE"),
        keep_all=_text(element, "topic/historyQos/kind").upper() == "KEEP_ALL",
        transient_local=durability.upper() != "VOLATILE",
        depth=_number(element, "topic/historyQos/depth"),
        deadline_ms=_milliseconds(element, "qos/deadline/period"),
        lifespan_ms=_milliseconds(element, "qos/lifespan/duration"),
    )
    return EndpointSpec(b"", _text(element, "topic/name"), qos)


def _service(element: ElementTree.Element, _domain: int) -> ServiceSpec:
    def value(name: str) -> str:
        return element.attrib.get(name, "") or _text(element, name)

    name, request_type, reply_type = value("service_name"), value("request_type"), value("reply_type")
    if not (name and request_type and reply_type):
        raise Malformed("a service needs service_name, request_type and reply_type")
    return ServiceSpec(name, request_type, reply_type, value("request_topic_name"), value("reply_topic_name"))


_SPECS: dict[int, Callable[[ElementTree.Element, int], Spec]] = {
    PARTICIPANT: _participant,
    TOPIC: _topic,
    WRITER: _endpoint,
    READER: _endpoint,
    REQUESTER: _service,
    REPLIER: _service,
}
