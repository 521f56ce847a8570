"""The proof of exactness in small, and that it can say no."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.line_simulator.faults import Rates
from takt.link.streams import ReliableIn
from takt.link_proofs import reliable

LIBRARY = Path(__file__).resolve().parents[2] / "build/firmware/libtakt_meter.so"
pytestmark = pytest.mark.skipif(not LIBRARY.exists(), reason="the link meter is not built: ./run firmware")


def test_five_thousand_each_way_in_virtual_time():
    row = reliable.virtual_chunk(7, 5000)
    assert reliable.holds(row), row
    assert row["portions_harmed"] > 100


def test_two_hundred_each_way_over_a_pty():
    for _ in range(3):  # in real time: on a machine that stands still for seconds the client greets anew
        row = reliable.over_pty(3, 200)
        if reliable.holds(row):
            break
    assert reliable.holds(row), row


def test_an_agent_that_lets_repetitions_through_is_found_out(monkeypatch):
    def careless(self: ReliableIn, sequence: int, message: bytes) -> list[bytes]:
        self.expected = (sequence + 1) & 0xFFFF
        return [message]

    monkeypatch.setattr(ReliableIn, "receive", careless)
    monkeypatch.setattr(reliable, "_STALL_NS", 1_000_000_000)
    assert not reliable.holds(reliable.virtual_chunk(7, 2000))


def test_a_proof_over_a_line_without_harm_is_none(monkeypatch):
    monkeypatch.setattr(reliable, "_RATES", Rates())
    row = reliable.virtual_chunk(1, 500)
    assert row["to_host_in_order"] == 500 and not reliable.holds(row)


def test_a_run_goes_on_where_it_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(reliable, "_CHUNK", 100)
    state = tmp_path / "state"
    reliable.run_virtual(200, 5, 1, state)
    written = state.read_text()
    rows = reliable.run_virtual(200, 5, 1, state)
    assert state.read_text() == written and len(rows) == 2


def test_numbers_are_checked_to_the_last():
    check = reliable.NumberCheck()
    for number in (0, 1, 1, 3, 2):
        check.take(reliable.numbered(number))
    check.take(reliable.numbered(3)[:-1])
    assert (check.heard, check.wrong) == (3, 3)
