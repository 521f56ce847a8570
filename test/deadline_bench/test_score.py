"""Scoring: which misses belong to a fault, which cause is right for it, and what is nobody's fault."""

from takt.deadline_bench.kinds import KINDS
from takt.deadline_bench.score import Injection, Seen, ratios, score, sequences
from takt.deadlines.miss import CAUSES

MS = 1_000_000
START = 1_700_000_000_000_000_000


def line(stage, cause, at_ms, late_ms=10, **more):
    row = {
        "stage": stage,
        "cause": cause,
        "at_ns": START + at_ms * MS,
        "late_ns": late_ms * MS,
        "evidence": {},
    }
    return Seen({**row, "source": "planner", "epoch": 1, "sequence": 1, **more}, 0)


def injected(kind="gc_storm", at_ms=0, for_ms=80):
    return Injection(kind, START + at_ms * MS, START + (at_ms + for_ms) * MS)


def test_there_are_twelve_kinds_and_their_causes_exist():
    assert len(KINDS) == 12
    assert all(kind.right <= set(CAUSES) and kind.stages for kind in KINDS)


def test_a_miss_inside_of_the_aimed_at_stage_is_right_or_wrong_by_its_cause():
    seen = [line("plan", "gc_pause", 40), line("plan", "starved", 90), line("plan", "unknown", 95)]
    one = score([injected()], seen, [])["gc_storm"]
    assert (one.injected, one.misses, one.right, one.unknown, one.without_miss) == (1, 3, 1, 1, 0)
    assert ratios({"gc_storm": one}) == {
        "blame_correct_ratio": 0.3333,
        "blame_unknown_ratio": 0.3333,
        "blame_misses": 3,
        "blame_worst_kind_ratio": 0.3333,
    }


def test_what_another_stage_suffers_is_told_and_not_scored():
    one = score([injected()], [line("link", "middleware", 40)], [])["gc_storm"]
    assert (one.misses, one.without_miss) == (0, 1)
    assert one.knock_on == {"link: middleware": 1}


def test_a_miss_long_before_or_after_is_not_this_faults():
    seen = [line("plan", "starved", -40), line("plan", "starved", 80 + 260)]
    assert score([injected()], seen, [])["gc_storm"].misses == 0


def test_a_pass_that_was_done_before_the_fault_began_is_not_this_faults():
    before, into_it = line("plan", "own_work", -7, late_ms=1), line("plan", "gc_pause", -7, late_ms=20)
    one = score([injected()], [before, into_it], [])["gc_storm"]
    assert (one.misses, one.right) == (1, 1)


def test_a_stall_that_the_bare_loop_shares_is_nobodys_fault_and_one_that_it_does_not_is_a_wrong_blame():
    seen = [line("plan", "host_stall", 40)]
    shared = score([injected()], seen, [(START + 30 * MS, 5 * MS)])["gc_storm"]
    assert (shared.misses, shared.host_stalls, shared.without_miss) == (0, 1, 0)
    alone = score([injected()], seen, [(START + 300 * MS, 5 * MS)])["gc_storm"]
    assert (alone.misses, alone.right, alone.host_stalls) == (1, 0, 0)


def test_nothing_to_score_is_no_success():
    assert ratios(score([], [], []))["blame_correct_ratio"] == 0.0


def test_holes_and_repeats_in_a_nodes_numbers_are_counted():
    rows = [line("plan", "clock", 0, sequence=n).row for n in (1, 2, 4, 4)]
    assert sequences(rows) == (1, 1)
    gap = {**rows[0], "cause": "gap", "sequence": 7, "evidence": {"first_sequence": 3.0, "misses": 5.0}}
    assert sequences([*rows[:2], gap]) == (0, 0)
    assert sequences([*rows[:2], {**gap, "evidence": {"first_sequence": 2.0}}]) == (0, 1)
    other_epoch = {**rows[0], "epoch": 2, "sequence": 2}
    assert sequences([*rows[:2], other_epoch]) == (1, 0)
    assert sequences([{**rows[0], "board": {"boot": "1"}, "sequence": 9}]) == (0, 0)


def test_a_detector_whose_picture_came_late_is_the_cameras_follower():
    camera, detector = line("capture", "run_queue_wait", 20), line("detect", "stale_input", 40)
    both = score([injected("cpu_hogs")], [camera, detector], [])["cpu_hogs"]
    assert (both.misses, both.right, both.knock_on) == (1, 1, {"detect: stale_input": 1})
    alone = score([injected("cpu_hogs")], [detector], [])["cpu_hogs"]
    assert (alone.misses, alone.right) == (1, 0)
