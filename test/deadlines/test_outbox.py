"""Outbox: what waits for the disk survives its process, is offered in order, and shrinks to a gap when it grows."""

import pytest

from takt.deadlines.miss import UNKNOWN
from takt.deadlines.outbox import GAP, Offer, Outbox, counts_of


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ring.misses.planner"


def fill(outbox, count, cause="gc_pause"):
    for _ in range(count):
        miss = outbox.add("plan", 1000 + outbox.sequence, 5, {})
        outbox.decide(miss, cause, {"gc_pause_ms": 1.0})


def numbers(outbox):
    return [(offer.miss.epoch, offer.miss.sequence) for offer in outbox.offers()]


def test_misses_are_numbered_from_one_and_offered_in_order(path):
    outbox = Outbox(path, "planner", 7)
    fill(outbox, 3)
    assert numbers(outbox) == [(7, 1), (7, 2), (7, 3)]
    assert outbox.offers()[0].miss.cause == "gc_pause"


def test_one_whose_cause_is_open_holds_back_what_follows(path):
    outbox = Outbox(path, "planner", 7)
    first = outbox.add("plan", 1, 5, {})
    fill(outbox, 2)
    assert numbers(outbox) == []
    outbox.decide(first, "clock", {})
    assert numbers(outbox) == [(7, 1), (7, 2), (7, 3)]


def test_what_is_on_disk_is_forgotten_and_told_with_the_rest(path):
    outbox = Outbox(path, "planner", 7)
    fill(outbox, 3)
    outbox.confirm(7, 2)
    assert numbers(outbox) == [(7, 3)]
    assert outbox.offers()[0].confirmed == 2


def test_a_new_life_finds_what_the_former_left_and_has_an_epoch_of_its_own(path):
    former = Outbox(path, "planner", 7)
    fill(former, 2)
    former.confirm(7, 1)
    former.add("plan", 5, 5, {})  # killed before its cause was known
    again = Outbox(path, "planner", 7)  # the same second: still another epoch
    fill(again, 1)
    assert numbers(again) == [(7, 2), (7, 3), (8, 1)]
    assert again.offers()[1].miss.cause == UNKNOWN
    assert [offer.confirmed for offer in again.offers()] == [1, 1, 0]


def test_a_line_that_was_cut_off_by_a_death_is_no_line(path):
    former = Outbox(path, "planner", 7)
    fill(former, 2)
    with path.open("ab") as file:
        file.write(b'{"source":"planner","ep')
    again = Outbox(path, "planner", 9)
    fill(again, 1)
    assert numbers(Outbox(path, "planner", 10)) == [(7, 1), (7, 2), (9, 1)]


def test_too_many_become_one_record_that_counts_them(path):
    outbox = Outbox(path, "planner", 7, limit=10)
    fill(outbox, 8, "gc_pause")
    fill(outbox, 7, "clock")
    offers = [offer.miss for offer in outbox.offers()]
    assert offers[0].cause == GAP
    assert offers[0].evidence["first_sequence"] == 1
    assert sum(sum(counts_of(miss).values()) for miss in offers) == 15
    assert [miss.sequence for miss in offers[1:]] == list(range(offers[0].sequence + 1, 16))
    assert counts_of(offers[0])["gc_pause"] > 0
    again = Outbox(path, "planner", 8)
    assert [offer.miss for offer in again.offers()] == offers


def test_a_gap_grows_and_still_counts_each_miss_once(path):
    outbox = Outbox(path, "planner", 7, limit=10)
    fill(outbox, 60)
    offers = [offer.miss for offer in outbox.offers()]
    assert sum(sum(counts_of(miss).values()) for miss in offers) == 60
    assert len(offers) <= 11


def test_an_empty_outbox_leaves_an_almost_empty_file(path):
    outbox = Outbox(path, "planner", 7)
    fill(outbox, 100)
    outbox.confirm(7, 100)
    assert path.stat().st_size < 100
    fill(outbox, 1)
    assert numbers(outbox) == [(7, 101)]


def test_an_offer_is_one_line_and_comes_back_the_same(path):
    outbox = Outbox(path, "planner", 7)
    fill(outbox, 1)
    offer = outbox.offers()[0]
    assert Offer.from_json(offer.to_json()) == offer
    with pytest.raises(ValueError, match="confirmed"):
        Offer.from_json(offer.miss.to_json())
