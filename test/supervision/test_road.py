"""RoadJoin: rows of planner and agent and the board's report become one journey an observation."""

from takt.supervision.road import RoadJoin

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
