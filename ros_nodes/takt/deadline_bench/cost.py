"""What measuring costs: each kind of event in a tight loop, times how often it comes at 30 frames and 100 cycles."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from takt.deadlines import Journey
from takt.deadlines.journey import stretches
from takt.frames.journal import Journal
from takt.link.line_watch import AnswerWatch, LineWatch
from takt.realtime.bystander import Bystander
from takt.realtime.machine import MachineCounters
from takt.realtime.stage import WatchedStage
from takt.supervision.road import LINK_WIDTH, PLAN_WIDTH, RoadJoin

_ROUNDS, _BATCHES = 300, 21
_BESIDE = 2


@dataclass(frozen=True)
class Event:
    """``per_second``: in a running robot, all nodes together."""

    name: str
    per_second: float
    act: Callable[[], object]


def _events(stage: WatchedStage) -> list[Event]:
    plan = Journal.create("takt_cost.plan", PLAN_WIDTH, 128)
    link = Journal.create("takt_cost.link", LINK_WIDTH, 128)
    counters, line, answers = MachineCounters(), LineWatch(), AnswerWatch(1 << 60)
    answers.answer(1, 1, True, time.time_ns())
    ticks = iter(range(1, 1 << 40))

    def mark() -> None:
        stage.probe._newest_ns = 0  # every call counts: marks closer than 2 ms would be one
        stage.begin()

    def hear() -> None:
        now_ns = next(ticks) * 10_000_000
        line.heard(now_ns)
        line.aged(now_ns, 2_000_000)
        line.counted(now_ns, 0)

    def answer() -> None:
        now_ns = time.time_ns()
        answers.written(now_ns, now_ns)
        answers.answer(now_ns, now_ns, True, now_ns)

    rows = [
        Event("stage_begin", 30 + 30 + 200 + 300, mark),
        Event("stage_rest", 560, lambda: stage.rested(1)),
    ]
    rows += [Event("stage_record", 30 + 30 + 60 + 60, lambda: stage.record(0, 1_000_000))]
    rows += [Event("late_wake_check", 30 + 200, lambda: stage.wake_late(0, 0))]
    rows += [Event("queue_depth", 30, lambda: stage.queued(0))]
    rows += [Event("road_of_the_planner", 30, lambda: plan.append(1, 2, 3, 4, 5, 6))]
    rows += [Event("road_of_the_agent", 30, lambda: link.append(1, 2, 3, 4))]
    rows += [Event("line_watch", 300, hear), Event("answer_watch", 60, answer)]
    rows += [Event("overdue_check", 300, lambda: answers.overdue(0))]
    rows += [Event("machine_sample", 20, counters.read), Event("bystander_turn", 100, _bystander_turn())]
    return [*rows, Event("journey", 30, _journey())]


def _bystander_turn() -> Callable[[], object]:
    stalls, samples = Journal.create("takt_cost.stalls", 2, 256), Journal.create("takt_cost.samples", 4, 256)
    clock = iter(range(0, 1 << 50, 5_000_000))
    bystander = Bystander(stalls, samples, lambda: (0, 0, 0), True, lambda: next(clock), lambda seconds: None)
    return bystander.turn


def _journey() -> Callable[[], object]:
    join, ticks = RoadJoin(), iter(range(1 << 40))

    def one() -> None:
        seen = next(ticks) * 33_000_000
        join.planned([(seen, seen + 1, seen + 2, seen + 3, seen + 4, seen + 5)])
        join.sent([(seen, seen + 6, seen + 7, seen + 8)])
        journey = join.applied(seen, seen + 9, "applied", 100)
        assert isinstance(journey, Journey) and stretches(seen, {}, 0) == ()
        journey.to_json()

    return one


def measure() -> dict[str, dict[str, float]]:
    """Event -> ns (median of batches, with spread), how often a second, and percent of a core."""
    with contextlib.closing(WatchedStage("plan", 1e9, lambda late: None)) as stage, _threads_beside():
        rows = {event.name: _cost(event) for event in _events(stage)}
    for path in Path("/dev/shm").glob("takt_cost.*"):
        path.unlink(missing_ok=True)
    return rows


@contextlib.contextmanager
def _threads_beside() -> Iterator[None]:
    """As a node has them: executor and misses, whose waits a mark reads too."""
    over = threading.Event()
    threads = [threading.Thread(target=over.wait) for _ in range(_BESIDE)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _cost(event: Event) -> dict[str, float]:
    batches = []
    for _ in range(_BATCHES):
        begun_ns = time.thread_time_ns()
        for _ in range(_ROUNDS):
            event.act()
        batches.append((time.thread_time_ns() - begun_ns) / _ROUNDS)
    middle, low, high = np.percentile(batches, (50, 5, 95))
    percent = middle * event.per_second / 1e9 * 100.0
    return {
        "ns": round(float(middle)),
        "ns_p5": round(float(low)),
        "ns_p95": round(float(high)),
        "per_second": event.per_second,
        "percent": round(float(percent), 4),
    }
