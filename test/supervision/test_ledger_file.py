"""LedgerFile: every record once, in order, across repeats, holes, crashes and boards that lost their memory."""

import json
import random

import pytest

from takt.deadlines import Miss
from takt.deadlines.outbox import Outbox, counts_of
from takt.supervision.ledger_file import LedgerFile, board_record, identity_of


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
    return [board_record(json.loads(line)) for line in path.read_text().splitlines()]


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
    """Where that is the board tells by beginning again with its oldest."""
    ledger, records = LedgerFile(path), chain(3, start=40, previous=(1 << 32) | 39)
    assert not any(ledger.take(one) for one in records)
    assert all(ledger.take(one) for one in records)
    assert on_disk(path) == records


def test_the_first_that_it_hears_may_follow_lost_ones(path):
    """Two records came while the supervisor stood still; it confirmed the third, and the board forgot all three."""
    ledger, records = LedgerFile(path), chain(3)
    assert not ledger.take(records[2])
    assert ledger.confirmed == 0
    assert all(ledger.take(one) for one in records)
    late, lost_too = LedgerFile(path.with_name("other")), chain(4, start=40, previous=(1 << 32) | 39)
    assert not any(late.take(one) for one in lost_too[2:])
    assert not any(late.take(one) for one in lost_too)  # begun again: two more had been lost
    assert all(late.take(one) for one in lost_too)


def test_a_board_of_another_life_is_not_held_up_by_the_former_one(path):
    ledger = LedgerFile(path)
    assert not ledger.take(record(1, 9, (1 << 32) | 8))
    other = record((7 << 12) + 2, 5, ((7 << 12) + 2 << 32) | 4)
    assert not ledger.take(other)
    assert ledger.take(other)


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


# ---- misses of nodes


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "outbox", "planner", 7, limit=6)


def miss_once(outbox, cause="gc_pause"):
    outbox.decide(outbox.add("plan", 1, 1, {}), cause, {})


def host_lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_nodes_miss_stands_once_however_often_it_is_told(path, outbox):
    ledger = LedgerFile(path)
    for _ in range(3):
        miss_once(outbox)
        for offer in outbox.offers():
            ledger.take_offer(offer)
    ledger.sync()
    assert [row["sequence"] for row in host_lines(path)] == [1, 2, 3]
    assert ledger.confirmed_of("planner", 7) == 3
    assert ledger.repeats == 3


def test_a_miss_behind_one_that_never_came_waits(path, outbox):
    ledger = LedgerFile(path)
    miss_once(outbox)
    miss_once(outbox)
    first, second = outbox.offers()
    assert not ledger.take_offer(second)
    assert ledger.holes == 1
    assert ledger.take_offer(first) and ledger.take_offer(second)


def test_a_new_ledger_takes_a_node_where_the_former_one_confirmed_it(path, outbox):
    miss_once(outbox)
    outbox.confirm(7, 1)
    miss_once(outbox)
    miss_once(outbox)
    ledger, (second, third) = LedgerFile(path), outbox.offers()
    assert not ledger.take_offer(third)
    assert ledger.take_offer(second) and ledger.take_offer(third)


def test_it_knows_after_a_restart_what_each_node_has(path, outbox):
    ledger = LedgerFile(path)
    miss_once(outbox)
    ledger.take_offer(outbox.offers()[0])
    ledger.take(chain(1)[0])
    ledger.close()
    again = LedgerFile(path)
    assert again.confirmed_of("planner", 7) == 1
    assert again.confirmed == identity_of(chain(1)[0])
    assert not again.take_offer(outbox.offers()[0])


def test_a_gap_that_overlaps_what_is_written_counts_only_the_rest(path, outbox):
    ledger = LedgerFile(path)
    miss_once(outbox, "clock")
    miss_once(outbox, "gc_pause")
    for offer in outbox.offers():
        ledger.take_offer(offer)  # written, but the confirmation is lost
    for _ in range(8):
        miss_once(outbox)
    for offer in outbox.offers():
        assert ledger.take_offer(offer)
    ledger.sync()
    counted = [counts_of(Miss.from_json(json.dumps(row))) for row in host_lines(path)]
    assert sum(sum(counts.values()) for counts in counted) == 10
    assert sum(counts.get("clock", 0) for counts in counted) == 1


def test_a_file_of_the_board_alone_from_before_is_read_on(path):
    path.parent.mkdir(parents=True)
    records = chain(2)
    path.write_text("".join(json.dumps(one) + "\n" for one in records))
    assert LedgerFile(path).confirmed == identity_of(records[-1])
    assert on_disk(path) == records
