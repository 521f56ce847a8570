"""What is concluded from a run: who was slow, which causes, and how much of the road is explained."""

from takt.deadlines import Miss
from takt.report import findings

from .conftest import FRAMES, SLOW_FRAME


def test_percentiles_by_nearest_rank():
    spread = findings.spread([float(n) for n in range(1, 101)])
    assert (spread.p50, spread.p95, spread.p99, spread.max, spread.count) == (51.0, 96.0, 100.0, 100.0, 100)
    assert findings.spread([]) is None
    assert findings.spread([7.0]).p50 == 7.0


def test_each_stretch_has_its_durations(record):
    values = findings.stretch_values_ms(record.journeys)
    assert list(values) == ["capture", "ring", "detect", "plan_wait", "plan", "middleware", "link", "apply"]
    assert len(values["detect"]) == FRAMES and max(values["detect"]) == 83.0
    assert findings.explained_ratio(record.journeys) == 1.0
    assert findings.explained_ratio([]) is None


def test_the_slowest_frame_names_the_stretch_and_what_was_near(record):
    slow = findings.slowest(record)
    assert len(slow) == 10
    assert (slow[0].number, slow[0].blame, slow[0].excess_ms) == (SLOW_FRAME + 1, "detect", 80.0)
    assert "detector inference 50.0 ms late" in slow[0].near
    assert "fault brought in: cut_link" in slow[0].near


def test_causes_count_what_a_gap_stands_for():
    late = [("gc_pause", {"gc_pause_ms": ms}) for ms in (3.0, 9.0, 5.0)]
    misses = [
        Miss("planner", 1, n, "plan", n, 0, n * 1_000_000, cause, evidence)
        for n, (cause, evidence) in enumerate(late, 1)
    ]
    gap = {"skipped": 4.0, "preempted": 2.0, "cycle": 9.0}
    misses.append(Miss("base", 1, 9, "control", 50, 0, 7_000_000, "gap", gap))
    rows = findings.causes(misses)
    assert [(row.source, row.cause, row.count) for row in rows] == [
        ("base", "skipped", 4),
        ("planner", "gc_pause", 3),
        ("base", "preempted", 2),
    ]
    assert rows[1].evidence == {"gc_pause_ms": (5.0, 9.0)} and rows[1].late_max_ms == 3.0
    assert rows[0].evidence == {}
