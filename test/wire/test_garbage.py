"""Whatever comes over the line: no exception, bounded memory, and a good client still gets through."""

from __future__ import annotations

import gc

import pytest
from conversation import INT32, Conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_client import ScriptedClient

from takt.link import messages as xrce
from takt.link.framing import encode_frame
from takt.link.handshake import PROPERTY
from takt.link.messages import build_header

SUBMESSAGE = st.builds(
    lambda kind, flags, payload: xrce.build_submessage(kind, payload, flags),
    st.integers(0, 18),
    st.integers(0, 15),
    st.binary(max_size=60),
)
MESSAGE = st.builds(
    lambda session, stream, sequence, key, parts: (
        build_header(session, stream, sequence, key) + b"".join(parts)
    ),
    st.sampled_from([0, 1, 0x80, 0x81, 0xFF]),
    st.sampled_from([0, 1, 0x7F, 0x80, 0x85]),
    st.integers(0, 40),
    st.just(b"\x11\x22\x33\x44"),
    st.lists(SUBMESSAGE, max_size=4),
)


def talk_after(line: bytes) -> None:
    """A core that has heard ``line`` serves a client that comes now."""
    talk = Conversation()
    talk.connect()
    talk.build()
    talk.core.receive(line, 0)
    talk.core.run(10**9)
    talk.core.transmit()
    fresh = Conversation()
    fresh.core = talk.core
    fresh.ros = talk.ros
    fresh.client.key = b"\x77\0\0\x01"
    fresh.connect()
    fresh.build()
    fresh.client.write(0, b"good")
    fresh.exchange()
    assert talk.ros.published("rt/out")[-1] == b"good"


@given(st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_noise(noise):
    talk_after(noise)


@given(st.lists(st.binary(max_size=120), max_size=5))
@settings(max_examples=60, deadline=None)
def test_whole_frames_of_nonsense(payloads):
    talk_after(b"".join(encode_frame(payload, 1, 0) for payload in payloads))


@given(st.lists(MESSAGE, max_size=8))
@settings(max_examples=150, deadline=None)
def test_well_formed_messages_of_nonsense(messages):
    talk_after(b"".join(encode_frame(message, 1, 0) for message in messages))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_real_conversation_with_bytes_changed(data):
    talk = Conversation()
    talk.client.hello({"uxr_hl": "002000"})
    talk.client.participant("board")
    talk.client.topic(0, "rt/out", "std_msgs::msg::dds_::Int32_")
    talk.client.writer(0)
    talk.client.reader(0)
    line = bytearray(talk.client.take())
    for _ in range(data.draw(st.integers(1, 5))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    talk_after(bytes(line))


def test_a_flood_leaves_nothing_behind():
    """Endless fragments, unknown streams and half frames: what is kept stays bounded."""
    talk = Conversation()
    talk.connect()
    (session,) = talk.core.sessions
    piece = xrce.build_submessage(xrce.FRAGMENT, bytes(480))
    for number in range(5000):
        talk.core.receive(encode_frame(build_header(0x81, 0x80, number & 0xFFFF, b"") + piece, 1, 0), 0)
        talk.core.transmit()
    kept = session._rebuilders[0x80]
    assert sum(len(part) for part in kept._parts) <= 1 << 20
    talk.core.receive(b"\x7e\x01\0\xff\xff" + bytes(200_000), 0)
    assert len(talk.core._deframer._pending) < 200_100


@pytest.mark.parametrize(
    "rubbish", [b"\x7e\x01\x00\x08", b"\x7e\x01\0\xff\xff", b"\x7d", bytes(range(256)), b"\x55"]
)
def test_the_first_good_frame_after_a_flood_is_heard(rubbish):
    """Ten seconds of 921600 baud, in the portions that a serial port gives; then a greeting, answered at once."""
    talk = Conversation()
    flood = rubbish * (921_600 // len(rubbish))
    for start in range(0, len(flood), 512):
        talk.core.receive(flood[start : start + 512], 0)
        talk.core.transmit()
    talk.connect()
    assert len(talk.core.sessions) == 1


def test_a_board_that_rubbish_drowns_out_is_not_taken_for_gone():
    """Its silence counts only where the line is silent too; yet rubbish keeps nobody for ever."""
    talk = Conversation()
    talk.connect({PROPERTY: ""})
    talk.build()

    def listen(seconds: int, rubbish: bytes) -> int:
        for _ in range(seconds * 10):
            talk.now_ns += 100_000_000
            talk.core.receive(rubbish, talk.now_ns) if rubbish else None
            talk.core.run(talk.now_ns)
        return len(talk.core.sessions)

    assert listen(20, b"~\1\0\3rubbish") == 1
    talk.client.write(0, b"good")
    talk.exchange()
    assert talk.ros.published("rt/out") == [b"good"]
    assert listen(6, b"") == 0, "silence on a quiet line"
    talk.connect({PROPERTY: ""})
    assert listen(40, b"~\1\0\3rubbish") == 0


def test_a_thousand_reconnects_leave_as_much_behind_as_ten():
    """New keys and old ones in turn, with half a message and an open call each time."""
    talk = Conversation()
    counted = {}
    for number in range(1000):
        client = ScriptedClient(key=bytes((9, 0, (number // 2) >> 8, (number // 2) & 0xFF)))
        client.hello()
        client.participant("board")
        client.topic(0, "rt/out", INT32)
        client.writer(0)
        client.topic(1, "rt/in", INT32)
        client.reader(1)
        client.replier(0, "/ask", "a::srv::dds_::B_Request_", "a::srv::dds_::B_Response_")
        client.reliably(xrce.build_submessage(xrce.FRAGMENT, bytes(400)))
        talk.exchange(client)
        talk.ros.request("/ask", bytes(24), b"")
        talk.ros.log.clear()
        if number in (10, 999):
            gc.collect()
            counted[number] = len(gc.get_objects())
    assert len(talk.ros.nodes) == len(talk.core.sessions) == 1
    assert counted[999] - counted[10] < 300
