"""What is read from a run, and what is said where something is missing or broken."""

from __future__ import annotations

import shutil

import pytest

from takt.errors import TaktError
from takt.report.run_folder import read_run, stretch_of

from .conftest import FRAMES, MISS, MS, OFFSET_NS, SECOND_NS, START_NS


def test_everything_of_a_run_is_there(record):
    assert (len(record.journeys), len(record.applied), len(record.cycles)) == (FRAMES, FRAMES, 300)
    assert record.photon_to_motor_ms()[0] == (START_NS, 20.0)
    assert record.cycles[1].at_ns == START_NS + 10 * MS and record.cycles[1].right_rad_s == 1.5
    assert [(step.computer, step.rung, step.reason) for step in record.rungs] == [
        ("host", "NOMINAL", ""),
        ("board", "NOMINAL", ""),
        ("host", "SAFE", "link"),
        ("board", "SAFE", "link"),
        ("host", "NOMINAL", ""),
        ("board", "NOMINAL", ""),
    ]
    assert record.latest("base: clock").number("bound_us") == 150.0
    assert [fault.kind for fault in record.faults] == ["cut_link"]
    assert record.log[0].text == "SAFE: <link>"
    assert record.results["seconds"] == 3.0
    assert record.span_ns == (START_NS, START_NS + 3 * SECOND_NS)


def test_misses_of_the_ledger_and_of_the_board_are_each_there_once(record):
    assert [(miss.source, miss.cause) for miss in record.misses] == [
        ("base", "skipped"),
        ("base", "skipped"),
        ("detector", "inference"),
    ]
    assert record.misses[0].at_ns == OFFSET_NS + 6910 * MS and record.misses[0].bound_ns == 150_000
    assert record.misses[2] == MISS


def test_a_line_that_was_cut_off_is_told(record):
    assert record.notes == ["1 of 2 lines of ledger.jsonl cannot be read"]


def test_a_recording_alone_is_a_run_too(run_folder):
    (recording,) = (run_folder / "recordings").iterdir()
    record = read_run(recording)
    assert len(record.journeys) == FRAMES and record.results == {} and record.notes == []


def test_a_truncated_recording_gives_what_is_whole_and_says_so(run_folder, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(run_folder, folder)
    (recording,) = (folder / "recordings").iterdir()
    whole = recording.read_bytes()
    recording.with_name(recording.name + ".part").write_bytes(whole[: len(whole) - 40])
    recording.unlink()
    (folder / "results.json").unlink()
    record = read_run(folder)
    assert len(record.journeys) == FRAMES
    assert "ends early or is damaged" in record.notes[0]
    assert "no results.json" in record.notes[1]


@pytest.mark.parametrize("content", [b"", b"rubbish", b"\x89MCAP0\r\n"])
def test_nothing_to_read_is_an_error_that_says_why(tmp_path, content):
    file = tmp_path / "box.mcap"
    file.write_bytes(content)
    with pytest.raises(TaktError, match=r"nothing of a run .*box\.mcap ends early or is damaged"):
        read_run(file)


def test_a_folder_without_a_run_and_none_at_all(tmp_path):
    with pytest.raises(TaktError, match="no recording; no results.json"):
        (tmp_path / "empty").mkdir()
        read_run(tmp_path / "empty")
    with pytest.raises(TaktError, match="there is no run at"):
        read_run(tmp_path / "missing")


def test_a_stretch_of_a_run_keeps_the_rungs_that_held(record):
    cut = stretch_of(record, 2.5, 2.8)
    assert len(cut.cycles) == 31 and 8 <= len(cut.journeys) <= 10
    assert {(step.computer, step.rung, step.at_ns) for step in cut.rungs} == {
        (computer, "SAFE", START_NS + 5 * SECOND_NS // 2) for computer in ("host", "board")
    }
    assert [one.kind for one in stretch_of(record, 2.0, 2.1).faults] == ["cut_link"]
    assert stretch_of(record, 0.0, float("inf")) is record


@pytest.mark.parametrize(
    "from_s, to_s", [(9.0, 10.0), (2.0, 1.0), (-1.0, 2.0), (1.0, 1.0), (float("nan"), 2.0)]
)
def test_a_stretch_with_nothing_in_it_is_an_error(record, from_s, to_s):
    with pytest.raises(TaktError, match="nothing from"):
        stretch_of(record, from_s, to_s)
