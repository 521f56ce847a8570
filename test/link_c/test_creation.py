"""Login and creation: what the client says first, against the layouts recorded from the official client."""

from __future__ import annotations

import ctypes
import struct

from client_under_test import CONNECTED, CONNECTING, CREATING, DISCONNECTED, LOSS_REFUSED, Client
from scripted_agent import COOKIE, JOINT_STATES, MS, ScriptedAgent, World, message, submessage
from serial_frames import Unframer, frame

LOGIN_HEAD = bytes.fromhex("80000000 0001") + struct.pack("<H", 70)


def strings(*texts: bytes) -> bytes:
    """CDR strings one after the other, each aligned to 4."""
    packed = b""
    for text in texts:
        packed += bytes(-len(packed) % 4) + struct.pack("<I", len(text) + 1) + text + b"\0"
    return packed


def test_login_carries_key_session_contract_and_size(client: Client) -> None:
    client.run(MS)
    assert client.state == CONNECTING
    (login,) = Unframer().take(client.take_sent())
    properties = struct.pack("<I", 1) + strings(b"takt_contract", b"0123456789abcdef")
    payload = COOKIE + bytes.fromhex("11223344 81 01") + bytes(2) + properties
    payload += bytes(-len(payload) % 2) + struct.pack("<H", 508)
    assert login == message(0, 0, submessage(0, payload), session=0x80)


def test_login_repeats_each_50_ms_and_an_absent_agent_shows(client: Client) -> None:
    unframer = Unframer()
    times_ms = []
    for now_ms in range(1, 1500):
        client.run(now_ms * MS)
        times_ms += [now_ms] * len(unframer.take(client.take_sent()))
    assert {b - a for a, b in zip(times_ms, times_ms[1:], strict=False)} == {50}
    assert client.state == DISCONNECTED


def test_a_full_line_does_not_collect_logins(client: Client) -> None:
    client.line_room = 0
    for now_ms in range(1, 5000):
        client.run(now_ms * MS)
    client.line_room = None
    client.run(5000 * MS)
    assert len(Unframer().take(client.take_sent())) == 1


class Creates:
    """What the client asked to be created, in order, each held against what it should have been."""

    def __init__(self, heard: list[bytes]) -> None:
        self.left = iter(heard)
        self.request = 10

    def expect(self, number: int, flags: int, content: bytes) -> None:
        body = submessage(number, struct.pack(">H", self.request) + content, flags)
        body += bytes(-len(body) % 4)
        assert next(self.left) == message(0x80, self.request - 10, body), f"request {self.request}"
        self.request += 1

    def expect_create(self, object_id: int, kind: int, blob: bytes, parent: bytes) -> None:
        head = struct.pack(">H", object_id) + bytes([kind, 3, 0, 0]) + struct.pack("<I", len(blob))
        self.expect(1, 7, head + blob + parent)

    def expect_read(self, object_id: int, stream: int) -> None:
        control = struct.pack("<HHHH", 0xFFFF, 0, 0, 0)
        self.expect(8, 1, struct.pack(">H", object_id) + bytes([stream, 0, 0, 1]) + control)


def test_creation_of_all_entities(world: World) -> None:
    """Equal, byte for byte, to what the recorded official client sent for entities of these kinds."""
    took_ms = world.complete()
    library, creates = world.client.library, Creates(world.agent.creates)
    participant = b"\x00\x01\x00\x00" + strings(b"base")
    creates.expect_create(0x0001, 1, participant, bytes(-len(participant) % 2) + struct.pack("<H", 77))
    for topic in range(library.probe_topic_count()):
        expect_topic(creates, library, topic)
    for service in range(library.probe_service_count()):
        content = next(creates.left)
        assert content[8:16] == struct.pack(">HH", creates.request, service << 4 | 8) + bytes([8, 3, 0, 0])
        creates.request += 1
        creates.expect_read(service << 4 | 8, 0x80)
    assert next(creates.left, None) is None
    assert took_ms <= 50


def expect_topic(creates: Creates, library: ctypes.CDLL, topic: int) -> None:
    """The topic, its publisher or subscriber, and its writer or reader; a reader is asked for data at once."""
    reliable, publishes = library.probe_topic_reliable(topic), library.probe_topic_publishes(topic)
    blob = strings(library.probe_topic_name(topic)) + b"\x00\x01"
    blob += bytes(-len(blob) % 4) + strings(library.probe_topic_type(topic))
    creates.expect_create(topic << 4 | 2, 2, blob, b"\x00\x01")
    group, end_point = (3, 5) if publishes else (4, 6)
    creates.expect_create(topic << 4 | group, group, b"\0\0", b"\x00\x01")
    depth = struct.pack("<H", library.probe_topic_depth(topic))
    qos = struct.pack(">H", topic << 4 | 2) + bytes([1, 0, 2 | reliable, 0, 1, 0]) + depth
    end = bytes(4 if publishes else 5)
    creates.expect_create(topic << 4 | end_point, end_point, qos + end, struct.pack(">H", topic << 4 | group))
    if not publishes:
        creates.expect_read(topic << 4 | 6, 0x80 if reliable else 1)


