"""WatchedStage: a late pass comes with what happened to its thread; one in time costs nothing and tells nothing."""

import gc
import hashlib
import mmap
import os
import sys
import threading
import time

import pytest

from takt.deadlines import blame
from takt.realtime.stage import WatchedStage

MS = 1_000_000
LIMIT_S = 60.0


@pytest.fixture
def watched():
    """``watched(budget_ms)``: a stage and the list of what it tells."""
    made = []

    def make(budget_ms=1.0):
        told = []
        made.append(WatchedStage("plan", budget_ms, told.append))
        return made[-1], told

    yield make
    for stage in made:
        stage.close()


def pass_of(stage, work):
    stage.begin()
    entered_ns = time.time_ns()
    work()
    stage.record(entered_ns, time.time_ns())


def spin_cpu_ms(milliseconds):
    end_ns = time.thread_time_ns() + milliseconds * MS
    while time.thread_time_ns() < end_ns:
        pass


def test_a_pass_in_time_tells_nothing(watched):
    stage, told = watched(budget_ms=10_000.0)
    pass_of(stage, lambda: None)
    assert told == [] and stage.misses == 0


def test_a_late_pass_is_told_with_its_deadline_and_its_own_processor_time(watched):
    stage, told = watched()
    pass_of(stage, lambda: spin_cpu_ms(30))
    late = told[0]
    assert late.stage == "plan" and late.late_ns > 28 * MS
    assert late.end_ns - late.begin_ns >= 30 * MS
    assert 29.0 < late.evidence["cpu_ms"] <= late.evidence["window_ms"]
    assert abs(late.at_ns - time.time_ns()) < 60_000 * MS


def test_the_collectors_pause_is_seen(watched):
    stage, told = watched()

    def collect():
        keep = [[i] for i in range(400_000)]
        gc.collect()
        del keep

    pass_of(stage, collect)
    assert told[0].evidence["gc_pause_ms"] > 1.0


def test_new_pages_are_counted(watched):
    stage, told = watched()

    def touch():
        with mmap.mmap(-1, 64 << 20) as memory:
            for offset in range(0, 64 << 20, 4096):
                memory[offset] = 1

    pass_of(stage, touch)
    assert told[0].evidence["minor_faults"] > 8_000


def test_the_wait_of_another_thread_of_the_process_for_a_processor_is_counted(watched):
    """Two threads that never stop, bound to one processor: one of them waits for it."""
    stage, told = watched()
    stop, cpus = threading.Event(), os.sched_getaffinity(0)
    one_cpu = {min(cpus)}
    bound = threading.Barrier(3)

    def burn():
        os.sched_setaffinity(0, one_cpu)
        bound.wait()
        while not stop.is_set():
            hashlib.sha256(bytes(1 << 20)).digest()  # lets go of the interpreter

    others = [threading.Thread(target=burn) for _ in range(2)]
    for other in others:
        other.start()
    try:
        bound.wait()
        pass_of(stage, lambda: time.sleep(0.2))
    finally:
        stop.set()
        for other in others:
            other.join()
    assert told[0].evidence["other_threads_wait_ms"] > 20.0


def test_planned_rest_is_not_being_kept_from_work(watched):
    stage, told = watched()

    def rest():
        time.sleep(0.05)
        stage.rested(50 * MS)

    pass_of(stage, rest)
    assert told[0].evidence["blocked_ms"] < told[0].evidence["window_ms"] - 45.0


def test_a_thread_that_its_own_process_keeps_from_the_interpreter_is_starved(watched):
    stage, told = watched(budget_ms=5.0)
    switch_s, stop = sys.getswitchinterval(), threading.Event()

    def hold():
        while not stop.is_set():
            sum(range(20_000))

    holder = threading.Thread(target=hold)
    sys.setswitchinterval(0.08)
    try:
        holder.start()
        limit_s = time.monotonic() + LIMIT_S
        while not kept_by_others(told) and time.monotonic() < limit_s:
            pass_of(stage, lambda: time.sleep(0))  # in some passes the scheduler lets it go at once
    finally:
        stop.set()
        holder.join()
        sys.setswitchinterval(switch_s)
    late = kept_by_others(told)[0]
    assert blame.amounts_ms(late.evidence)["starved"] + late.evidence["run_queue_wait_ms"] > 0.0


def kept_by_others(told):
    return [late for late in told if late.evidence["other_threads_cpu_ms"] > 0.0]


def test_another_thread_may_take_over(watched):
    stage, told = watched()
    pass_of(stage, lambda: None)
    thread = threading.Thread(target=lambda: pass_of(stage, lambda: spin_cpu_ms(20)))
    thread.start()
    thread.join()
    assert 19.0 < told[-1].evidence["cpu_ms"] < told[-1].evidence["window_ms"] + 1.0


def test_what_began_before_its_thread_did_is_told_as_such(watched):
    stage, told = watched()
    entered_ns = time.time_ns() - 500 * MS
    stage.begin()
    stage.record(entered_ns, time.time_ns())
    assert blame.decide(told[0].evidence, told[0].late_ns / MS) == "start_up"


def test_a_late_wake_up_is_a_miss_from_the_budget_on(watched):
    stage, told = watched(budget_ms=10.0)
    stage.begin()
    now_ns = time.monotonic_ns()
    stage.wake_late(now_ns - 9 * MS, now_ns)
    assert told == []
    stage.wake_late(now_ns - 11 * MS, now_ns)
    assert told[0].late_ns == 1 * MS
    assert stage.misses == 1


def test_only_an_open_stage_has_the_collector_watched():
    """The count once stayed with the collector for good, and was told of collections in whatever ran later."""
    before, first = list(gc.callbacks), WatchedStage("plan", 1.0, lambda late: None)
    second = WatchedStage("apply", 1.0, lambda late: None)
    assert len(gc.callbacks) == len(before) + 1
    first.close()
    first.close()
    assert len(gc.callbacks) == len(before) + 1
    second.close()
    assert gc.callbacks == before
