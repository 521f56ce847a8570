"""READ_DATA's delivery control: how many, how long, how fast, and what happens without it."""

from __future__ import annotations

from takt.link.feed import Feed
from takt.link.messages import ReadRequest

S = 1_000_000_000


def drain(feed: Feed, now_ns: int) -> list[bytes]:
    out = []
    while (outgoing := feed.pull(now_ns)) is not None:
        out.append(outgoing.payload)
    return out


def read(**limits: int) -> ReadRequest:
    return ReadRequest(b"\0\x0a", b"\0\x06", 1, **limits)


def test_nothing_leaves_before_it_is_asked_for():
    feed = Feed(2)
    assert [feed.push(bytes((number,)), 0) for number in range(3)] == [False, False, True]
    assert drain(feed, 0) == []
    feed.start(read(max_samples=0xFFFF), 0)
    assert drain(feed, 0) == [b"\x01", b"\x02"], "the oldest gave way"


def test_without_control_one_sample():
    feed = Feed(10)
    feed.start(read(), 0)
    feed.push(b"a", 0)
    feed.push(b"b", 0)
    assert drain(feed, 0) == [b"a"]


def test_three_samples_then_silence_then_a_new_request():
    feed = Feed(10)
    feed.start(read(max_samples=3), 0)
    for number in range(5):
        feed.push(bytes((number,)), 0)
    assert len(drain(feed, 0)) == 3
    assert not feed.ready
    feed.start(read(max_samples=0xFFFF), 0)
    assert len(drain(feed, 0)) == 2


def test_time_limit():
    feed = Feed(10)
    feed.start(read(max_samples=0xFFFF, max_elapsed_s=2), 0)
    feed.push(b"in time", 0)
    assert drain(feed, 2 * S - 1) == [b"in time"]
    feed.push(b"late", 0)
    assert drain(feed, 2 * S) == []


def test_byte_rate():
    feed = Feed(100)
    feed.start(read(max_samples=0xFFFF, max_bytes_per_s=100), 0)
    for _ in range(100):
        feed.push(bytes(10), 0)
    sent = sum(len(sample) for second in range(5) for sample in drain(feed, second * S))
    assert 490 <= sent <= 520


def test_cancel():
    feed = Feed(10)
    feed.start(read(max_samples=0xFFFF), 0)
    feed.start(read(max_samples=0), 0)
    feed.push(b"x", 0)
    assert drain(feed, 0) == []