def test_writer_is_the_recorded_one(client: Client) -> None:
    """The annotated dump of a best-effort writer of depth 10, its uncleared padding taken as zero."""
    world = World(client)
    world.connect()
    writers = [create for create in world.agent.creates if create[12] == 5]
    applied = writers[1]  # base/applied: best effort, depth 10
    recorded = bytes.fromhex(
        "81800300 01071c00 000d0005 05030000 0e000000 0002 0100 0200 0100 0a00 00000000 0003"
    )
    mask_ids = {2, 3, 8, 9, 10, 11, 20, 21, 34, 35}
    assert [b for i, b in enumerate(applied) if i not in mask_ids] == [
        b for i, b in enumerate(recorded) if i not in mask_ids
    ]


def test_replier_is_laid_out_as_recorded(world: World) -> None:
    world.connect()
    create = next(create for create in world.agent.creates if create[12] == 8)
    name = world.client.library.probe_service_name(0)
    blob = strings(name, b"std_srvs::srv::dds_::SetBool_Request_", b"std_srvs::srv::dds_::SetBool_Response_")
    for topic in (b"rq/base/armRequest", b"rr/base/armReply"):
        blob += b"\x01"
        blob += bytes(-len(blob) % 4) + strings(topic)
    body = create[16:]
    assert body[: 4 + len(blob)] == struct.pack("<I", len(blob)) + blob
    assert body[4 + len(blob) :][:2] == b"\x00\x01"


def test_creation_is_pipelined_but_never_more_than_half_the_agents_window(client: Client) -> None:
    """An agent that answers nothing gets eight steps and no ninth."""
    client.run(MS)
    client.take_sent()
    client.receive(frame(message(0, 0, submessage(4, b"\0\0" + COOKIE + b"\0"))), 2 * MS)
    client.run(3 * MS)
    sent = [m for m in Unframer().take(client.take_sent()) if m[1] == 0x80]
    assert len(sent) == 8 and client.state == CREATING


def test_samples_flow_before_the_services_of_parameters_exist(world: World) -> None:
    world.connect()
    parameter_services = {
        service << 4 | 8 for service in range(2, world.client.library.probe_service_count())
    }
    made = {struct.unpack(">H", create[10:12])[0] for create in world.agent.creates}
    assert not parameter_services & made
    assert world.client.publish(JOINT_STATES, b"joints..", world.now_ns)
    world.run_for(30)
    made = {struct.unpack(">H", create[10:12])[0] for create in world.agent.creates}
    assert parameter_services <= made and world.client.state == CONNECTED


def test_services_of_parameters_that_are_not_answered_cost_no_session(world: World) -> None:
    world.connect()
    world.agent.answers_creates = False
    world.run_for(5000)
    assert world.client.state == CONNECTED and world.client.stats.reconnects == 0
    assert world.client.stats.create_errors > 0


def test_a_refused_entity_is_counted_and_the_others_live(library: ctypes.CDLL) -> None:
    world = World(Client(library), ScriptedAgent(refuse={0x0012: 0x80}))
    world.connect()
    assert world.client.stats.create_errors == 1


def test_a_refused_participant_ends_the_session_and_is_tried_again_after_a_second(
    library: ctypes.CDLL,
) -> None:
    world = World(Client(library), ScriptedAgent(refuse={0x0001: 0x80}))
    world.run_for(900)
    assert world.client.state != CONNECTED
    assert world.client.stats.loss == LOSS_REFUSED
    assert len(world.agent.logins) == 1
    world.agent.refuse.clear()
    world.connect(limit_ms=300)


def test_a_refused_login_is_tried_again_after_a_second(client: Client) -> None:
    client.run(MS)
    client.take_sent()
    client.receive(frame(message(0, 0, submessage(4, b"\x86\0" + COOKIE + b"\0"))), 2 * MS)
    for now_ms in range(3, 1001):
        client.run(now_ms * MS)
    assert client.take_sent() == b""
    assert client.stats.loss == LOSS_REFUSED
    client.run(1003 * MS)
    assert client.take_sent() != b""


def test_a_line_of_921600_baud_is_connected_in_40_ms(world: World) -> None:
    """92 bytes a millisecond each way; samples flow before the services of parameters are made."""
    world.client.line_room = 0
    held = bytearray()  # of the agent's answers
    times_ms: dict[str, int] = {}
    for now_ms in range(1, 500):
        world.client.line_room = 92
        world.step()
        held += world.agent.out
        world.agent.out = bytearray(held[:92])
        del held[:92]
        for name, reached in (("connected", world.client.state == CONNECTED), ("all", world.client.complete)):
            if reached:
                times_ms.setdefault(name, now_ms)
    assert times_ms["connected"] <= 40 and times_ms["all"] <= 70
