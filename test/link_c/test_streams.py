"""The byte ring under the history, and a message that is confirmed while it is being sent again."""

from __future__ import annotations

import ctypes
import random

import pytest

U16 = ctypes.c_uint16


class Fifo:
    """takt_fifo_t over `capacity` bytes, with a guard behind them."""

    def __init__(self, library: ctypes.CDLL, capacity: int) -> None:
        self.library = library
        self.memory = ctypes.create_string_buffer(256)
        self.bytes = ctypes.create_string_buffer(b"\xa5" * (capacity + 64), capacity + 64)
        self.capacity = capacity
        library.takt_fifo_reserve.restype = ctypes.c_void_p
        library.takt_fifo_at.restype = ctypes.c_void_p
        library.takt_fifo_init(self.memory, self.bytes, U16(capacity))

    def push(self, message: bytes) -> bool:
        room = self.library.takt_fifo_reserve(self.memory, U16(len(message)))
        if room is None:
            return False
        ctypes.memmove(room, message, len(message))
        self.library.takt_fifo_push(self.memory, ctypes.c_void_p(room), U16(len(message)))
        return True

    def at(self, index: int) -> bytes:
        size = U16()
        address = self.library.takt_fifo_at(self.memory, ctypes.c_uint8(index), ctypes.byref(size))
        return ctypes.string_at(address, size.value)

    def pop(self) -> None:
        self.library.takt_fifo_pop(self.memory)

    def guard_whole(self) -> bool:
        return self.bytes.raw[self.capacity :] == b"\xa5" * 64


@pytest.mark.parametrize("seed", range(4))
def test_fifo_keeps_messages_of_all_sizes_as_they_are(library: ctypes.CDLL, seed: int) -> None:
    rng = random.Random(seed)
    fifo = Fifo(library, 200)
    held: list[bytes] = []
    refusals = 0
    for _ in range(5000):
        if held and rng.random() < 0.45:
            fifo.pop()
            held.pop(0)
        else:
            message = rng.randbytes(rng.randrange(1, 90))
            if fifo.push(message):
                held.append(message)
            else:
                refusals += 1
                assert len(held) == 8 or sum(map(len, held)) + len(message) > 200 - 2 * 90
        assert [fifo.at(i) for i in range(len(held))] == held
    assert fifo.guard_whole() and refusals > 100


def test_four_largest_messages_always_fit(library: ctypes.CDLL) -> None:
    fifo = Fifo(library, 2048)
    for _ in range(4):
        assert fifo.push(bytes(512))
    for _ in range(50):
        assert not fifo.push(bytes(512))
        fifo.pop()
        assert fifo.push(bytes(512))


class ReliableOut(Fifo):
    """takt_reliable_out_t; its history is its first member."""

    def publish(self, message: bytes) -> bool:
        room = self.library.takt_fifo_reserve(self.memory, U16(len(message)))
        if room is None:
            return False
        ctypes.memmove(room, message, len(message))
        self.library.takt_reliable_out_push(self.memory, ctypes.c_void_p(room), U16(len(message)))
        return True

    def take(self) -> tuple[int, int, bool] | None:
        """Address, size and whether it goes out again."""
        self.library.takt_reliable_out_take.restype = ctypes.c_void_p
        size, again = U16(), ctypes.c_bool()
        address = self.library.takt_reliable_out_take(self.memory, ctypes.byref(size), ctypes.byref(again))
        return None if address is None else (address, size.value, again.value)

    def sent(self) -> None:
        self.library.takt_reliable_out_sent(self.memory)

    def acknack(self, first: int, missing: int) -> bool:
        self.library.takt_reliable_out_acknack.restype = ctypes.c_bool
        return bool(self.library.takt_reliable_out_acknack(self.memory, U16(first), U16(missing)))


def test_message_confirmed_while_on_its_way_again_is_not_overwritten(library: ctypes.CDLL) -> None:
    """Its frame is half out: what takes its place would be sent in its name, with a good CRC."""
    out = ReliableOut(library, 200)
    assert out.publish(b"a" * 90) and out.publish(b"b" * 90)
    for _ in range(2):
        out.take()
        out.sent()
    assert out.acknack(0, 0b01)
    taken = out.take()
    assert taken is not None and taken[1:] == (90, True)
    assert out.acknack(2, 0)
    assert not out.publish(b"c" * 90)
    assert ctypes.string_at(taken[0], 90) == b"a" * 90
    out.sent()
    assert out.publish(b"c" * 90)
    assert library.takt_reliable_out_next(out.memory) == 3


def test_acknack_of_what_was_never_sent_confirms_nothing(library: ctypes.CDLL) -> None:
    out = ReliableOut(library, 200)
    assert not out.acknack(0, 0) and not out.acknack(1, 0)
    out.publish(b"a")
    assert not out.acknack(1, 0)  # it waits for the line
    out.take()
    out.sent()
    assert not out.acknack(2, 0) and not out.acknack(65535, 0)
    assert out.acknack(1, 0)
    assert out.take() is None
