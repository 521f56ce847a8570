"""Reliable means exact: every message once and in order, whatever the line does, in virtual time."""

from __future__ import annotations

import random

import pytest

from takt.link.messages import FRAGMENT, LAST_FRAGMENT
from takt.link.streams import (
    HEARTBEAT_PERIOD_NS,
    RESEND_GUARD_NS,
    WINDOW,
    BestEffortIn,
    Rebuilder,
    ReliableIn,
    ReliableOut,
    ahead,
)

MS = 1_000_000


def test_serial_number_arithmetic():
    assert ahead(0, 65535) == 1
    assert ahead(65535, 0) == -1
    assert ahead(40000, 10) == 40000 - 10 - 65536


def test_best_effort_takes_only_newer():
    stream = BestEffortIn()
    assert [stream.accept(sequence) for sequence in (0, 0, 2, 1, 3)] == [True, False, True, False, True]
    assert stream.late == 2


class Lossy:
    """A line that drops, doubles, delays and flips (a flipped frame fails its CRC: it is gone)."""

    def __init__(self, rng: random.Random, loss: float) -> None:
        self._rng, self._loss = rng, loss
        self._under_way: list[tuple[int, tuple]] = []

    def put(self, now_ns: int, item: tuple) -> None:
        for _ in range(2 if self._rng.random() < 0.01 else 1):
            if self._rng.random() >= self._loss:
                late = 5 * MS if self._rng.random() < 0.02 else 0
                self._under_way.append((now_ns + MS // 2 + late, item))

    def get(self, now_ns: int) -> list[tuple]:
        arrived = [item for due, item in sorted(self._under_way, key=lambda entry: entry[0]) if due <= now_ns]
        self._under_way = [entry for entry in self._under_way if entry[0] > now_ns]
        return arrived


def exchange(count: int, seed: int, loss: float, start: int = 0) -> tuple[list[bytes], ReliableOut]:
    """Send ``count`` messages one way over two lossy lines; returns what came out, in order."""
    rng = random.Random(seed)
    forth, back = Lossy(rng, loss), Lossy(rng, loss)
    sender, receiver = ReliableOut(504), ReliableIn()
    sender.skip_to(start)
    receiver.skip_to(start)
    received: list[bytes] = []
    now_ns, offered = 0, 0
    while len(received) < count:
        now_ns += MS
        assert now_ns < count * 1000 * MS, "the streams have stopped"
        while offered < count and sender.has_room:
            sender.offer(offered.to_bytes(4, "little"))
            offered += 1
            for message in sender.due(now_ns):
                forth.put(now_ns, ("data", *message))
        beat = sender.heartbeat(now_ns)
        if beat:
            forth.put(now_ns, ("beat", *beat))
        for kind, first, second in forth.get(now_ns):
            ready = receiver.receive(first, second) if kind == "data" else receiver.heartbeat(first, second)
            received.extend(ready)
            back.put(now_ns, receiver.acknack())
        for first, missing in back.get(now_ns):
            for message in [*sender.acknowledge(first, missing, now_ns), *sender.due(now_ns)]:
                forth.put(now_ns, ("data", *message))
    return received, sender


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.02), (3, 0.1), (4, 0.3)])
def test_exactly_once_and_in_order(seed, loss):
    count = 2000 if loss < 0.2 else 300
    received, sender = exchange(count, seed, loss)
    assert [int.from_bytes(message, "little") for message in received] == list(range(count))
    assert (sender.retransmits > 0) == (loss > 0)


def test_exact_through_the_wrap():
    received, _ = exchange(400, 9, 0.05, start=65400)
    assert [int.from_bytes(message, "little") for message in received] == list(range(400))


