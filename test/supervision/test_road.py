"""RoadJoin: rows of planner and agent and the board's report become one journey an observation."""

import pytest

from takt.deadlines import Miss
from takt.supervision.road import RoadJoin, SlowRoads

MS = 1_000_000
SEEN = 1_700_000_000_000_000_000


def plan_row(seen=SEEN):
    return (seen, *(seen + ms * MS for ms in (6, 7, 20, 23, 24)))


def link_row(seen=SEEN):
    return (seen, seen + 23 * MS, seen + 25 * MS, seen + 26 * MS)


def joined():
    join = RoadJoin()
    join.planned([plan_row()])
    join.sent([link_row()])
    return join


def test_the_whole_road_is_told_at_the_first_application_and_only_then():
    join = joined()
    journey = join.applied(SEEN, SEEN + 34 * MS, "applied", 100)
    assert journey.explained and journey.sum_ns == 34 * MS
    assert join.applied(SEEN, SEEN + 44 * MS, "applied", 100) is None


def test_the_send_itself_belongs_to_the_planner():
    """The middleware stamps a sample before the planner's call returns."""
    road = {
        name: (entered, left)
        for name, entered, left in joined().applied(SEEN, SEEN + 34 * MS, "applied", 0).stages
    }
    assert road["plan"][1] == road["middleware"][0] == SEEN + 24 * MS


def test_an_agent_that_left_no_row_leaves_a_road_that_explains_nothing():
    join = RoadJoin()
    join.planned([plan_row()])
    journey = join.applied(SEEN, SEEN + 34 * MS, "applied", 0)
    assert [name for name, _, _ in journey.stages] == ["capture", "ring", "detect", "plan_wait", "plan"]
    assert not journey.explained


def test_a_refused_command_is_a_skipped_frame_with_the_boards_reason():
    journey = joined().applied(SEEN, 0, "stale", 0)
    assert journey.outcome == "skipped: stale"
    assert journey.stages[-1][0] == "link"


def test_a_refusal_of_what_nobody_sent_is_no_journey():
    assert RoadJoin().applied(0, 0, "no_command", 0) is None


def test_roads_that_never_end_are_forgotten():
    join = RoadJoin()
    join.planned(plan_row(SEEN + n) for n in range(2000))
    assert len(join._marks) <= 256


def slow(at_ms=0, ring_ms=90):
    """A frame that waited in the ring."""
    seen = SEEN + at_ms * MS
    marks = (6, 6 + ring_ms, 19 + ring_ms, 22 + ring_ms, 23 + ring_ms)
    join = RoadJoin()
    join.planned([(seen, *(seen + ms * MS for ms in marks))])
    join.sent([(seen, seen + (22 + ring_ms) * MS, seen + (24 + ring_ms) * MS, seen + (25 + ring_ms) * MS)])
    return join.applied(seen, seen + (33 + ring_ms) * MS, "applied", 0)


def miss(at_ms, late_ms, cause="run_queue_wait"):
    return Miss("detector", 1, 1, "detect", SEEN + at_ms * MS, 0, late_ms * MS, cause)


@pytest.fixture
def roads():
    made = SlowRoads(100 * MS)
    for number in range(20):
        made.travelled(slow(-1000 + number, ring_ms=1), 0)
    return made


def test_a_frame_in_time_is_no_miss(roads):
    assert roads.due(10**12) == []


def test_a_slow_frame_shares_the_cause_of_the_stage_that_was_late_on_its_way(roads):
    roads.missed(miss(-500, 10, "clock"))
    roads.travelled(slow(), 0)
    roads.missed(miss(33, 60))
    roads.missed(miss(300, 10, "gc_pause"))
    assert roads.due(SlowRoads.PATIENCE_NS - 1) == []
    ((journey, cause, evidence),) = roads.due(SlowRoads.PATIENCE_NS)
    assert cause == "run_queue_wait"
    assert evidence["ring_ms"] == 90.0 and journey.photon_to_motor_ns == 123 * MS
    assert roads.due(10**12) == []


def test_a_slow_frame_on_whose_way_nobody_was_late_is_unknown(roads):
    roads.travelled(slow(), 0)
    assert [cause for _, cause, _ in roads.due(10**12)] == ["unknown"]


def test_a_skipped_frame_is_not_slow(roads):
    roads.travelled(joined().applied(SEEN, 0, "stale", 0), 0)
    assert roads.due(10**12) == []
