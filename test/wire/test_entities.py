"""The table of creation and deletion: what exists, which flags, which status, what ROS sees."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from conversation import INT32, Conversation
from scripted_client import object_id

from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.messages import REPLACE, REUSE
from takt.link.representations import (
    BY_REFERENCE,
    BY_XML,
    PARTICIPANT,
    PUBLISHER,
    READER,
    TOPIC,
    WRITER,
    Qos,
    decode_binary,
)

REFS = Path(__file__).parent.joinpath("refs.xml").read_text(encoding="utf-8")


def make(talk: Conversation, name: str, flags: int, domain: int = 0) -> int:
    blob = bytes(CdrWriter().u8(0).u8(1).string(name).data)
    talk.client.create(PARTICIPANT, 0, blob, struct.pack("<h", domain), flags)
    talk.exchange()
    (result,) = talk.results()
    return result


@pytest.mark.parametrize(
    ("flags", "same", "status", "built"),
    [
        (0, True, xrce.ALREADY_EXISTS, 1),
        (0, False, xrce.ALREADY_EXISTS, 1),
        (REPLACE, True, xrce.OK, 2),
        (REPLACE, False, xrce.OK, 2),
        (REUSE, True, xrce.OK_MATCHED, 1),
        (REUSE, False, xrce.MISMATCH, 1),
        (REUSE | REPLACE, True, xrce.OK_MATCHED, 1),
        (REUSE | REPLACE, False, xrce.OK, 2),
    ],
)
def test_creation_over_an_existing_object(flags, same, status, built):
    talk = Conversation()
    talk.connect()
    assert make(talk, "one", 0) == xrce.OK
    assert make(talk, "one" if same else "two", flags) == status
    assert sum(what == "node" for what, _, _ in talk.ros.log) == built
    assert len(talk.ros.nodes) == 1


def test_another_domain_is_another_object():
    talk = Conversation()
    talk.connect()
    make(talk, "one", 0, domain=3)
    assert talk.ros.nodes[0].domain == 3
    assert make(talk, "one", REUSE, domain=4) == xrce.MISMATCH


def test_missing_parents_and_topics():
    talk = Conversation()
    talk.connect()
    client = talk.client
    client.topic(0, "rt/x", INT32)
    client.create(PUBLISHER, 0, b"\0\0", object_id(0, PARTICIPANT))
    talk.exchange()
    assert talk.results() == [xrce.UNKNOWN_REFERENCE] * 2
    client.participant("board")
    client.writer(0)
    talk.exchange()
    assert talk.results() == [xrce.OK, xrce.OK, xrce.DDS_ERROR], "publisher there, topic not"


def test_delete_and_its_statuses():
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.results()
    for number, kind in ((0, WRITER), (0, WRITER), (0, PARTICIPANT)):
        talk.client.reliably(
            xrce.build_submessage(xrce.DELETE, talk.client.request() + object_id(number, kind))
        )
    talk.exchange()
    assert talk.results() == [xrce.OK, xrce.UNKNOWN_REFERENCE, xrce.OK]


def test_a_node_lives_until_its_last_child_is_gone():
    """Clients may delete the participant first; its reader goes on, and so must the ROS node."""
    talk = Conversation()
    talk.connect()
    talk.build()
    delete = xrce.DELETE
    talk.client.reliably(xrce.build_submessage(delete, b"\0\x70" + object_id(0, PARTICIPANT)))
    talk.exchange()
    assert talk.ros.deliver("rt/in", b"abcd") == 1
    for number, kind in ((0, TOPIC), (1, TOPIC), (0, WRITER), (0, PUBLISHER), (1, READER), (1, 4)):
        talk.client.reliably(xrce.build_submessage(delete, b"\0\x71" + object_id(number, kind)))
    talk.exchange()
    assert talk.ros.nodes == []


def test_status_goes_on_the_kind_of_stream_that_asked():
    talk = Conversation()
    talk.connect()
    body = xrce.build_submessage(xrce.DELETE, b"\0\x0a" + object_id(5, TOPIC))
    for asked, answered in ((0x80, 0x80), (0x85, 0x80), (0x01, 0x01), (0x05, 0x01), (0x00, 0x01)):
        talk.client.send(body, asked, 0)
        talk.core.receive(talk.client.take(), 0)
        streams = [
            xrce.parse_header(message).stream
            for _, message in talk.core.transmit_messages()
            if message[4] == xrce.STATUS
        ]
        assert streams == [answered], hex(asked)


def create_as(talk: Conversation, form: int, kind: int, number: int, text: str, parent: bytes) -> None:
    request = talk.client.request()
    writer = CdrWriter().raw(request + object_id(number, kind)).u8(kind).u8(form).string(text)
    if kind == PARTICIPANT:
        writer.align(2)
    talk.client.reliably(xrce.build_submessage(xrce.CREATE, bytes(writer.raw(parent).data), 1))
    talk.exchange()


def test_xml_and_reference_give_what_binary_gives():
    xml = {
        PARTICIPANT: "<dds><participant><rtps><name>ref_node</name></rtps></participant></dds>",
        TOPIC: f"<dds><topic><name>rt/rec_out</name><dataType>{INT32}</dataType></topic></dds>",
        WRITER: "<dds><data_writer><topic><kind>NO_KEY</kind><name>rt/rec_out</name></topic></data_writer></dds>",
    }
    refs = {PARTICIPANT: "rec_participant", TOPIC: "rec_topic_0", WRITER: "rec_writer_0"}
    specs = []
    for form, texts in ((BY_XML, xml), (BY_REFERENCE, refs)):
        talk = Conversation(refs=REFS)
        talk.connect()
        create_as(talk, form, PARTICIPANT, 0, texts[PARTICIPANT], struct.pack("<h", 0))
        create_as(talk, form, TOPIC, 0, texts[TOPIC], object_id(0, PARTICIPANT))
        create_as(talk, BY_XML, PUBLISHER, 0, "", object_id(0, PARTICIPANT))
        create_as(talk, form, WRITER, 0, texts[WRITER], object_id(0, PUBLISHER))
        assert talk.results() == [xrce.OK] * 4
        specs.append([entity.spec for entity in talk.core.sessions[0].entities.all()])
        talk.client.write(0, b"\x11\0\0\0")
        talk.exchange()
        assert talk.ros.published("rt/rec_out") == [b"\x11\0\0\0"]
    assert specs[0] == specs[1]


@pytest.mark.parametrize(
    "text", ["<dds><participant>", "<dds/>", '<!DOCTYPE a [<!ENTITY b "c">]><dds/>', "no such"]
)
def test_bad_xml_and_unknown_profiles(text):
    talk = Conversation(refs=REFS)
    talk.connect()
    create_as(talk, BY_REFERENCE if text == "no such" else BY_XML, PARTICIPANT, 0, text, struct.pack("<h", 0))
    assert talk.results() == [xrce.DDS_ERROR]


def test_qos_of_a_recorded_writer_and_reader():
    writer = bytes.fromhex("0002010002 0001a90a0000000000".replace(" ", ""))
    assert decode_binary(WRITER, writer).qos == Qos(reliable=False, depth=10)
    flags = struct.pack("<H", 0x01 | 0x08)
    assert decode_binary(READER, b"\0\x02\x01\0" + flags + bytes(7)).qos == Qos(
        reliable=True, keep_all=True, transient_local=True
    )


def test_objects_are_bounded():
    talk = Conversation()
    talk.connect()
    talk.client.participant("board")
    for number in range(600):
        talk.client.topic(number, f"rt/t{number}", INT32)
        talk.exchange()
    assert talk.results()[-1] == xrce.RESOURCES


def test_qos_in_xml():
    from takt.link.refs import decode_xml
    from takt.link.representations import EndpointSpec, Qos

    text = (
        "<dds><data_writer><topic><name>rt/x</name><historyQos><kind>KEEP_LAST</kind><depth>7</depth></historyQos>"
        "</topic><qos><reliability><kind>BEST_EFFORT</kind></reliability><durability><kind>VOLATILE</kind></durability>"
        "<deadline><period><sec>1</sec><nanosec>500000000</nanosec></period></deadline>"
        "<lifespan><duration><sec>DURATION_INFINITY</sec></duration></lifespan></qos></data_writer></dds>"
    )
    wanted = Qos(reliable=False, transient_local=False, depth=7, deadline_ms=1500)
    assert decode_xml(WRITER, text) == EndpointSpec(b"", "rt/x", wanted)


def test_attributes_that_meet_without_a_space():
    """The client library's own RequestAdder and ReplyAdder send such XML; a strict parser refuses it."""
    from takt.link.refs import decode_xml
    from takt.link.representations import REQUESTER, ServiceSpec

    text = (
        '<dds><requester profile_name="r"service_name="s"request_type=\'q\'reply_type="p"></requester></dds>'
    )
    assert decode_xml(REQUESTER, text) == ServiceSpec("s", "q", "p")
