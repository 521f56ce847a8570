"""The demo cannot pass without its parts: each one taken away must make the run fail and say so."""

import subprocess
import sys
from pathlib import Path

import pytest

from takt.report.run_folder import read_run

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]


def failed_report(run):
    status, _, err = run.finish()
    report = run.report()
    assert status == 1
    assert report["ok"] is False
    assert err.startswith("failed: ")
    assert err.count("\n") == 1
    return report


def test_a_blanked_camera_ends_with_ok_false(start_demo):
    report = failed_report(start_demo("--seconds", "10", "--fault", "blank_camera@2"))
    assert report["mission"]["target_visible_ratio"] < 0.5


def test_an_untrained_model_ends_with_ok_false(start_demo, tmp_path):
    script = [sys.executable, str(ROOT / "sim/train_detector.py"), "--untrained", "--out", str(tmp_path)]
    subprocess.run(script, check=True, timeout=400)
    (weights,) = tmp_path.glob("*.onnx")
    report = failed_report(start_demo("--seconds", "8", "--weights", str(weights)))
    assert report["mission"]["target_visible_ratio"] < 0.5


def test_a_cut_line_ends_with_ok_false_and_a_standing_robot(start_demo):
    run = start_demo("--seconds", "8", "--fault", "line_cut@3+30")  # from the third second that it drives
    report = failed_report(run)
    assert report["state"]["final"] == "SAFE"
    # The black box has it; the misses that come first may have begun it, and given it their name.
    records = [read_run(box) for box in sorted((run.run_dir / "recordings").glob("box-*.mcap"))]
    assert records
    record = records[-1]
    host = [step for step in record.rungs if step.computer == "host"]
    # When the run has ended its faults do, too, before its processes: on a busy machine the robot is back by then.
    assert [step.rung for step in host if step.at_ns <= report["ended_ns"]][-1] == "SAFE"
    assert len(record.cycles) > 30 and "agent: link" in record.statuses
