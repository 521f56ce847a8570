"""Perception's steps: ordered by cost, down at once, up slowly, each change told and counted."""

from __future__ import annotations

import pytest

from takt.vision.quality import Quality, Step, in_order

MS = 1_000_000
FULL, INT8, SMALL = Step("at full", 20.0), Step("in INT8", 12.0), Step("at a smaller picture", 5.0)
HALF = Step("at a smaller picture, every second frame", 5.0, every=2)


def quality(said: list[str] | None = None) -> Quality:
    return Quality([FULL, INT8, SMALL, HALF], 33.0, (said if said is not None else []).append)


def test_steps_that_are_not_cheaper_are_left_out() -> None:
    slow_int8, near = Step("in INT8", 25.0), Step("at a smaller picture", 19.0)
    kept, left_out = in_order([FULL, slow_int8, near, SMALL, HALF])
    assert kept == [FULL, SMALL, HALF] and left_out == [slow_int8, near]
    assert in_order([FULL]) == ([FULL], [])


def test_the_order_is_announced_with_what_was_left_out() -> None:
    said: list[str] = []
    Quality([FULL, Step("in INT8", 25.0), SMALL], 33.0, said.append)
    assert said == [
        "quality steps: at full 20.0 ms > at a smaller picture 5.0 ms; not cheaper, left out: in INT8"
    ]


def test_a_model_five_times_slower_leads_down_within_three_frames() -> None:
    said: list[str] = []
    one = quality(said)
    steps = [one.after(5 * FULL.cost_ms, False, frame * 100 * MS) for frame in range(3)]
    assert steps[2] is INT8 and one.changes == {"in INT8": 1}
    assert said[-1] == "perception looks in INT8: 100 ms a frame"


def test_one_late_frame_alone_changes_nothing() -> None:
    one = quality()
    for frame in range(100):
        one.after(50.0 if frame % 2 else 20.0, False, frame * 33 * MS)
    assert one.step is FULL


def test_frames_that_came_too_late_count_as_pressure() -> None:
    one = quality()
    one.after(0.0, True, 0), one.after(0.0, True, 33 * MS)
    assert one.step is INT8


def test_it_stays_down_while_the_better_step_would_not_fit_and_comes_up_within_two_seconds_of_health() -> (
    None
):
    one, now_ns = quality(), 0
    for _ in range(4):
        one.after(100.0, False, now_ns)
    assert one.step is SMALL
    for _ in range(90):  # 3 s at 2.5 times the cost: the better step would take 30 of 33 ms
        now_ns += 33 * MS
        one.after(2.5 * SMALL.cost_ms, False, now_ns)
    assert one.step is SMALL
    healthy_ns = now_ns
    while one.step is SMALL:
        now_ns += 33 * MS
        one.after(SMALL.cost_ms, False, now_ns)
    assert now_ns - healthy_ns <= 1100 * MS
    while one.step is not FULL and now_ns - healthy_ns < 5000 * MS:
        now_ns += 33 * MS
        one.after(INT8.cost_ms, False, now_ns)
    assert now_ns - healthy_ns <= 2200 * MS and one.changes == {
        "in INT8": 2,
        "at a smaller picture": 1,
        "at full": 1,
    }


def test_it_never_swings_between_two_steps_under_steady_load() -> None:
    """Everything takes twice its cost: the full look would take 40 ms of 33, so it is not tried again and again."""
    one, now_ns = quality(), 0
    for _ in range(600):
        now_ns += 33 * MS
        one.after(2.0 * one.step.cost_ms, False, now_ns)
    assert one.step is INT8 and sum(one.changes.values()) == 1


def test_the_last_step_is_the_last() -> None:
    one = quality()
    for frame in range(50):
        one.after(200.0, False, frame * MS)
    assert one.step is HALF and HALF.load_ms == pytest.approx(2.5)
