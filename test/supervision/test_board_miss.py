"""A record of the board as a Miss: in ROS time where a clock was known, the host's doing where the host stood still."""

import pytest

from takt.deadlines.miss import UNKNOWN_BOUND_NS, Miss
from takt.supervision.board_miss import BoardClock, miss_of

MS = 1_000_000
PERIOD = 10 * MS
HEARD = 1_700_000_000_000_000_000
RECORD = {
    "boot": "3",
    "sequence": "9",
    "previous": "12884901896",
    "cycle": "400",
    "cause": "late_release",
    "late_ns": str(14 * MS),
    "release_ns": str(4_000 * MS),
}
GAP = {
    **{key: RECORD[key] for key in ("boot", "sequence", "previous", "cycle", "late_ns")},
    "cause": "gap",
    "first_boot": "3",
    "first_sequence": "5",
    "own_overrun": "0",
    "late_release": "4",
    "preempted": "0",
    "skipped": "1",
}


@pytest.fixture
def clock():
    known = BoardClock()
    known.learn("base: loop", {"boot_count": "3"})
    known.learn("base: clock", {"locked": "true", "offset_ns": "5000000000", "bound_us": "120"})
    return known


def test_its_deadline_is_a_period_after_the_release_within_the_clocks_bound(clock):
    miss = miss_of(RECORD, clock, PERIOD, HEARD)
    assert (miss.at_ns, miss.bound_ns) == (9_010 * MS, 120_000)
    assert miss.identity == ("base", 3, 9)
    assert (miss.stage, miss.cause, miss.late_ns) == ("control", "late_release", 14 * MS)


def test_of_another_boot_only_the_time_of_hearing_is_known(clock):
    miss = miss_of({**RECORD, "boot": "2"}, clock, PERIOD, HEARD)
    assert (miss.at_ns, miss.bound_ns) == (HEARD, UNKNOWN_BOUND_NS)


def test_the_number_of_the_memorys_life_stands_above_the_count_that_the_status_tells(clock):
    life = 0xABCDE << 12
    assert miss_of({**RECORD, "boot": str(life | 3)}, clock, PERIOD, HEARD).at_ns == 9_010 * MS


def test_the_same_count_in_another_life_of_the_memory_is_another_boot(clock):
    first, second = ({**RECORD, "boot": str(life << 12 | 3)} for life in (7, 8))
    assert miss_of(first, clock, PERIOD, HEARD).bound_ns == 120_000
    assert miss_of(second, clock, PERIOD, HEARD).bound_ns == UNKNOWN_BOUND_NS
    clock.learn("base: clock", {"locked": "true", "offset_ns": "6000000000", "bound_us": "90"})
    assert miss_of(second, clock, PERIOD, HEARD).at_ns == 10_010 * MS


def test_a_clock_that_is_not_locked_says_nothing():
    clock = BoardClock()
    clock.learn("base: loop", {"boot_count": "3"})
    clock.learn("base: clock", {"locked": "false", "offset_ns": "0", "bound_us": "inf"})
    assert miss_of(RECORD, clock, PERIOD, HEARD).bound_ns == UNKNOWN_BOUND_NS


@pytest.mark.parametrize(
    ("cause", "stall_ms", "told"),
    [
        ("late_release", 13.0, "host_stall"),
        ("skipped", 7.0, "host_stall"),
        ("preempted", 6.9, "preempted"),
        ("own_overrun", 20.0, "own_overrun"),
        ("late_release", None, "late_release"),
    ],
)
def test_what_the_bystander_shares_is_the_hosts_doing_but_never_the_boards_own_work(
    clock, cause, stall_ms, told
):
    miss = miss_of({**RECORD, "cause": cause}, clock, PERIOD, HEARD, stall_ms)
    assert miss.cause == told
    assert miss.evidence.get("host_stall_ms") == stall_ms


def test_a_gap_keeps_its_counts_as_evidence(clock):
    miss = miss_of(GAP, clock, PERIOD, HEARD)
    assert miss.cause == "gap"
    assert (miss.evidence["first_sequence"], miss.evidence["late_release"], miss.evidence["skipped"]) == (
        5,
        4,
        1,
    )
    assert Miss.from_json(miss.to_json()) == miss
