"""The proof of the ledger's exactness in small, and that the comparison notices each way to be inexact."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.simulation import ledger_proof, segments
from takt.simulation.board import Board
from takt.simulation.ledger_truth import Truth, compare

MS = 1_000_000
PERIOD = 10 * MS


def test_a_hundredth_of_the_proof_holds(core_library: Path) -> None:
    found = ledger_proof.prove(10_000, 21, core_library)
    assert found["held"] and found["wrong"] == []
    assert found["misses"] > 100 and found["gaps"] > 0
    assert min(found["by_cause"].values()) > 0 and len(found["by_cause"]) == 4


def test_a_run_that_was_ended_is_taken_up_again(
    core_library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_CYCLES", 1000)
    report = tmp_path / "ledger.json"
    whole = ledger_proof.prove(2000, 4, core_library)
    ledger_proof.prove(1000, 4, core_library, report)
    ran: list[int] = []
    segment = ledger_proof.run_segment
    monkeypatch.setattr(ledger_proof, "run_segment", lambda *given: ran.append(given[2]) or segment(*given))
    assert ledger_proof.prove(2000, 4, core_library, report) == whole
    assert len(ran) == 1, "the first thousand was on file"
    report.write_text("{}")
    with pytest.raises(TaktError, match="no report of this proof"):
        ledger_proof.prove(1000, 4, core_library, report)


def test_a_confirmation_from_before_the_power_went_releases_nothing(core_library: Path) -> None:
    """The host once confirmed record 2 of boot 1; then the power went, and the new boot's records bore the same
    numbers: a confirmation still on its way released what the host had never seen."""
    before, after = Board(core_library, nonce=7), Board(core_library, nonce=8)
    for board in (before, after):
        for _ in range(3):
            release = board.next_release()
            board.now_ns = release
            board.control_cycle(release, execution_ns=PERIOD + MS, cpu_ns=PERIOD + MS)
    stale = before.ledger()[1].last
    assert before.confirm(stale) == 2
    assert after.confirm(stale) == 0 and after.state.ledger_pending == before.state.ledger_pending + 2


def a_life() -> tuple[Truth, list[dict[str, str]]]:
    """Four misses, and the records that tell them: two, and a gap of two."""
    truth = Truth(PERIOD)
    truth.boot(1)
    truth.cycle(0, 0, PERIOD + 5, PERIOD + 5)  # overran by 5 ns: the next release is skipped
    truth.cycle(truth.next_release(PERIOD + 5), 0, 2 * PERIOD, 7)
    truth.cycle(4 * PERIOD, 0, 1, 1)
    assert [(miss.cycle, miss.cause, miss.late_ns) for miss in truth.misses] == [
        (0, "own_overrun", 5),
        (1, "skipped", PERIOD),
        (2, "preempted", PERIOD),
        (3, "skipped", PERIOD),
    ]
    single = [
        {
            "boot": "1",
            "sequence": str(number + 1),
            "previous": str((1 << 32) + number if number else 0),
            "cause": miss.cause,
            "cycle": str(miss.cycle),
            "late_ns": str(miss.late_ns),
            "release_ns": str(miss.release_ns),
        }
        for number, miss in enumerate(truth.misses[:2])
    ]
    gap = {"boot": "1", "sequence": "4", "previous": str((1 << 32) + 2), "cause": "gap", "cycle": "2"}
    gap |= {"late_ns": str(PERIOD), "first_boot": "1", "first_sequence": "3"}
    gap |= {"own_overrun": "0", "late_release": "0", "preempted": "1", "skipped": "1"}
    return truth, [*single, gap]


def test_equal_is_equal() -> None:
    truth, records = a_life()
    account, wrong = compare(truth, records, power_was_lost=False)
    assert wrong == []
    assert (account.records, account.gaps, account.misses_in_records, account.misses_in_gaps) == (3, 1, 2, 2)


HARMS: list[tuple[str, Callable[[list[dict[str, str]]], object]]] = [
    ("missing at the end", lambda records: records.pop()),
    ("missing within", lambda records: records.pop(1)),
    ("twice", lambda records: records.insert(1, records[0])),
    ("another cycle", lambda records: records[0].update(cycle="1")),
    ("another cause", lambda records: records[0].update(cause="skipped")),
    ("a nanosecond off", lambda records: records[0].update(late_ns="6")),
    ("another release", lambda records: records[0].update(release_ns="1")),
    ("a gap miscounts", lambda records: records[2].update(preempted="2")),
    ("a gap tells another cycle", lambda records: records[2].update(cycle="3")),
    ("a gap begins too late", lambda records: records[2].update(first_sequence="4")),
    ("beyond what was made", lambda records: records[2].update(sequence="5")),
    ("another chain", lambda records: records[1].update(previous="5")),
    (
        "nothing inside",
        lambda records: records.append({**records[0], "sequence": "9", "previous": "4294967300"}),
    ),
]


@pytest.mark.parametrize(("name", "harm"), HARMS, ids=[name for name, _ in HARMS])
def test_each_way_to_be_inexact_is_noticed(name: str, harm: Callable[[list[dict[str, str]]], object]) -> None:
    truth, records = a_life()
    harm(records)
    assert compare(truth, records, power_was_lost=False)[1] != [], name


def test_what_was_not_yet_sent_when_power_went_is_counted_apart() -> None:
    truth, records = a_life()
    account, wrong = compare(truth, records[:1], power_was_lost=True)
    assert wrong == [] and account.lost_with_power == 3


def test_bad_arguments_name_cause_and_fix() -> None:
    with pytest.raises(TaktError, match="--count 0"):
        ledger_proof.main(["--count", "0"])
