"""Samples, calls and fragments through the whole core; what is kept back, and exactness on a bad line."""

from __future__ import annotations

import random
import struct

import pytest
from conversation import INT32, Conversation
from scripted_client import object_id

from takt.link import messages as xrce
from takt.link.cdr import CdrWriter
from takt.link.handshake import Handshake
from takt.link.messages import RELIABLE
from takt.link.representations import READER, REPLIER, REQUESTER
from takt.link.ros_port import ENCAPSULATION, MemoryClient

TWIST = "geometry_msgs::msg::dds_::TwistStamped_"
SET_BOOL = ("std_srvs::srv::dds_::SetBool_Request_", "std_srvs::srv::dds_::SetBool_Response_")
IDENTITY = bytes(range(24))


def connected(**options) -> Conversation:
    talk = Conversation(**options)
    talk.connect()
    talk.build()
    talk.results()
    return talk


def test_samples_both_ways_with_the_encapsulation_put_on_and_cut_off():
    talk = connected()
    talk.client.write(0, struct.pack("<i", 17))
    talk.exchange()
    assert talk.ros.log[-1] == ("publish", "rt/out", ENCAPSULATION + b"\x11\0\0\0")
    talk.ros.deliver("rt/in", struct.pack("<i", 18))
    talk.exchange()
    assert talk.client.samples == [(object_id(1, READER), b"\x12\0\0\0")]


def test_several_writes_in_one_message():
    talk = connected()
    writes = [
        xrce.build_submessage(xrce.WRITE_DATA, b"\0\x20" + object_id(0, 5) + bytes((n, 0, 0, 0)))
        for n in range(5)
    ]
    talk.client.send(b"".join(writes), 1, 0)
    talk.exchange()
    assert [sample[0] for sample in talk.ros.published("rt/out")] == [0, 1, 2, 3, 4]


def test_a_message_ends_at_its_first_bad_part():
    talk = connected()
    good = xrce.build_submessage(xrce.WRITE_DATA, b"\0\x20" + object_id(0, 5) + bytes(4))
    unknown = xrce.build_submessage(xrce.WRITE_DATA, b"\0\x20" + object_id(9, 5) + bytes(4))
    talk.client.send(good + unknown + good, 1, 0)
    talk.exchange()
    assert len(talk.ros.published("rt/out")) == 1
    assert talk.core.stats.drops == {"unknown_writer": 1}


@pytest.mark.parametrize("size", [300, 504, 505, 1200, 5000, 20_000])
def test_large_samples_both_ways_on_the_reliable_stream(size):
    talk = connected()
    talk.client.reliably(xrce.build_read_data(b"\0\x30", object_id(1, READER), RELIABLE))
    sample = random.Random(size).randbytes(size)
    talk.client.write(0, sample, reliable=True)
    talk.ros.deliver("rt/in", sample)
    talk.exchange()
    assert talk.ros.published("rt/out")[0][:size] == sample
    assert talk.client.samples == [(object_id(1, READER), sample)]


def test_best_effort_never_exceeds_the_mtu():
    """The recorded agent wedges on samples just below the MTU; here they pass up to the last byte that fits."""
    talk = connected()
    for size, arrives in ((496, True), (497, False), (504, False), (600, False)):
        talk.client.samples.clear()
        talk.ros.deliver("rt/in", bytes(size))
        talk.exchange()
        assert bool(talk.client.samples) == arrives, size
    assert talk.core.stats.drops == {"too_large_for_best_effort": 3}
    talk.ros.deliver("rt/in", b"good")
    talk.exchange()
    assert talk.client.samples[-1][1] == b"good"


def test_big_endian_and_xcdr2_samples_are_refused():
    talk = connected()
    (session,) = talk.core.sessions
    entity = session.entities.get(object_id(1, READER))
    for header in (b"\0\0\0\0", b"\0\x07\0\0"):
        session.on_sample(entity, header + bytes(4), 0)
    talk.exchange()
    assert talk.client.samples == []
    assert talk.core.stats.drops == {"encapsulation": 2}


def test_a_busy_line_sends_the_newest():
    """Depth 1 and a line that takes nothing for a while: only the last command goes out."""
    talk = connected()
    talk.client.topic(2, "rt/cmd", INT32)
    talk.client.reader(2, depth=1)
    talk.exchange()
    for number in range(10):
        talk.ros.deliver("rt/cmd", bytes((number, 0, 0, 0)))
    talk.exchange()
    assert [sample[0] for _, sample in talk.client.samples] == [9]
    assert talk.core.stats.drops == {"overtaken": 9}


