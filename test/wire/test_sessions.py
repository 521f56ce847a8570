"""The table of sessions: who is let in, what a new CREATE_CLIENT does to an old one, life and death."""

from __future__ import annotations

import pytest
from conversation import MS, Conversation
from scripted_client import KEY, ScriptedClient, object_id

from takt.link import messages as xrce
from takt.link.representations import READER, WRITER


def told(client: ScriptedClient, kind: int) -> list[bytes]:
    return [part.payload for part in client.heard if part.kind == kind]


def test_hello_is_answered_with_the_session_asked_for():
    talk = Conversation()
    talk.client.hello()
    talk.core.receive(talk.client.take(), 0)
    ((address, message),) = talk.core.transmit_messages()
    assert (address, message[0]) == (1, 0x81)
    assert message[4:] == xrce.build_status_agent(xrce.OK)


@pytest.mark.parametrize(
    ("change", "result"),
    [
        (lambda body: body.replace(b"XRCE", b"XRCF"), xrce.INVALID_DATA),
        (lambda body: body.replace(KEY, bytes(4)), xrce.INVALID_DATA),
        (lambda body: body.replace(b"XRCE\x01", b"XRCE\x02"), xrce.INCOMPATIBLE),
        (lambda body: body.replace(b"XRCE\x01\x00", b"XRCE\x01\x07"), xrce.OK),
    ],
)
def test_who_is_let_in(change, result):
    talk = Conversation()
    hello = change(xrce.build_create_client(KEY, 0x81, 508))
    talk.client.send(hello, session=0x80)
    talk.exchange()
    assert told(talk.client, xrce.STATUS_AGENT)[0][0] == result
    assert len(talk.core.sessions) == (result == xrce.OK)


def test_same_key_and_session_keeps_objects_and_restarts_streams():
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.results()
    talk.connect()
    assert len(talk.core.sessions) == 1
    talk.client.participant("board")
    talk.exchange()
    assert talk.results() == [xrce.OK_MATCHED]
    assert len(talk.ros.nodes) == 1


def test_same_key_other_session_forgets_objects():
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.results()
    talk.client.session = 0x82
    talk.connect()
    talk.client.participant("board")
    talk.exchange()
    assert talk.results() == [xrce.OK]
    assert len(talk.core.sessions) == 1


def test_new_key_on_the_line_ends_the_old_client():
    talk = Conversation()
    talk.connect()
    talk.build()
    rebooted = ScriptedClient(key=b"\xaa\xbb\xcc\xdd")
    rebooted.hello()
    talk.exchange(rebooted)
    assert [session.key for session in talk.core.sessions] == [rebooted.key]
    assert talk.ros.nodes == []


def test_several_clients_on_one_line_by_address_and_by_key():
    talk = Conversation()
    second = ScriptedClient(key=b"\x02\0\0\0", address=2)
    keyed = [ScriptedClient(key=bytes((3, 0, 0, number)), session=1, address=3) for number in (1, 2)]
    for client in (talk.client, second, *keyed):
        client.hello()
        talk.exchange(client)
        client.participant(f"board_{client.key[3]}_{client.address}")
        talk.exchange(client)
    assert len(talk.core.sessions) == 4
    assert {node.name for node in talk.ros.nodes} == {"board_68_1", "board_0_2", "board_1_3", "board_2_3"}
    assert keyed[0].statuses and keyed[1].statuses


def test_a_keyed_client_may_move_to_another_address():
    talk = Conversation()
    talk.client.session = 0x01
    talk.connect()
    talk.client.address = 9
    talk.client.participant("board")
    talk.exchange()
    assert talk.results() == [xrce.OK]


def test_the_session_id_of_a_keyless_message_is_not_compared():
    talk = Conversation()
    talk.connect()
    talk.client.session = 0x82
    talk.client.participant("board")
    talk.core.receive(talk.client.take(), 0)
    assert {message[0] for _, message in talk.core.transmit_messages()} == {0x81}


def test_frames_for_others_are_ignored():
    talk = Conversation()
    line = bytearray()
    talk.client.hello()
    line += talk.client.take()
    line[2] = 5
    talk.core.receive(bytes(line), 0)
    assert talk.core.transmit() == b""


def test_delete_session_also_of_an_unknown_client():
    talk = Conversation()
    end = xrce.build_submessage(xrce.DELETE, b"\0\x02" + xrce.OBJECT_CLIENT)
    for known in (True, False):
        if known:
            talk.connect()
            talk.build()
            talk.results()
        talk.client.send(end)
        talk.exchange()
        assert talk.client.statuses == {b"\0\x02": xrce.OK}
        assert (talk.core.sessions, talk.ros.nodes) == ([], [])
        talk.results()


def test_ping_tells_whether_the_session_lives():
    talk = Conversation()
    ping = xrce.build_submessage(xrce.GET_INFO, b"\0\x0a" + xrce.OBJECT_AGENT + b"\x02\0\0\0")
    talk.client.send(ping, session=0x80)
    talk.client.send(ping)
    talk.connect()
    talk.client.send(ping)
    talk.client.send(ping, session=0x80)
    talk.exchange()
    infos = told(talk.client, xrce.INFO)
    assert [info[5] for info in infos] == [0, 0, 1, 1]
    assert all(len(info) == 28 and info[:4] == b"\0\x0a\xff\xfd" for info in infos)


