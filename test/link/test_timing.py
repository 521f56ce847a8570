"""Round trips and the board's oscillator, against made-up truths."""

from __future__ import annotations

import struct
from random import Random

import pytest

from takt.link.streams import RESEND_GUARD_NS, ReliableOut
from takt.link.timing import WINDOW, ClockWatch, RoundTrips

MS = 1_000_000


def test_round_trips_of_the_last_messages():
    meter = RoundTrips()
    assert meter.summary() == {}
    for value in range(3 * WINDOW):
        meter.note((1000 - value) * MS)
    told = meter.summary()
    assert (told["rtt_min_ms"], told["rtt_max_ms"]) == (1000 - 3 * WINDOW + 1, 1000 - 2 * WINDOW)


def test_a_message_sent_twice_tells_no_round_trip():
    """Which of the two was confirmed cannot be known."""
    out = ReliableOut(500)
    out.offer(b"a")
    out.due(0)
    out.acknowledge(0, 1, RESEND_GUARD_NS)
    out.acknowledge(1, 0, RESEND_GUARD_NS + MS)
    assert out.round_trip_ns == -1
    out.offer(b"b")
    out.due(100 * MS)
    out.acknowledge(2, 0, 103 * MS)
    assert out.round_trip_ns == 3 * MS


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 35.0])
def test_drift_and_spread_of_a_board(drift_ppm):
    """64 exchanges at 5 Hz, delays of 0.2 ms and seldom up to 4 ms more."""
    random, watch = Random(1), ClockWatch()
    delays = [200_000 + (random.randrange(4 * MS) if random.random() < 0.3 else 0) for _ in range(WINDOW)]
    for number, delay_ns in enumerate(delays):
        board_ns = number * 200 * MS
        sent_ns = 10**18 + round(board_ns * (1 + drift_ppm * 1e-6))
        watch.note(struct.pack("<iI", *divmod(board_ns, 10**9)), sent_ns + delay_ns)
    told = watch.summary()
    assert told["clock_drift_ppm"] == pytest.approx(drift_ppm, abs=1.0)
    assert told["clock_delay_spread_ms"] == pytest.approx((max(delays) - min(delays)) / MS, abs=0.05)


def test_too_few_exchanges_tell_nothing():
    watch = ClockWatch()
    for number in range(7):
        watch.note(struct.pack("<iI", number, 0), number * 10**9)
    assert watch.summary() == {}
    watch.note(struct.pack("<iI", 0, 0), 0)
    watch.note(struct.pack("<iI", 0, 0), 0)
    assert ClockWatch().summary() == {}
