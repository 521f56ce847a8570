"""A wire in virtual time: rate, delay, order, cuts, noise."""

from __future__ import annotations

import pytest

from takt.line_simulator.faults import FaultyStream, Rates
from takt.line_simulator.wire import Wire
from takt.link.framing import Deframer, encode_frame

MS = 1_000_000


def wire(baud: int = 0, delay_ns: int = 0, **rates: float) -> Wire:
    return Wire(FaultyStream(1, "up", Rates(**rates)), baud=baud, delay_ns=delay_ns)


def drain(line: Wire, now_ns: int) -> list[tuple[int, bytes]]:
    """Follow next_ns until nothing is under way: (time, bytes) of each arrival."""
    arrivals = []
    while (due := line.next_ns(now_ns)) is not None:
        now_ns = max(due, now_ns)
        if data := line.read(now_ns):
            arrivals.append((now_ns, data))
    return arrivals


def test_without_limits_bytes_are_there_at_once():
    line = wire()
    line.write(b"at once", 5)
    assert line.read(5) == b"at once" and line.next_ns(5) is None and line.waiting == 0


@pytest.mark.parametrize("baud", [9600, 115_200, 921_600, 3_000_000])
def test_a_rate_takes_its_time_to_the_byte(baud):
    line = wire(baud=baud)
    data = bytes(1000)
    line.write(data[:400], 0)
    line.write(data[400:], 0)
    arrivals = drain(line, 0)
    assert b"".join(part for _, part in arrivals) == data
    assert arrivals[-1][0] == pytest.approx(1000 * 10e9 / baud, abs=10e9 / baud)
    seen = 0
    for at_ns, part in arrivals:
        seen += len(part)
        assert seen <= at_ns * baud / 10e9 + 1


def test_delay_comes_on_top_and_a_shorter_one_does_not_let_bytes_overtake():
    line = wire(baud=921_600, delay_ns=50 * MS)
    line.write(b"first", 0)
    line.delay_ns = 0
    line.write(b"second", 1 * MS)
    arrivals = drain(line, 0)
    assert b"".join(part for _, part in arrivals) == b"firstsecond"
    assert arrivals[0][0] >= 50 * MS


def test_cut_in_a_frame_lets_its_first_bytes_through_and_no_more():
    line = wire()
    frame = encode_frame(b"payload of it", 1, 0)
    line.cut_in_frame(6)
    line.write(frame + frame, 0)
    line.write(frame, 1)
    assert line.read(2) == frame[:6] and line.is_cut
    assert line.swallowed == 3 * len(frame) - 6
    line.mend()
    line.write(frame, 3)
    assert [whole.payload for whole in Deframer().feed(frame[:6] + line.read(3))] == [b"payload of it"]


def test_noise_comes_at_line_rate_replaces_the_traffic_and_is_the_seed_s():
    def noisy() -> bytes:
        line = wire(baud=921_600)
        line.noise(7, 0, 100 * MS)
        line.write(b"lost", 50 * MS)
        heard = b"".join(part for _, part in drain(line, 0))
        assert line.swallowed == 4
        line.write(b"whole", 200 * MS)
        assert drain(line, 200 * MS)[-1][1].endswith(b"whole")
        return heard

    heard = noisy()
    assert len(heard) == pytest.approx(9216, abs=60)
    assert heard == noisy()


def test_split_portions_pause_in_the_middle():
    line = wire(split=1.0, split_pause_ms=4.0)
    frame = encode_frame(bytes(50), 1, 0)
    line.write(frame, 0)
    first = line.read(0)
    assert len(first) < len(frame) and line.read(4 * MS - 1) == b""
    assert first + line.read(4 * MS) == frame