def test_window_and_what_an_acknack_says():
    stream = ReliableIn()
    assert stream.acknack() == (0, 0)
    assert stream.receive(0, b"0") == [b"0"]
    assert stream.receive(3, b"3") == []
    assert stream.acknack() == (1, 0b11)
    assert stream.receive(1 + WINDOW, b"far") == []
    assert stream.out_of_window == 1
    assert stream.receive(2, b"2") == []
    assert stream.receive(1, b"1") == [b"1", b"2", b"3"]
    assert stream.receive(2, b"2") == []
    assert (stream.duplicates, stream.acknack()) == (1, (4, 0))


def test_heartbeat_announces_and_skips():
    """The recorded agent's answer to a heartbeat of 6..10 while it expects 3: first 6, bitmap 1F."""
    stream = ReliableIn()
    for sequence in range(3):
        stream.receive(sequence, b"")
    assert stream.heartbeat(3, 3) == []
    assert stream.acknack() == (3, 1)
    assert stream.heartbeat(6, 10) == []
    assert stream.acknack() == (6, 0x1F)
    assert stream.skipped == 3


def test_skipping_rescues_what_is_held():
    stream = ReliableIn()
    stream.receive(1, b"1")
    stream.receive(3, b"3")
    assert stream.heartbeat(3, 4) == [b"1", b"3"]
    assert stream.acknack() == (4, 1)


def test_heartbeat_of_the_past_changes_nothing():
    stream = ReliableIn()
    stream.receive(0, b"")
    assert stream.heartbeat(65530, 65535) == []
    assert stream.acknack() == (1, 0)


def test_sender_resends_only_what_is_marked():
    sender = ReliableOut(504)
    for number in range(4):
        sender.offer(bytes((number,)))
    assert [sequence for sequence, _ in sender.due(0)] == [0, 1, 2, 3]
    assert sender.acknowledge(1, 0b10, RESEND_GUARD_NS) == [(2, b"\x02")]
    assert sender.acknowledge(1, 0b10, RESEND_GUARD_NS + MS) == [], "the repetition is under way"
    assert sender.unacknowledged == 3
    assert sender.acknowledge(9, 0, 0) == [] and sender.unacknowledged == 3, "past what was sent"
    assert sender.acknowledge(4, 0, 0) == [] and sender.unacknowledged == 0


def test_heartbeat_only_while_something_is_open():
    sender = ReliableOut(504)
    assert sender.heartbeat(HEARTBEAT_PERIOD_NS * 5) is None
    sender.offer(b"x")
    sender.due(0)
    assert sender.heartbeat(HEARTBEAT_PERIOD_NS - 1) is None
    assert sender.heartbeat(HEARTBEAT_PERIOD_NS) == (0, 0)
    assert sender.heartbeat(HEARTBEAT_PERIOD_NS + MS) is None
    sender.acknowledge(1, 0, 0)
    assert sender.heartbeat(HEARTBEAT_PERIOD_NS * 9) is None


def test_window_of_sixteen_then_the_queue():
    sender = ReliableOut(504)
    for number in range(20):
        sender.offer(bytes((number,)))
    assert len(sender.due(0)) == WINDOW
    assert (sender.queued, sender.has_room) == (4, False)
    sender.acknowledge(2, 0, 0)
    assert [sequence for sequence, _ in sender.due(0)] == [16, 17]


def test_fragments_are_full_but_the_last_and_rebuild():
    sender, rebuilder = ReliableOut(504), Rebuilder()
    whole = bytes(range(256)) * 5
    sender.offer(whole)
    pieces = [body for _, body in sender.due(0)]
    assert [len(piece) for piece in pieces] == [504, 504, 4 + 1280 - 1000]
    assert all(piece[0] == FRAGMENT for piece in pieces)
    rebuilt = [rebuilder.add(piece[4:], bool(piece[1] & LAST_FRAGMENT)) for piece in pieces]
    assert rebuilt == [None, None, whole]


def test_rebuilding_is_bounded():
    rebuilder = Rebuilder()
    for _ in range(3000):
        assert rebuilder.add(bytes(500), False) is None
    assert rebuilder.add(b"", True) is None
    assert rebuilder.dropped == 1
    assert rebuilder.add(b"ok", True) == b"ok"
