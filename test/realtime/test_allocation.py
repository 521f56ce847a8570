"""Measuring keeps nothing: a thousand passes leave as many blocks of memory as there were, and few in between."""

import gc
import sys
import tracemalloc

import pytest

from takt.deadlines import Histogram
from takt.frames.journal import Journal
from takt.realtime.stage import WatchedStage

_PASSES = 1000
_TRANSIENT_BYTES = 4096  # numbers and tuples that live for one statement


@pytest.fixture
def cycle(tmp_path, monkeypatch):
    """What capture and planner do beside their work in each cycle."""
    monkeypatch.setattr("takt.frames.segment.SHM", tmp_path)
    stage = WatchedStage("capture", 1e9, lambda late: None)
    road = Journal.create("robot.plan", 6, 16)

    def one(number):
        stage.probe._newest_ns = 0  # every pass marks, as passes 10 ms apart do
        stage.begin()
        stage.rested(1_000_000)
        stage.wake_late(number, number + 100_000)
        stage.queued(number % 3)
        stage.record(number, number + 3_000_000 + number % 7 * 100_000)
        road.append(number, 1, 2, 3, 4, 5)

    for number in range(100):
        one(number)
    yield one
    stage.close()


def test_a_thousand_cycles_keep_no_memory(cycle):
    gc.collect()
    gc.disable()
    try:
        before = sys.getallocatedblocks()
        for number in range(_PASSES):
            cycle(number)
        kept = sys.getallocatedblocks() - before
    finally:
        gc.enable()
    assert kept <= 40  # numbers beyond the interpreter's small ones that replaced others; not one a cycle


def test_what_a_cycle_needs_in_between_does_not_grow(cycle):
    tracemalloc.start()
    try:
        for number in range(100):  # what is kept for good is kept under this watch, too
            cycle(number)
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(_PASSES):
            cycle(number)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak - before < _TRANSIENT_BYTES


def test_a_histogram_counts_a_thousand_durations_in_the_memory_that_it_was_made_with():
    histogram = Histogram()
    for us in range(1, 2000):
        histogram.add(us * 7.3)
    before = len(histogram._buckets)
    for us in range(1, 2000):
        histogram.add(us * 7.3)
    assert len(histogram._buckets) == before
    assert histogram.count == 2 * 1999