@pytest.mark.parametrize("flood", ["calls", "samples"])
def test_a_flood_at_one_reader_leaves_the_others_their_share(flood):
    """More comes than the board confirms. A reader whose history never ran dry once kept all others from the stream."""
    talk = Conversation()
    talk.connect()
    talk.client.participant("board")
    talk.client.replier(0, "/calls", "a::srv::dds_::B_Request_", "a::srv::dds_::B_Response_")
    talk.client.replier(1, "/quiet", "a::srv::dds_::B_Request_", "a::srv::dds_::B_Response_")
    for number, topic in ((2, "rt/samples"), (3, "rt/quiet")):
        talk.client.topic(number, topic, INT32)
        talk.client.reader(number, reliable=True, stream=RELIABLE)
    talk.exchange()
    heard = []
    for number in range(60):
        for _ in range(40):
            talk.ros.request("/calls", bytes(24), b"more") if flood == "calls" else None
            talk.ros.deliver("rt/samples", b"more") if flood == "samples" else None
        if number == 30:
            talk.ros.request("/quiet", bytes(24), b"once")
            talk.ros.deliver("rt/quiet", b"new!")
        talk.client.give(talk.core.transmit())
        heard.append({payload[-4:] for _, payload in talk.client.samples})
        talk.client.samples.clear()
        talk.core.receive(talk.client.take(), 0)
    assert heard[29] == {b"more"}
    assert {b"once", b"new!"} <= heard[30] | heard[31], "in the next window at the latest"


def test_cancel_is_answered_and_final():
    talk = connected()
    talk.client.reliably(xrce.build_read_data(b"\0\x77", object_id(1, READER), 0, max_samples=0))
    talk.exchange()
    assert talk.client.statuses[b"\0\x77"] == xrce.OK
    talk.ros.deliver("rt/in", bytes(4))
    talk.exchange()
    assert talk.client.samples == []
    talk.client.reliably(xrce.build_read_data(b"\0\x78", object_id(9, READER), 1))
    talk.exchange()
    assert talk.client.statuses[b"\0\x78"] == xrce.UNKNOWN_REFERENCE


def test_a_service_on_the_board():
    talk = connected()
    talk.client.replier(0, "/base/arm", *SET_BOOL)
    talk.exchange()
    assert talk.ros.request("/base/arm", IDENTITY, b"\x01") == 1
    talk.exchange()
    assert talk.client.samples == [(object_id(0, REPLIER), IDENTITY + b"\x01")]
    talk.client.write(0, IDENTITY + b"yes", reliable=True, kind=REPLIER)
    talk.exchange()
    assert talk.ros.log[-1] == ("reply", "/base/arm", IDENTITY + ENCAPSULATION + b"yes")


def test_a_call_by_the_board():
    talk = connected()
    client = talk.client
    request = client.create(REQUESTER, 0, _service_blob("/add"), object_id(0, 1))
    client.reliably(xrce.build_read_data(b"\0\x40", object_id(0, REQUESTER), RELIABLE))
    talk.exchange()
    assert client.statuses[request] == xrce.OK
    call = xrce.build_submessage(xrce.WRITE_DATA, b"\0\x55" + object_id(0, REQUESTER) + b"ask")
    client.reliably(call)
    talk.exchange()
    assert talk.ros.log[-1] == ("call", "/add", ENCAPSULATION + b"ask")
    (caller,) = (end for node in talk.ros.nodes for end in node.ends if isinstance(end, MemoryClient))
    caller.on_reply(1, ENCAPSULATION + b"told")
    caller.on_reply(1, ENCAPSULATION + b"again")
    talk.exchange()
    assert client.samples == [(object_id(0, REQUESTER), b"\0\x55" + object_id(0, REQUESTER) + b"told")]
    assert talk.core.stats.drops == {"reply_unasked": 1}


def _service_blob(name: str) -> bytes:
    return bytes(CdrWriter().string(name).string(SET_BOOL[0]).string(SET_BOOL[1]).u8(0).u8(0).data)


GUARD = Handshake(
    differs=lambda told: () if told == "good" else ("limits", "safety"),
    topics=frozenset({"/cmd_vel"}),
    services=frozenset({"/base/arm"}),
)


