"""LedgerFile: every record once, in order, across repeats, holes, crashes and boards that lost their memory."""

import json
import random

import pytest

from takt.supervision.ledger_file import LedgerFile, identity_of


def record(boot, sequence, previous, **more):
    values = {
        "boot": boot,
        "sequence": sequence,
        "previous": previous,
        "cause": "skipped",
        "release_ns": sequence,
    }
    return {key: str(value) for key, value in {**values, **more}.items()}


def chain(count, boot=1, start=1, previous=0):
    records = []
    for sequence in range(start, start + count):
        records.append(record(boot, sequence, previous))
        previous = identity_of(records[-1])
    return records


def on_disk(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger/misses.jsonl"


def test_a_chain_is_written_once_in_order(path):
    ledger, records = LedgerFile(path), chain(5)
    for one in records + records:
        ledger.take(one)
    assert on_disk(path) == records
    assert ledger.repeats == 5
    assert ledger.confirmed == identity_of(records[-1])


def test_what_follows_a_hole_waits_for_the_missing_one(path):
    ledger, records = LedgerFile(path), chain(4)
    assert [ledger.take(records[i]) for i in (0, 2, 3)] == [True, False, False]
    assert ledger.confirmed == identity_of(records[0])
    for one in records:
        ledger.take(one)
    assert on_disk(path) == records


def test_it_goes_on_after_a_restart_also_one_in_the_middle_of_a_line(path):
    ledger, records = LedgerFile(path), chain(4)
    ledger.take(records[0])
    ledger.take(records[1])
    ledger.close()
    with path.open("ab") as file:
        file.write(b'{"boot": "1", "sequ')
    again = LedgerFile(path)
    assert again.confirmed == identity_of(records[1])
    for one in records:
        again.take(one)
    assert on_disk(path) == records


def test_a_new_boot_goes_on_with_the_chain(path):
    ledger, first = LedgerFile(path), chain(3)
    second = chain(2, boot=2, previous=identity_of(first[-1]))
    for one in first + second:
        assert ledger.take(one)
    assert on_disk(path) == first + second


def test_a_board_that_lost_its_memory_starts_a_new_chain(path):
    ledger, first = LedgerFile(path), chain(3)
    lost = [record(1, 1, 0, release_ns=777), record(1, 2, (1 << 32) | 1, release_ns=888)]
    for one in first + lost:
        assert ledger.take(one)
    assert not ledger.take(lost[0])
    assert on_disk(path) == first + lost


def test_a_host_that_starts_late_takes_the_chain_where_it_is(path):
    ledger, records = LedgerFile(path), chain(3, start=40, previous=(1 << 32) | 39)
    for one in records:
        assert ledger.take(one)


def test_any_order_of_repeats_ends_exact(path):
    rng = random.Random(5)
    ledger, records = LedgerFile(path), chain(60)
    position = 0
    while position < len(records):
        position = max(0, position - rng.randrange(4))  # the board sends again from its oldest unconfirmed
        for one in records[position : position + rng.randrange(1, 6)]:
            if rng.random() > 0.3:
                ledger.take(one)
        position = next(
            (i for i, one in enumerate(records) if identity_of(one) > ledger.confirmed), len(records)
        )
    assert on_disk(path) == records
