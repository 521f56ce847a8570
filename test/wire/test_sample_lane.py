"""The short way of a sample gives what the long way gives, whatever comes; and nearly every sample takes it."""

from __future__ import annotations

from conversation import Conversation
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_client import ScriptedClient, object_id

from takt.link import messages as xrce
from takt.link.framing import encode_frame
from takt.link.representations import READER, WRITER

USUAL = {
    "session": 0x81,
    "stream": 1,
    "kind": xrce.WRITE_DATA,
    "flags": 1,
    "target": object_id(0, WRITER),
    "source": 1,
    "destination": 0,
    "announced": 0,  # bytes more than there are
    "sent": 0,
    "flag": b"~",
}
OTHERWISE = [
    *(("session", number) for number in (0x80, 0x01, 0x82)),
    *(("stream", number) for number in (0, 2, 0x7F, 0x80)),
    *(("kind", number) for number in (xrce.READ_DATA, xrce.CREATE_CLIENT, xrce.GET_INFO)),
    *(("flags", number) for number in (0, 3, 9)),
    *(("target", one) for one in (object_id(1, READER), object_id(7, WRITER), xrce.OBJECT_CLIENT)),
    ("source", 2),
    ("destination", 1),
    *(("announced", number) for number in (-8, -4, -1, 4, 40)),
    *(("sent", number) for number in (-2, 1, 30)),
    ("flag", b"x"),
    ("flag", b"~~"),
]


def framed(way: tuple[str, object] | None, sequence: int, content: bytes) -> bytes:
    """A sample's frame, usual but for at most one thing."""
    part = dict([*USUAL.items(), *([way] if way else [])])
    payload = b"\0\7" + part["target"] + content
    message = xrce.build_header(part["session"], part["stream"], sequence, b"\x11\x22\x33\x44")
    message += bytes((part["kind"], part["flags"])) + max(len(payload) + part["announced"], 0).to_bytes(
        2, "little"
    )
    frame = encode_frame(message + payload, part["source"], part["destination"])
    frame = frame[: part["sent"]] if part["sent"] < 0 else frame + bytes(part["sent"])
    return part["flag"] + frame[1:]


FRAME = st.builds(
    framed,
    st.one_of(st.none(), st.sampled_from(OTHERWISE)),
    st.sampled_from([0, 1, 2, 3, 4, 5, 0x7FFF, 0xFFFF]),
    st.binary(max_size=40),
)
HARM = st.one_of(st.none(), st.none(), st.none(), st.tuples(st.integers(0, 60), st.integers(0, 255)))
CUT = st.sampled_from(["not", "not", "not", "not", "in two", "joined", "off"])


def connected(short: bool) -> Conversation:
    talk = Conversation()
    talk.connect()
    talk.build()
    if not short:
        talk.core._lane.take = lambda data, now_ns: False
    return talk


def told(talk: Conversation) -> tuple[object, ...]:
    """All that can be seen of a core."""
    (session,) = talk.core.sessions or [None]
    deframer = talk.core._deframer
    return (
        talk.ros.log,
        {**vars(talk.core.stats), "round_trips": None},
        (deframer.frames, deframer.crc_errors, deframer.cut_short, deframer.needed),
        session and (session.address, session.last_rx_ns, session.now_ns, session.lost, session.probes),
        talk.core.transmit(),
        talk.core.next_event_ns(),
    )


@given(st.lists(st.tuples(FRAME, HARM, CUT), max_size=12))
@settings(max_examples=250, deadline=None)
def test_both_ways_lead_to_the_same(frames):
    """Whole, harmed, cut in two, and several at once."""
    long, short = connected(False), connected(True)
    held = b""
    for number, (frame, harm, cut) in enumerate(frames):
        if harm:
            at = harm[0] % len(frame)
            frame = frame[:at] + bytes((harm[1],)) + frame[at + 1 :]
        line, held = held + frame, b""
        if cut == "in two":
            line, held = line[: len(line) // 2], line[len(line) // 2 :]
        if cut == "off":
            line = line[: len(line) // 2]
        if cut == "joined":
            held = line
            continue
        for talk in (long, short):
            for session in talk.core.sessions:
                session.probes = 1
            talk.core.receive(line, number * 1_000_000)
    assert told(short) == told(long)


def test_samples_take_the_short_way():
    talk = connected(True)
    taken = []
    lane = talk.core._lane.take
    talk.core._lane.take = lambda data, now_ns: taken.append(lane(data, now_ns)) or taken[-1]
    client: ScriptedClient = talk.client
    for number in range(50):
        client.write(0, bytes((number,)) * 60)
        talk.core.receive(client.take(), number)
    assert sum(taken) >= 45, "all but those whose bytes need an escape"
    assert talk.ros.published("rt/out") == [bytes((number,)) * 60 for number in range(50)]