def robot(told: str | None) -> Conversation:
    talk = Conversation(handshake=GUARD)
    talk.connect({"takt_contract": told} if told else None)
    talk.client.participant("base")
    talk.client.topic(0, "rt/cmd_vel", TWIST)
    talk.client.reader(0, depth=1)
    talk.client.topic(1, "rt/other", INT32)
    talk.client.reader(1)
    talk.client.replier(0, "/base/arm", *SET_BOOL)
    talk.client.replier(1, "/base/clear_fault", *SET_BOOL)
    talk.exchange()
    return talk


@pytest.mark.parametrize(("told", "forwarded"), [("good", True), (None, True), ("bad", False)])
def test_another_contract_gets_neither_commands_nor_arm(told, forwarded):
    talk = robot(told)
    talk.ros.deliver("rt/cmd_vel", b"move")
    talk.ros.deliver("rt/other", b"news")
    talk.ros.request("/base/arm", IDENTITY, b"\x01")
    talk.ros.request("/base/clear_fault", IDENTITY, b"")
    talk.exchange()
    heard = {payload for _, payload in talk.client.samples}
    assert (b"move" in heard, IDENTITY + b"\x01" in heard) == (forwarded, forwarded)
    assert {b"news", IDENTITY} <= heard, "the rest goes on"
    refusals = [data for what, name, data in talk.ros.log if what == "reply" and name == "/base/arm"]
    assert len(refusals) == (not forwarded)
    if not forwarded:
        assert talk.core.sessions[0].mismatches == ("limits", "safety")
        assert refusals[0].startswith(IDENTITY + ENCAPSULATION + bytes(4)), "success is false"
        assert b"takt.contract.mismatch" in refusals[0] and b"limits, safety" in refusals[0]


def test_stop_keeps_commands_back_at_once_also_those_that_wait():
    talk = robot("good")
    talk.ros.deliver("rt/cmd_vel", b"old")
    talk.core.block("/cmd_vel", "stop")
    talk.ros.deliver("rt/cmd_vel", b"new")
    talk.exchange()
    assert talk.client.samples == []
    assert talk.core.stats.drops == {"stop": 1}
    talk.core.unblock("/cmd_vel")
    talk.ros.deliver("rt/cmd_vel", b"go")
    talk.exchange()
    assert [payload for _, payload in talk.client.samples] == [b"go"]


def test_the_source_stamps_of_commands_are_told():
    talk = robot("good")
    talk.ros.clock_ns = 123
    talk.ros.deliver("rt/cmd_vel", b"a")
    talk.ros.deliver("rt/other", b"b")
    talk.exchange()
    assert talk.core.sent_stamps == [123]


class BadLine:
    """Drops, flips and doubles whole frames, by seed."""

    def __init__(self, seed: int, rate: float) -> None:
        self._rng, self._rate = random.Random(seed), rate

    def __call__(self, data: bytes) -> bytes:
        out = bytearray()
        for part in data.split(b"\x7e")[1:]:
            frame = b"\x7e" + part
            chance = self._rng.random()
            if chance < self._rate:
                continue
            if chance < 2 * self._rate:
                place = self._rng.randrange(1, len(frame))
                frame = (
                    frame[:place] + bytes((frame[place] ^ 1 << self._rng.randrange(8),)) + frame[place + 1 :]
                )
            out += frame * (2 if chance > 1 - self._rate else 1)
        return bytes(out)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_reliable_is_exact_both_ways_on_a_bad_line(seed):
    """1 % dropped, 1 % flipped, 1 % doubled in each direction, over the whole core and its framing."""
    count = 400
    talk = connected()
    talk.client.reliably(xrce.build_read_data(b"\0\x30", object_id(1, READER), RELIABLE))
    talk.exchange()
    talk.harm = BadLine(seed, 0.01)
    for number in range(count):
        sample = struct.pack("<i", number)
        talk.client.write(0, sample, reliable=True)
        talk.ros.deliver("rt/in", sample)
        talk.exchange()
        talk.pass_time(20)
    talk.pass_time(4000)
    wanted = [struct.pack("<i", number) for number in range(count)]
    assert talk.ros.published("rt/out") == wanted
    assert [payload for _, payload in talk.client.samples] == wanted
    assert talk.core.stats.retransmits > 0 and talk.core.crc_errors > 0
