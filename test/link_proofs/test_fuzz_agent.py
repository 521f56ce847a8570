"""The fuzz proof in small, that it can say no, and every case that it ever found."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link_proofs import fuzz_agent
from takt.link_proofs.fuzz_agent import Target, make, run_chunk

ROOT = Path(__file__).resolve().parents[2]
RECORDED = ROOT / "test/wire/recorded"
CASES = json.loads((Path(__file__).parent / "fuzz_cases.json").read_text())


def test_two_thousand_inputs():
    for first in (0, 500, 1000, 1500):
        row = run_chunk((first, 500, 3, str(RECORDED)))
        assert row["failures"] == []
        assert row["reached"]["publish"] > 50, "or it fuzzes the door only"


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["story"])
def test_found_cases(case):
    target = Target()
    target.feed([bytes.fromhex(part) for part in case["line"]], Random(1))
    assert target.serves()


def test_an_input_is_the_same_each_time():
    assert [make(number, 5, RECORDED) for number in range(20)] == [
        make(number, 5, RECORDED) for number in range(20)
    ]


def test_a_handler_that_raises_is_found(monkeypatch):
    """As it was: a GET_INFO cut behind its first two bytes."""

    def careless(message: bytes, offset: int) -> xrce.Submessage:
        return next(xrce.submessages(message, offset))

    monkeypatch.setattr(xrce, "first_submessage", careless)
    assert any(
        "StopIteration" in failure["error"] for failure in run_chunk((0, 500, 1, str(RECORDED)))["failures"]
    )


def test_a_slow_handler_is_found(monkeypatch):
    monkeypatch.setattr(fuzz_agent, "LIMIT_S", 0.0)
    assert any("took" in failure["error"] for failure in run_chunk((0, 20, 1, str(RECORDED)))["failures"])


def test_a_core_that_serves_nobody_is_found(monkeypatch):
    def refuse(submessage: xrce.Submessage) -> xrce.ClientHello:
        raise Malformed("no")

    monkeypatch.setattr(xrce, "parse_create_client", refuse)
    assert run_chunk((0, 5, 1, str(RECORDED)))["failures"][-1]["error"] == "a good client is not served"


def test_a_folder_without_recordings(tmp_path):
    with pytest.raises(TaktError, match="no recordings"):
        fuzz_agent.seeds(tmp_path)
