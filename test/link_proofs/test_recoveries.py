"""The proof of recoveries: how it judges, and one round over all its kinds in small."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from takt.link_proofs import recoveries
from takt.link_proofs.recovery_trial import AGENT_KINDS, KINDS, Outcome, Traffic, judge
from takt.link_proofs.tap import LineTap

S = 1_000_000_000
GOOD = Outcome(0, "cable_cut", 0.1, 0.2, 0.3, 0)


def rig_of(**events: list) -> SimpleNamespace:
    tap = LineTap()
    for name, rows in events.items():
        getattr(tap, name).extend(rows)
    return SimpleNamespace(tap=tap, domain=7)


def heard(*rows: tuple[int, bytes]) -> Traffic:
    traffic = Traffic()
    traffic.heard[7] = deque(rows)
    return traffic


def test_a_sample_from_before_the_line_was_whole_is_not_good():
    rig = rig_of(joints=[(1 * S, b"old"), (3 * S, b"new")], commands=[(3 * S, 1 * S), (4 * S, 3 * S)])
    outcome = judge(rig, heard((3 * S, b"old"), (5 * S, b"new")), 0, "cable_cut", 2 * S)
    assert (outcome.serial_s, outcome.to_host_s, outcome.to_board_s) == (2.0, 3.0, 2.0)


def test_samples_before_the_last_login_do_not_count():
    rig = rig_of(
        joints=[(3 * S, b"lost"), (6 * S, b"kept")],
        commands=[(3 * S, 3 * S), (7 * S, 6 * S)],
        logins_ns=[4 * S],
        welcomes_ns=[5 * S],
    )
    outcome = judge(rig, heard((3 * S, b"lost"), (6 * S, b"kept")), 0, "noise", 2 * S)
    assert (outcome.to_host_s, outcome.to_board_s, outcome.logins) == (4.0, 5.0, 1)


def test_a_board_that_was_reset_must_log_in():
    rig = rig_of(joints=[(3 * S, b"a")], commands=[(3 * S, 3 * S)])
    assert not judge(rig, heard((3 * S, b"a")), 0, "firmware_killed", 2 * S).recovered


def test_every_limit_can_fail():
    good = recoveries.summary({0: GOOD, 1: replace(GOOD, index=1, kind="agent_killed")}, [])
    assert recoveries.holds(good)
    for bad in (
        {"recoveries_ok": 1},
        {"recovery_p99_s": 1.1},
        {"recovery_agent_p99_s": 1.1},
        {"recovery_ros_p99_s": 5.1},
        {"agent_growth": [{**grown(), "rss_kb_at_end": 9000}]},
        {"agent_growth": [{**grown(), "nodes_at_end": 2}]},
        {"agent_growth": [{**grown(), "descriptors_at_end": 30}]},
    ):
        assert not recoveries.holds({**good, **bad})


def grown() -> dict[str, int]:
    rows = [
        {"pid": 1, "after": after, "rss_kb": 1000, "nodes": 1, "descriptors": 20, "threads": 5}
        for after in (10, 100)
    ]
    return recoveries.summary({}, [rows])["agent_growth"][0]


def test_one_that_did_not_recover_is_counted():
    result = recoveries.summary({0: GOOD, 1: replace(GOOD, index=1, to_host_s=None)}, [])
    assert (result["recoveries_tried"], result["recoveries_ok"]) == (2, 1) and not recoveries.holds(result)


def test_every_kind_has_a_lane():
    assert {recoveries.lane_of(index) for index in range(20)} == set(range(recoveries.LANES))
    assert len(KINDS) == 10 and set(AGENT_KINDS) < set(KINDS)


@pytest.mark.system
def test_ten_recoveries_over_all_kinds(tmp_path, more_domains):
    pytest.importorskip("rclpy", reason="ROS 2 is not available to Python")
    firmware = Path(__file__).resolve().parents[2] / "build/firmware/takt_firmware"
    if not firmware.exists():
        pytest.skip("takt_firmware is not built: ./run firmware")
    given = recoveries.parser().parse_args(
        [
            "--count",
            "10",
            "--state",
            str(tmp_path),
            "--firmware",
            str(firmware),
            "--domain",
            str(more_domains(2 * recoveries.LANES)),
            "--noise-s",
            "1",
            "--limit-s",
            "150",
        ]
    )
    recoveries.run_lanes(tmp_path, given)
    outcomes, _ = recoveries.read_outcomes(tmp_path)
    assert sorted(outcomes) == list(range(10))
    assert [outcome for outcome in outcomes.values() if not outcome.recovered] == []
