"""Journey: the stretches in order, waits only between known stamps, and when their sum explains the whole."""

import pytest

from takt.deadlines import Journey
from takt.deadlines.journey import STRETCHES, stretches

MS = 1_000_000
SEEN = 1_700_000_000_000_000_000
MARKS_MS = {"capture": (0, 6), "detect": (7, 20), "plan": (23, 24), "middleware": (24, 25), "link": (25, 26)}


def marks(**changed):
    rows = {**MARKS_MS, **changed}
    return {k: (SEEN + a * MS, SEEN + b * MS) for k, (a, b) in rows.items() if (a, b) != (0, 0)}


def journey(applied_ms=34, **changed):
    applied_ns = SEEN + int(applied_ms * MS)
    return Journey(SEEN, stretches(SEEN, marks(**changed), applied_ns), applied_ns, 200_000)


def test_every_stretch_stands_in_order_and_the_next_begins_where_one_ends():
    road = journey().stages
    assert tuple(name for name, _, _ in road) == STRETCHES
    assert all(one[2] == other[1] for one, other in zip(road, road[1:], strict=False))


def test_a_whole_road_explains_photon_to_motor():
    whole = journey()
    assert whole.photon_to_motor_ns == whole.sum_ns == 34 * MS
    assert whole.explained


@pytest.mark.parametrize("gone", ["capture", "detect", "plan", "link"])
def test_a_stage_that_left_no_stamp_leaves_a_hole_that_is_seen(gone):
    holed = journey(**{gone: (0, 0)})
    assert gone not in [name for name, _, _ in holed.stages]
    assert not holed.explained


@pytest.mark.parametrize(("ahead_ms", "explained"), [(0.9, True), (1.1, False)])
def test_a_board_clock_that_is_ahead_of_the_agent_is_seen_from_a_millisecond_on(ahead_ms, explained):
    """Applied before it was sent: the last stretch counts nothing, so the sum is too long by that much."""
    assert journey(applied_ms=26 - ahead_ms).explained is explained


def test_two_per_cent_of_a_long_road_are_allowed():
    assert journey(
        applied_ms=326, detect=(7, 320), plan=(318, 319), middleware=(320, 321), link=(321, 322)
    ).explained


def test_a_skipped_frame_has_no_photon_to_motor():
    skipped = Journey(SEEN, stretches(SEEN, marks(), 0)[:3], 0, 0, "skipped: stale")
    assert skipped.photon_to_motor_ns == 0
    assert not skipped.explained


def test_a_journey_is_one_line_and_comes_back_the_same():
    line = journey().to_json()
    assert "\n" not in line
    assert Journey.from_json(line) == journey()


@pytest.mark.parametrize("line", ["{}", "[]", "3", "{", '{"observed_ns":1,"stages":[[1,2]]}'])
def test_what_is_no_journey_is_refused(line):
    with pytest.raises(ValueError, match="no journey"):
        Journey.from_json(line)
