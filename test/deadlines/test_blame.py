"""Which evidence leads to which cause: one row a rule, then the order, the thresholds, and "unknown"."""

import pytest

from takt.deadlines import blame
from takt.deadlines.miss import HOST_CAUSES, UNKNOWN

QUIET = {"window_ms": 30.0, "cpu_ms": 1.0, "run_queue_wait_ms": 0.2, "gc_pause_ms": 0.0, "blocked_ms": 0.1}
LATE_MS = 10.0

ROWS = [
    ("start_up", {"before_start_ms": 12.0}),
    ("clock", {"clock_step_ms": 40.0}),
    ("clock", {"clock_step_ms": -40.0}),
    ("throttled", {"throttled_ms": 8.0}),
    ("host_stall", {"host_stall_ms": 9.0}),
    ("host_stall", {"steal_ms": 10.0}),
    ("gc_pause", {"gc_pause_ms": 9.0}),
    ("run_queue_wait", {"run_queue_wait_ms": 9.0}),
    ("page_fault", {"major_faults": 3.0, "blocked_ms": 9.0}),
    ("page_fault", {"minor_faults": 4000.0, "kernel_cpu_ms": 9.0, "cpu_ms": 10.0}),
    ("page_fault", {"memory_stall_ms": 9.0, "blocked_ms": 9.0}),
    ("board_late", {"board_late_ms": 20.0}),
    ("link_loss", {"link_loss_ms": 20.0, "link_lost": 2.0}),
    ("link_delay", {"link_delay_ms": 30.0}),
    ("link_blocked", {"link_silence_ms": 30.0, "link_delay_ms": 2.0}),
    ("inference_frozen", {"inference_ms": 66.0, "inference_cancelled": 1.0}),
    ("inference", {"inference_ms": 43.0}),
    ("stale_input", {"input_age_ms": 70.0}),
    ("stale_input", {"source_ms": 40.0, "blocked_ms": 38.0}),
    ("queue", {"queue_ms": 30.0}),
    ("middleware", {"middleware_ms": 12.0}),
    ("starved", {"blocked_ms": 12.0}),
    ("own_work", {"cpu_ms": 12.0}),
]


@pytest.mark.parametrize(("cause", "found"), ROWS)
def test_each_rule_by_its_own_evidence(cause, found):
    assert blame.decide({**QUIET, **found}, LATE_MS) == cause


def test_every_cause_of_the_host_has_a_rule_and_a_row():
    assert {rule.cause for rule in blame.RULES} == set(HOST_CAUSES) == {cause for cause, _ in ROWS}


@pytest.mark.parametrize("outer", range(len(blame.RULES)))
def test_the_outer_cause_wins_over_every_inner_one(outer):
    """Evidence of two causes, each enough and of like size: the one that stands first in the order."""
    first = {rule.cause: found for rule in blame.RULES for cause, found in ROWS if cause == rule.cause}
    names = [rule.cause for rule in blame.RULES]
    for inner in names[outer + 1 :]:
        both = {**QUIET, **first[inner], **first[names[outer]]}
        amounts = blame.amounts_ms(both)
        comparable = blame.COMPARABLE * max(amounts.values())
        if amounts[names[outer]] >= max(LATE_MS * blame.ENOUGH, comparable):
            assert names.index(blame.decide(both, LATE_MS)) <= outer


def test_a_slow_model_is_not_blamed_for_the_time_that_others_took_from_it():
    waited = {**QUIET, "inference_ms": 60.0, "run_queue_wait_ms": 45.0}
    assert blame.decide(waited, 27.0) == "run_queue_wait"
    alone = {**QUIET, "inference_ms": 60.0, "run_queue_wait_ms": 5.0}
    assert blame.decide(alone, 27.0) == "inference"


def test_a_source_that_computes_is_not_one_that_keeps_the_thread_waiting():
    assert blame.decide({**QUIET, "source_ms": 25.0, "cpu_ms": 24.0}, LATE_MS) == "own_work"


def test_few_new_pages_do_not_make_a_page_fault():
    assert (
        blame.decide({**QUIET, "minor_faults": 20.0, "kernel_cpu_ms": 9.0, "cpu_ms": 9.5}, LATE_MS)
        == "own_work"
    )


@pytest.mark.parametrize(
    ("amount_ms", "cause"), [(5.0, "gc_pause"), (4.9, "gc_pause"), (3.0, "gc_pause"), (2.9, UNKNOWN)]
)
def test_half_settles_it_three_tenths_are_worth_naming_and_less_is_unknown(amount_ms, cause):
    assert blame.decide({"gc_pause_ms": amount_ms}, LATE_MS) == cause


def test_when_none_settles_it_the_largest_counts():
    evidence = {"gc_pause_ms": 3.1, "run_queue_wait_ms": 4.5}
    assert blame.decide(evidence, LATE_MS) == "run_queue_wait"


def test_no_evidence_is_unknown():
    assert blame.decide({}, LATE_MS) == UNKNOWN
    assert blame.decide(QUIET, LATE_MS) == UNKNOWN


def test_an_outer_cause_that_another_dwarfs_is_not_the_cause():
    """A few ms in the run queue happen to every long pass on a busy machine."""
    assert blame.decide({**QUIET, "run_queue_wait_ms": 12.1, "inference_ms": 66.0}, 18.0) == "inference"
    assert blame.decide({**QUIET, "run_queue_wait_ms": 40.0, "host_stall_ms": 3.0}, 5.0) == "run_queue_wait"


def test_a_clock_that_is_slewed_has_not_stepped():
    assert blame.decide({**QUIET, "clock_step_ms": 0.6}, 0.5) != "clock"


def test_work_that_waited_behind_other_work_of_its_thread_was_not_starved():
    assert blame.decide({**QUIET, "queue_ms": 34.3, "blocked_ms": 61.1, "window_ms": 99.0}, 7.5) == "queue"


def test_a_thread_that_another_threads_collection_kept_from_running_was_not_starved():
    """Measured: two collections of a storm, and the interpreter's handing over between them."""
    held_up = {**QUIET, "window_ms": 73.1, "cpu_ms": 6.0, "gc_pause_ms": 36.8, "blocked_ms": 65.8}
    assert blame.decide(held_up, 15.6) == "gc_pause"
    assert blame.decide({**held_up, "gc_pause_ms": 6.0}, 15.6) == "starved"


def test_who_waited_for_another_thread_that_waited_for_a_processor_waited_for_it_too():
    """The interpreter's holder was pushed off its processor; a stopped process waits in no run queue."""
    held_up = {**QUIET, "blocked_ms": 60.0, "other_threads_wait_ms": 58.0}
    assert blame.decide(held_up, 40.0) == "run_queue_wait"
    assert blame.decide({**held_up, "other_threads_wait_ms": 2.0}, 40.0) == "starved"
    assert blame.decide({**held_up, "blocked_ms": 0.1, "cpu_ms": 50.0}, 40.0) == "own_work"
