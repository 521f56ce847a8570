"""The main job: the robot follows its target through real parts from camera to motor."""

import contextlib
import json
import os
import signal
import time

import pytest
from mcap.reader import make_reader

from takt.recording.shelf import complete_parts
from takt.report.page import report_page
from takt.report.run_folder import read_run
from takt.report.trace import trace

pytestmark = pytest.mark.system

KEYS = {
    "": {
        "seconds",
        "seed",
        "contract_hash",
        "mission",
        "control",
        "latency_ms",
        "frames",
        "link",
        "state",
        "ok",
    },
    "mission": {"target_visible_ratio", "distance_error_m", "target_path_m", "robot_path_m", "collisions"},
    "control": {"period_ms", "cycles", "misses", "release_jitter_us", "execution_us"},
    "latency_ms": {"capture", "detect", "plan", "link", "photon_to_motor"},
    "frames": {"captured", "detected", "skipped_stale"},
    "link": {"rx", "tx", "crc_errors", "retransmits", "reconnects", "clock_error_bound_us"},
    "state": {"final", "seconds_in"},
}


ATTEMPTS = 3  # a machine that stood still for seconds drove nobody


def medians(report):
    """Photon to motor holds every stage plus the waits between them, so the medians cannot exceed it."""
    found = {stage: figures["p50"] for stage, figures in report["latency_ms"].items()}
    return 0.0 < found["capture"] + found["detect"] < found["photon_to_motor"]


def follows(report):
    """Half of what the demo itself demands: its bars are for a quiet machine, and it says when it missed them."""
    mission = report["mission"]
    return (
        mission["target_visible_ratio"] > 0.7
        and mission["distance_error_m"]["p50"] < 0.35
        and mission["robot_path_m"] > 0.5 * mission["target_path_m"] > 2.0
        and mission["collisions"] == 0
    )


def keeps_its_grid(report):
    control = report["control"]
    due = 100 * control["seconds_since_firmware_start"]
    return abs(control["cycles"] - due) <= 0.01 * due


DEMANDS = {
    "the robot follows": follows,
    "every stage of the road is passed many times": lambda report: all(
        figures["count"] > 300 for figures in report["latency_ms"].values()
    ),
    "frames are detected": lambda report: (
        report["frames"]["detected"] > 0.8 * report["frames"]["captured"] > 500
    ),
    "the stages add up to less than the whole": medians,
    "the loop keeps its grid": keeps_its_grid,
    "the line is clean": lambda report: report["link"]["crc_errors"] == 0 and report["link"]["rx"] > 500,
    "the clock is known": lambda report: report["link"]["clock_error_bound_us"] < 10_000,
}


def one_run(start_demo):
    """The recorder, which is soft work, is killed on the way: the robot must not care, nor the recording be lost."""
    run = start_demo("--seconds", "25", "--seed", "1")
    run.wait_for_line("board armed")
    sizes: set[int] = set()
    while len(sizes) < 3:  # something is in it, and went to the disk
        assert run.popen.poll() is None, run.popen.communicate()
        sizes |= {part.stat().st_size for part in (run.run_dir / "recordings").glob("run-*.mcap.part")}
        time.sleep(0.1)
    os.kill(run.pids()["recorder"], signal.SIGKILL)
    return run, *run.finish()


@pytest.fixture(scope="module")
def followed_run(start_demo, skip_without_real_time):
    """The first of a few runs that meets all demands, else the last: then the test of what is missing says so."""
    for _ in range(ATTEMPTS):
        made = one_run(start_demo)
        report = made[0].report()
        if all(meets(report, demand) for demand in DEMANDS):
            return made
    skip_without_real_time(made[0].run_dir)
    return made


def meets(report, demand):
    with contextlib.suppress(TypeError):  # a figure of nothing is None
        return DEMANDS[demand](report)
    return False


@pytest.fixture(scope="module")
def followed(followed_run):
    run, status, out, err = followed_run
    report = run.report()
    print(json.dumps(report, indent=1), out, err)
    return status, report, out


@pytest.mark.parametrize("demand", DEMANDS)
def test_a_run_meets_what_is_demanded(followed, demand):
    _, report, _ = followed
    assert meets(report, demand), json.dumps(report, indent=1)


def test_the_status_is_what_the_report_says(followed):
    status, report, _ = followed
    assert status == (0 if report["ok"] else 1)
    assert report["ok"] == ("failed" not in report)


def test_the_report_has_the_promised_keys(followed):
    _, report, _ = followed
    for place, keys in KEYS.items():
        assert keys <= set(report[place] if place else report), place
    for stage, figures in report["latency_ms"].items():
        assert {"p50", "p95", "p99", "max", "count"} <= set(figures), stage
    assert set(report["state"]["seconds_in"]) == {"NOMINAL", "REDUCED", "HOLD", "SAFE"}


def test_a_person_gets_a_table_and_a_status_line(followed):
    _, _, out = followed
    assert "photon_to_motor" in out
    assert "NOMINAL" in out


def test_the_recording_is_whole_though_its_recorder_was_killed(followed_run):
    """On a machine so busy that the second recorder did not end in time, the third would complete its file, too."""
    run, *_ = followed_run
    folder = run.run_dir / "recordings"
    complete_parts(folder)
    ends = []
    for path in sorted(folder.glob("run-*")):
        with path.open("rb") as file:
            reader = make_reader(file)
            assert reader.get_summary().statistics.message_count > 0
            ends.append({one.name: one.metadata for one in reader.iter_metadata()}["takt_end"]["ended"])
    assert ends[0] == "cut off" and set(ends[1:]) <= {"cut off", "the recorder ended"}


def test_report_and_trace_show_the_run(followed_run):
    run, *_ = followed_run
    complete_parts(run.run_dir / "recordings")
    record = read_run(run.run_dir)
    assert record.notes == []
    assert len(record.journeys) > 300 and len(record.cycles) > 1000
    assert {"host", "board"} == {step.computer for step in record.rungs}
    assert "From the light to the motor" in report_page(record)
    phases = {event["ph"] for event in trace(record)["traceEvents"]}
    assert {"X", "C", "M", "s", "t", "f"} <= phases
