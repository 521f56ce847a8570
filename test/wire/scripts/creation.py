"""Conversations about creating and deleting objects."""

from __future__ import annotations

from typing import Any

from scripted_client import object_id, submessage

from scripts.steps import (
    DOMAIN,
    INT32,
    P0,
    STRING,
    binary,
    delete,
    domain,
    end,
    endpoint_blob,
    loop_back,
    name_blob,
    open_session,
    read,
    text_create,
    topic_blob,
    write,
)
from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.messages import RELIABLE, REPLACE, REUSE
from takt.link.representations import (
    PARTICIPANT,
    PUBLISHER,
    READER,
    REPLIER,
    REQUESTER,
    SUBSCRIBER,
    TOPIC,
    WRITER,
)


def unknown_parents(stage: Any) -> None:
    """every kind with a parent or topic that does not exist"""
    client = open_session(stage)
    for kind, parent in (
        (TOPIC, P0), (PUBLISHER, P0), (SUBSCRIBER, P0),
        (WRITER, object_id(0, PUBLISHER)), (READER, object_id(0, SUBSCRIBER)),
    ):  # fmt: skip
        blob = (
            topic_blob("rt/x")
            if kind == TOPIC
            else b"\0\0"
            if kind in (PUBLISHER, SUBSCRIBER)
            else endpoint_blob(0, reader=kind == READER)
        )
        binary(client, kind, 0, blob, parent)
        stage.listen()
    service = CdrWriter().string("/a").string("a_Request_").string("a_Response_").u8(0).u8(0)
    for kind in (REQUESTER, REPLIER):
        binary(client, kind, 0, bytes(service.data), P0)
        stage.listen()
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    binary(client, PUBLISHER, 0, b"\0\0", P0)
    binary(client, SUBSCRIBER, 0, b"\0\0", P0)
    binary(client, WRITER, 0, endpoint_blob(7), object_id(0, PUBLISHER))
    binary(client, READER, 0, endpoint_blob(7, reader=True), object_id(0, SUBSCRIBER))
    binary(client, WRITER, 0, endpoint_blob(7), object_id(0, SUBSCRIBER))
    binary(client, TOPIC, 0, topic_blob("rt/x"), object_id(0, PUBLISHER))
    stage.listen()
    for kind in range(1, 9):
        delete(client, 5, kind)
        stage.listen()
    read(client, 9, RELIABLE, (0xFFFF, 0, 0, 0))
    read(client, 9, 1, None, stream=1, sequence=0)
    read(client, 0, RELIABLE, None, kind=WRITER)
    stage.listen()


def creation_flags(stage: Any) -> None:
    """each kind: created, created again equal and different under every pair of flags"""
    client = open_session(stage)
    steps: list[tuple[int, bytes, bytes, bytes, bytes]] = [
        (PARTICIPANT, name_blob("one"), name_blob("two"), domain(), b""),
        (TOPIC, topic_blob("rt/one"), topic_blob("rt/two"), P0, b""),
        (PUBLISHER, b"\0\0", bytes(CdrWriter().u8(1).string("p").u8(0).data), P0, b""),
        (SUBSCRIBER, b"\0\0", bytes(CdrWriter().u8(1).string("s").u8(0).data), P0, b""),
        (WRITER, endpoint_blob(0), endpoint_blob(0, 2, 5), object_id(0, PUBLISHER), b""),
        (
            READER,
            endpoint_blob(0, reader=True),
            endpoint_blob(0, 2, 5, reader=True),
            object_id(0, SUBSCRIBER),
            b"",
        ),
    ]
    for kind, blob, other, parent, _ in steps:
        binary(client, kind, 0, blob, parent, 0)
        stage.listen()
        for flags in (0, REUSE):
            for content in (blob, other):
                binary(client, kind, 0, content, parent, flags)
                stage.listen()
    for kind, blob, other, parent, _ in reversed(steps):
        for flags in (REUSE | REPLACE, REPLACE):
            for content in (blob, other):
                binary(client, kind, 0, content, parent, flags)
                stage.listen()


def other_domain_reuse(stage: Any) -> None:
    """a participant asked for again with another domain, by REUSE and by both flags"""
    client = open_session(stage)
    for number, flags in (
        (DOMAIN, 0),
        (DOMAIN + 1, REUSE),
        (DOMAIN, REUSE),
        (DOMAIN + 1, 6),
        (DOMAIN + 1, REUSE),
    ):
        binary(client, PARTICIPANT, 0, name_blob("one"), domain(number), flags)
        stage.listen()


