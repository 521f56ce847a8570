"""The verdict: a good run passes, and each thing that can be wrong is told by itself."""

import copy

import pytest

from takt.demo.verdict import failures

GOOD = {
    "mission": {
        "target_visible_ratio": 0.97,
        "distance_error_m": {"p50": 0.05, "p95": 0.2},
        "target_path_m": 12.0,
        "robot_path_m": 10.0,
        "collisions": 0,
    },
    "latency_ms": {"photon_to_motor": {"p99": 60.0, "count": 900}},
    "state": {"final": "NOMINAL"},
    "link": {"crc_errors": 0},
}


def test_a_good_run_has_no_failures():
    assert failures(GOOD, fifo_granted=True) == []


@pytest.mark.parametrize(
    ("path", "value", "word"),
    [
        (("mission", "target_visible_ratio"), 0.89, "visible in 89%"),
        (("mission", "distance_error_m", "p95"), 0.36, "distance error"),
        (("mission", "distance_error_m", "p95"), None, "distance error"),
        (("mission", "collisions"), 1, "1 collisions"),
        (("mission", "robot_path_m"), 1.0, "robot drove"),
        (("state", "final"), "HOLD", "final state HOLD"),
        (("link", "crc_errors"), 2, "2 CRC errors"),
        (("latency_ms", "photon_to_motor", "count"), 0, "no command"),
        (("latency_ms", "photon_to_motor", "p99"), 101.0, "photon to motor"),
    ],
)
def test_each_failure_is_told(path, value, word):
    report = copy.deepcopy(GOOD)
    place = report
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    told = failures(report, fifo_granted=True)
    assert len(told) == 1
    assert word in told[0]


def test_latency_is_judged_only_where_fifo_was_granted():
    report = copy.deepcopy(GOOD)
    report["latency_ms"]["photon_to_motor"]["p99"] = 500.0
    assert failures(report, fifo_granted=False) == []
