"""Single steps of the streams and of the clock's filter that a session takes only when something has gone wrong."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest
from client_under_test import ClockFilter

MS, S = 1_000_000, 1_000_000_000
PLAIN, SKIPPED, BEHIND = range(3)
NEXT, EARLY, REPEATED = range(3)


class Incoming(ctypes.Structure):
    """takt_reliable_in_t."""

    _fields_ = [(name, ctypes.c_uint16) for name in ("expected", "heard", "asked")]


class Fifo(ctypes.Structure):
    """takt_fifo_t."""

    _fields_ = [
        ("bytes", ctypes.c_void_p),
        ("capacity", ctypes.c_uint16),
        ("first", ctypes.c_uint8),
        ("count", ctypes.c_uint8),
        ("messages", ctypes.c_uint16 * 16),
    ]


@pytest.fixture
def streams(library: ctypes.CDLL) -> Any:
    library.takt_fifo_reserve.restype = ctypes.c_void_p
    library.takt_reliable_in_missing.restype = ctypes.c_uint16
    return library


def test_a_number_far_ahead_is_early_and_not_believed(streams: Any) -> None:
    state = Incoming(expected=5, heard=5, asked=5)
    assert streams.takt_reliable_in_check(ctypes.byref(state), 5 + 16) == EARLY and state.heard == 5
    assert streams.takt_reliable_in_check(ctypes.byref(state), 5 + 15) == EARLY and state.heard == 5 + 16
    assert streams.takt_reliable_in_missing(ctypes.byref(state), False) == 0xFFFF


def test_what_is_accepted_has_been_heard_of(streams: Any) -> None:
    state = Incoming(expected=5, heard=5)
    streams.takt_reliable_in_accept(ctypes.byref(state))
    assert (state.expected, state.heard) == (6, 6)


def test_a_heartbeat_whose_range_runs_backwards_still_says_where_to_go_on(streams: Any) -> None:
    state = Incoming(expected=5, heard=5)
    assert streams.takt_reliable_in_heartbeat(ctypes.byref(state), 20, 10) == SKIPPED
    assert (state.expected, state.heard) == (20, 20)
    assert streams.takt_reliable_in_heartbeat(ctypes.byref(state), 20, 18) == BEHIND
    assert streams.takt_reliable_in_heartbeat(ctypes.byref(state), 20, 22) == PLAIN and state.heard == 23


def test_an_empty_fifo_takes_what_it_can_hold_and_no_more(streams: Any) -> None:
    room, fifo = ctypes.create_string_buffer(32), Fifo()
    streams.takt_fifo_init(ctypes.byref(fifo), room, 32)
    assert streams.takt_fifo_reserve(ctypes.byref(fifo), 32) == ctypes.addressof(room)
    assert streams.takt_fifo_reserve(ctypes.byref(fifo), 33) is None


def test_after_a_minute_of_silence_the_drift_is_learned_anew(library: ctypes.CDLL) -> None:
    """Points from before tell nothing of the oscillator now; offset and lock stay."""
    filter_ = ClockFilter(library)
    now, offset = S, 1_700_000_000 * S
    for step in [200 * MS] * 300 + [61 * S] + [200 * MS] * 300:
        now += step
        filter_.exchange(now, now + offset + MS // 2, now + offset + MS // 2, now + MS)
    assert filter_.clock.locked(now + MS) and filter_.clock.epoch == 1
    assert abs(filter_.clock.ros_ns(now) - now - offset) < MS