def delete_in_odd_order(stage: Any) -> None:
    """participant first, its children after, each twice"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    for kind in (PARTICIPANT, TOPIC, WRITER, READER, PUBLISHER, SUBSCRIBER):
        for _ in range(2):
            delete(client, 0, kind)
            stage.listen()
    binary(client, WRITER, 0, endpoint_blob(0), object_id(0, PUBLISHER))
    stage.listen()
    end(client)
    stage.listen(0.3)


def delete_parent_then_use(stage: Any) -> None:
    """topic, publisher and subscriber deleted while writer and reader live"""
    client = open_session(stage)
    loop_back(stage, client, reliable=True)
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.3)
    for kind in (TOPIC, PUBLISHER, SUBSCRIBER):
        write(client, 0, b"\x01\0\0\0")
        stage.listen(0.2)
        delete(client, 0, kind)
        stage.listen(0.2)
    write(client, 0, b"\x02\0\0\0")
    stage.listen(0.3)
    delete(client, 0, WRITER)
    write(client, 0, b"\x03\0\0\0")
    delete(client, 0, READER)
    stage.listen(0.3)


def kinds_beyond(stage: Any) -> None:
    """CREATE of a type, a QoS profile, an application"""
    client = open_session(stage)
    for kind in (0x0A, 0x0B, 0x0C):
        text_create(client, kind, 1, 2, "<x/>", P0)
        stage.listen()
    delete(client, 1, 0x0A)
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    stage.listen()


def wrong_kind_nibble(stage: Any) -> None:
    """the id says another kind than the representation"""
    client = open_session(stage)
    body = (
        CdrWriter()
        .raw(client.request() + b"\0\x05")
        .u8(PARTICIPANT)
        .u8(3)
        .u32(len(name_blob("n")))
        .raw(name_blob("n"))
        .align(2)
        .raw(domain())
    )
    client.reliably(submessage(xrce.CREATE, bytes(body.data), 7))
    stage.listen()
    binary(client, TOPIC, 0, topic_blob("rt/x"), b"\0\x05")
    binary(client, TOPIC, 1, topic_blob("rt/x"), P0)
    stage.listen()
    delete(client, 0, PARTICIPANT)
    delete(client, 0, WRITER)
    stage.listen()


def xml_forms(stage: Any) -> None:
    """XML for every kind; broken XML; unknown fields; no topic"""
    client = open_session(stage)
    kind_name = "<kind>NO_KEY</kind>"
    inner = f"<topic>{kind_name}<name>rt/takt_rec_x</name><dataType>{INT32}</dataType></topic>"
    rows = [
        (PARTICIPANT, 0, "<dds><participant><rtps><name>xml_node</name></rtps></participant></dds>", domain()),
        (TOPIC, 0, f"<dds><topic><name>rt/takt_rec_x</name><dataType>{INT32}</dataType></topic></dds>", P0),
        (PUBLISHER, 0, "", P0),
        (SUBSCRIBER, 0, "", P0),
        (WRITER, 0, f"<dds><data_writer>{inner}</data_writer></dds>", object_id(0, PUBLISHER)),
        (READER, 0, f"<dds><data_reader>{inner}</data_reader></dds>", object_id(0, SUBSCRIBER)),
        (WRITER, 1, f"<dds><data_writer>{inner}<qos><reliability><kind>BEST_EFFORT</kind></reliability><durability><kind>VOLATILE</kind></durability></qos></data_writer></dds>", object_id(0, PUBLISHER)),
        (READER, 1, f"<dds><data_reader>{inner}<qos><reliability><kind>RELIABLE</kind></reliability></qos></data_reader></dds>", object_id(0, SUBSCRIBER)),
        (WRITER, 2, f"<dds><data_writer><topic>{kind_name}<name>rt/none</name><dataType>{INT32}</dataType></topic></data_writer></dds>", object_id(0, PUBLISHER)),
        (WRITER, 3, "<dds><data_writer>", object_id(0, PUBLISHER)),
        (WRITER, 4, "", object_id(0, PUBLISHER)),
        (WRITER, 5, "<dds><data_reader></data_reader></dds>", object_id(0, PUBLISHER)),
        (TOPIC, 2, "<dds><topic></topic></dds>", P0),
        (TOPIC, 3, "", P0),
        (PARTICIPANT, 1, "", domain()),
        (PARTICIPANT, 2, "<dds><participant><rtps><name>a</name></rtps>", domain()),
        (PARTICIPANT, 3, "<dds><profiles><participant profile_name='p'><rtps><name>b</name></rtps></participant></profiles></dds>", domain()),
        (PUBLISHER, 1, "<publisher name='MyPublisher'>", P0),
        (SUBSCRIBER, 1, "rubbish", P0),
        (REQUESTER, 0, "<dds><requester profile_name='r' service_name='service_name' request_type='request_type' reply_type='reply_type'></requester></dds>", P0),
        (REPLIER, 0, "<dds><replier profile_name='r' service_name='service_name' request_type='request_type' reply_type='reply_type'></replier></dds>", P0),
        (REQUESTER, 1, "<dds><requester></requester></dds>", P0),
        (REPLIER, 1, "", P0),
        (REPLIER, 2, "<dds><replier profile_name='r' service_name='s2' request_type='q' reply_type='p'><request_topic_name>rq/s2</request_topic_name><reply_topic_name>rr/s2</reply_topic_name></replier></dds>", P0),
    ]  # fmt: skip
    for kind, number, text, parent in rows:
        text_create(client, kind, number, 2, text, parent)
        stage.listen(0.12)
    for kind, number, text, parent in rows[:8]:
        text_create(client, kind, number, 2, text, parent, REUSE)
        stage.listen(0.12)
    end(client)
    stage.listen(0.4)


def reference_forms(stage: Any) -> None:
    """references known and unknown, for kinds that have them and kinds that do not"""
    client = open_session(stage)
    rows = [
        (PARTICIPANT, 0, "rec_participant", domain()), (TOPIC, 0, "rec_topic_0", P0),
        (PUBLISHER, 0, "anything", P0), (SUBSCRIBER, 0, "", P0),
        (WRITER, 0, "rec_writer_0", object_id(0, PUBLISHER)), (READER, 0, "rec_reader_0", object_id(0, SUBSCRIBER)),
        (PARTICIPANT, 1, "nobody", domain()), (TOPIC, 1, "rec_writer_0", P0),
        (WRITER, 1, "rec_writer_0", object_id(0, PUBLISHER)), (READER, 1, "none", object_id(0, SUBSCRIBER)),
        (REQUESTER, 0, "rec_requester", P0), (REPLIER, 0, "rec_replier", P0), (REPLIER, 1, "none", P0),
    ]  # fmt: skip
    for kind, number, text, parent in rows:
        text_create(client, kind, number, 1, text, parent)
        stage.listen(0.12)
    for kind in (PUBLISHER, SUBSCRIBER):
        text_create(client, kind, 0, 2, "", P0)
        stage.listen(0.12)
    for kind, number, text, parent in rows[4:6]:
        text_create(client, kind, number, 1, text, parent)
        stage.listen(0.12)
    for kind, number, text, parent in rows[:6]:
        text_create(client, kind, number, 1, text, parent, REUSE)
        stage.listen(0.12)
    write(client, 0, b"\x07\0\0\0")
    read(client, 0, RELIABLE, (0xFFFF, 0, 0, 0))
    stage.listen(0.5)


def reuse_across_forms(stage: Any) -> None:
    """a thing created in binary and asked for again in XML with REUSE, and the other way round"""
    client = open_session(stage)
    xml = f"<dds><topic><name>rt/same</name><dataType>{INT32}</dataType></topic></dds>"
    binary(client, PARTICIPANT, 0, name_blob("same"), domain())
    stage.listen()
    text_create(
        client,
        PARTICIPANT,
        0,
        2,
        "<dds><participant><rtps><name>same</name></rtps></participant></dds>",
        domain(),
        REUSE,
    )
    stage.listen()
    binary(client, TOPIC, 0, topic_blob("rt/same"), P0)
    stage.listen()
    text_create(client, TOPIC, 0, 2, xml, P0, REUSE)
    stage.listen()
    text_create(client, TOPIC, 1, 2, xml, P0, 0)
    stage.listen()
    binary(client, TOPIC, 1, topic_blob("rt/same"), P0, REUSE)
    stage.listen()


def equal_topics(stage: Any) -> None:
    """two topic objects of one name, equal type and another type; a writer on each"""
    client = open_session(stage)
    binary(client, PARTICIPANT, 0, name_blob("n"), domain())
    for number, type_name in ((0, INT32), (1, INT32), (2, STRING)):
        binary(client, TOPIC, number, topic_blob("rt/takt_same", type_name), P0)
        stage.listen()
    binary(client, PUBLISHER, 0, b"\0\0", P0)
    for number in range(3):
        binary(client, WRITER, number, endpoint_blob(number), object_id(0, PUBLISHER))
        stage.listen()
    for number in (0, 0, 1, 2):
        delete(client, number, TOPIC)
        stage.listen()


def create_on_each_stream(stage: Any) -> None:
    """requests on streams 0x01, 0x05, 0x7F, 0x00, 0x85 and 0xFF"""
    client = open_session(stage)
    for position, stream in enumerate((0x01, 0x05, 0x7F, 0x00, 0x85, 0xFF)):
        body = CdrWriter().raw(client.request() + object_id(position, PARTICIPANT)).u8(PARTICIPANT).u8(3)
        body.u32(len(name_blob("n"))).raw(name_blob("n")).align(2).raw(domain())
        client.send(submessage(xrce.CREATE, bytes(body.data), 7), stream, 0)
        stage.listen(0.12)
    for position, stream in enumerate((0x01, 0x05, 0x7F, 0x00, 0x85, 0xFF)):
        client.send(submessage(xrce.DELETE, client.request() + object_id(position, PARTICIPANT)), stream, 1)
        stage.listen(0.12)
    client.send(submessage(xrce.READ_DATA, client.request() + object_id(1, READER) + b"\x01\0\0\0"), 1, 2)
    stage.listen(0.12)