def test_properties_are_read_past_the_announced_length():
    """The official client writes length 16 also when properties follow."""
    talk = Conversation()
    hello = bytearray(xrce.build_create_client(KEY, 0x81, 508, {"uxr_hl": "002000", "other": "x"}))
    hello[2:4] = b"\x10\0"
    talk.client.send(bytes(hello), session=0x80)
    talk.exchange()
    (session,) = talk.core.sessions
    assert session.properties == {"uxr_hl": "002000", "other": "x"}
    assert (session.mtu, session.liveliness_ns) == (508, 2000 * MS)


def test_hard_liveliness_measured_death():
    """With 2000 ms the recorded agent probed three times and deleted the client 2.6 s after its last sign."""
    talk = Conversation()
    talk.connect({"uxr_hl": "002000"})
    talk.build()
    silent_since_ns = talk.now_ns
    while talk.core.sessions:
        talk.now_ns += 20 * MS
        talk.core.run(talk.now_ns)
        talk.client.give(talk.core.transmit())
        assert talk.now_ns < silent_since_ns + 5000 * MS
    assert talk.now_ns - silent_since_ns == pytest.approx(2600 * MS, abs=100 * MS)
    assert len(told(talk.client, xrce.GET_INFO)) == 3
    assert talk.ros.nodes == []


def test_the_official_answer_without_a_submessage_header_is_life():
    talk = Conversation()
    talk.connect({"uxr_hl": "002000"})
    for _ in range(10):
        talk.client.send(bytes(8))
        talk.pass_time(1000)
    assert len(talk.core.sessions) == 1
    assert talk.core.stats.drops == {}


def test_a_silent_stock_client_stays_and_ours_goes():
    for properties, left in (({}, 1), ({"takt_contract": "0" * 8}, 0)):
        talk = Conversation()
        talk.connect(properties)
        talk.build()
        talk.pass_time(8000, step_ms=200)
        assert len(talk.core.sessions) == left, properties


def test_a_pulled_cable_is_forgiven_for_half_a_minute():
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.core.line_lost(talk.now_ns)
    talk.pass_time(29_000, step_ms=500)
    assert len(talk.core.sessions) == 1
    talk.pass_time(2_000, step_ms=500)
    assert talk.core.sessions == []


def test_reset_starts_the_streams_anew():
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.results()
    talk.client.send(xrce.build_submessage(xrce.RESET, b""))
    talk.exchange()
    talk.client.restart_streams()
    talk.client.participant("board")
    talk.exchange()
    assert talk.results() == [xrce.OK_MATCHED]


def test_timestamp_reply_answers_from_the_ros_clock():
    talk = Conversation()
    talk.connect()
    talk.client.send(xrce.build_submessage(xrce.TIMESTAMP, b"\x01\0\0\0\x02\0\0\0"))
    talk.ros.clock_ns = 5_000_000_007
    talk.core.receive(talk.client.take(), 0)
    talk.ros.clock_ns = 5_000_000_009
    talk.exchange()
    (reply,) = told(talk.client, xrce.TIMESTAMP_REPLY)
    assert reply == bytes.fromhex("05000000 09000000 05000000 07000000 01000000 02000000")


def test_objects_are_of_their_session():
    talk = Conversation()
    talk.connect()
    talk.build()
    assert talk.core.sessions[0].entities.get(object_id(0, WRITER))
    assert talk.core.sessions[0].entities.get(object_id(7, READER)) is None


def test_our_own_standstill_is_no_silence_of_the_board():
    """Suspended for an hour, the agent reads what the boards said meanwhile before it judges them."""
    talk = Conversation()
    talk.connect({"takt_contract": "0" * 8, "uxr_hl": "001000"})
    talk.build()
    talk.pass_time(100)
    talk.now_ns += 3_600_000 * MS
    talk.core.run(talk.now_ns)
    assert len(talk.core.sessions) == 1
    talk.client.send(bytes(8))
    talk.exchange()
    talk.pass_time(900)
    assert len(talk.core.sessions) == 1


def test_when_all_places_are_taken_the_longest_silent_gives_way():
    talk = Conversation()
    clients = [ScriptedClient(key=bytes((1, 0, 0, number)), address=number) for number in range(34)]
    for client in clients[:33]:
        client.hello()
        talk.exchange(client)
    assert told(clients[32], xrce.STATUS_AGENT)[0][0] == xrce.RESOURCES
    for number in range(40):
        talk.now_ns += 1000 * MS
        talk.core.run(talk.now_ns)
        clients[1 + number % 31].send(bytes(8))
        talk.exchange(clients[1 + number % 31])
    clients[33].hello()
    talk.exchange(clients[33])
    assert told(clients[33], xrce.STATUS_AGENT)[0][0] == xrce.OK
    keys = {session.key for session in talk.core.sessions}
    assert clients[33].key in keys and clients[0].key not in keys
