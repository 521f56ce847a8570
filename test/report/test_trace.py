"""The trace, held against the rules of the Trace Event Format by a parser that knows no mercy."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

import pytest

from takt.report import trace_command
from takt.report.page import report_page
from takt.report.trace import trace
from takt.report.trace_events import TraceEvents

from .conftest import FRAMES, MISS, SLOW_FRAME

COMMON = {"ph": str, "pid": int, "tid": int, "ts": (int, float), "name": str}
MORE: dict[str, dict[str, Any]] = {
    "X": {"cat": str, "dur": (int, float), "args": dict},
    "i": {"cat": str, "s": str, "args": dict},
    "C": {"cat": str, "args": dict},
    "M": {"cat": str, "args": dict},
    "s": {"cat": str, "id": int},
    "t": {"cat": str, "id": int},
    "f": {"cat": str, "id": int, "bp": str},
}
METADATA = {
    "process_name": "name",
    "thread_name": "name",
    "process_sort_index": "sort_index",
    "thread_sort_index": "sort_index",
}


class Trace:
    """A parsed trace: tracks by name, and every event checked. Raises AssertionError for what breaks a rule."""

    def __init__(self, text: str) -> None:
        document = json.loads(text, parse_constant=self._no_constant)
        assert isinstance(document, dict) and set(document) <= {"traceEvents", "displayTimeUnit", "otherData"}
        assert document["displayTimeUnit"] in ("ms", "ns")
        assert all(isinstance(value, str) for value in document["otherData"].values())
        self.events: list[dict[str, Any]] = document["traceEvents"]
        assert isinstance(self.events, list) and self.events
        self.processes: dict[int, str] = {}
        self.tracks: dict[tuple[int, int], str] = {}
        for event in self.events:
            self._check(event)
        self._check_names()
        self._check_nesting()
        self._check_flows()

    def of(self, process: str, track: str) -> list[dict[str, Any]]:
        """Events of a track and of its further lanes."""
        places = {
            place
            for place, name in self.tracks.items()
            if (name == track or name.startswith(f"{track} (")) and self.processes[place[0]] == process
        }
        return [
            event for event in self.events if (event["pid"], event["tid"]) in places and event["ph"] in "Xi"
        ]

    @staticmethod
    def _no_constant(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    def _check(self, event: dict[str, Any]) -> None:
        fields = COMMON | MORE[event["ph"]]
        assert set(event) == set(fields), event
        for key, kind in fields.items():
            assert isinstance(event[key], kind) and not isinstance(event[key], bool), (key, event)
        assert math.isfinite(event["ts"]) and event["pid"] > 0
        if event["ph"] == "X":
            assert event["dur"] >= 0
        if event["ph"] == "i":
            assert event["s"] in ("g", "p", "t")
        if event["ph"] == "C":
            assert event["args"] and all(isinstance(value, (int, float)) for value in event["args"].values())
        if event["ph"] == "f":
            assert event["bp"] == "e"
        if event["ph"] == "M":
            assert list(event["args"]) == [METADATA[event["name"]]]
            if event["name"] == "process_name":
                self.processes[event["pid"]] = event["args"]["name"]
            if event["name"] == "thread_name":
                self.tracks[event["pid"], event["tid"]] = event["args"]["name"]

    def _check_names(self) -> None:
        """Every event is on a process and, curves aside, on a track that has a name."""
        for event in self.events:
            assert event["pid"] in self.processes
            if event["ph"] not in ("C", "M"):
                assert (event["pid"], event["tid"]) in self.tracks, event
        assert len(set(self.tracks.values())) > 1

    def _check_nesting(self) -> None:
        """Slices of a track lie one in another or apart, in whole nanoseconds."""
        by_track = defaultdict(list)
        for event in self.events:
            if event["ph"] == "X":
                begin_ns, end_ns = round(event["ts"] * 1e3), round((event["ts"] + event["dur"]) * 1e3)
                by_track[event["pid"], event["tid"]].append((begin_ns, -end_ns))
        self.slices = {
            track: [(begin, -end) for begin, end in sorted(rows)] for track, rows in by_track.items()
        }
        for rows in self.slices.values():
            open_ends: list[int] = []
            for begin_ns, end_ns in rows:
                while open_ends and open_ends[-1] <= begin_ns:
                    open_ends.pop()
                assert not open_ends or end_ns <= open_ends[-1]
                open_ends.append(end_ns)

    def _check_flows(self) -> None:
        """Each begins once, ends once, in order of time, and every stop lies within a slice of its track."""
        self.flows: dict[tuple[str, str, int], list[dict[str, Any]]] = defaultdict(list)
        for event in self.events:
            if event["ph"] in ("s", "t", "f"):
                self.flows[event["cat"], event["name"], event["id"]].append(event)
                at_ns = round(event["ts"] * 1e3)
                rows = self.slices[event["pid"], event["tid"]]
                assert any(begin <= at_ns <= end for begin, end in rows), event
        for stops in self.flows.values():
            phases = [stop["ph"] for stop in stops]
            assert phases[0] == "s" and phases[-1] == "f" and set(phases[1:-1]) <= {"t"}
            assert [stop["ts"] for stop in stops] == sorted(stop["ts"] for stop in stops)


@pytest.fixture
def parsed(record) -> Trace:
    return Trace(json.dumps(trace(record), allow_nan=False))


def test_host_and_board_stand_on_one_timeline(parsed):
    assert list(parsed.processes.values()) == ["host", "board", "ladder", "curves"]
    for stage in ("capture", "detect", "plan", "link"):
        assert sum(event["ph"] == "X" for event in parsed.of("host", stage)) == FRAMES
    applied = [event for event in parsed.of("board", "apply") if event["ph"] == "X"]
    assert len(applied) == FRAMES and applied[0]["dur"] == 4000.0
    slow = [event for event in parsed.of("host", "detect") if event["ph"] == "X" and event["dur"] > 50_000]
    assert [event["args"]["frame"] for event in slow] == [SLOW_FRAME + 1]


def test_an_arrow_leads_each_frame_from_the_light_to_the_motor(parsed):
    assert len(parsed.flows) == FRAMES
    stops = parsed.flows["flow", "frame to motor", 1]
    names = [parsed.tracks[stop["pid"], stop["tid"]] for stop in stops]
    assert names == ["capture", "ring", "detect", "plan_wait", "plan", "middleware", "link", "apply"]
    assert [parsed.processes[stop["pid"]] for stop in (stops[0], stops[-1])] == ["host", "board"]


def test_frames_that_overlap_get_a_lane_of_their_own(parsed):
    lanes = {name for name in parsed.tracks.values() if name.startswith("detect")}
    assert lanes == {
        "detect",
        "detect (2)",
    }  # 83 ms: two other frames are taken meanwhile, one after the other


def test_cycles_rungs_misses_faults_and_curves(parsed):
    cycles = [event for event in parsed.of("board", "control cycle") if event["ph"] == "X"]
    assert len(cycles) == 299 and all(event["args"]["period_ms"] == 10.0 for event in cycles)
    rungs = [(event["name"], event["args"]["reason"]) for event in parsed.of("ladder", "board")]
    assert rungs == [("NOMINAL", ""), ("SAFE", "link"), ("NOMINAL", "")]
    (miss,) = parsed.of("host", "misses")
    assert miss["name"] == "detector detect: inference" and miss["args"]["inference_ms"] == 83.0
    assert miss["args"]["late_ms"] == MISS.late_ns / 1e6
    assert len(parsed.of("board", "misses")) == 2
    assert [event["name"] for event in parsed.of("host", "faults brought in")] == ["cut_link"]
    curves = {event["name"] for event in parsed.events if event["ph"] == "C"}
    assert {"photon to motor", "clock error bound", "link round trip", "wheel speed rad/s"} <= curves


def test_cycles_that_joint_states_did_not_tell_are_no_cycles(record):
    del record.cycles[100:150]
    parsed = Trace(json.dumps(trace(record)))
    names = [event["name"] for event in parsed.of("board", "control cycle")]
    assert names.count("cycles that were not told") == 1 and len(names) == 249


def test_a_run_whose_recorder_died_at_once_still_has_a_trace_and_a_page(record):
    """What is left is the ledger; the trace ended in a traceback here."""
    for rows in (record.journeys, record.cycles, record.applied, record.rungs, record.log, record.faults):
        rows.clear()
    record.statuses.clear()
    parsed = Trace(json.dumps(trace(record), allow_nan=False))
    assert parsed.of("ladder", "host") == [] and len(parsed.of("host", "misses")) == 1
    assert "inference" in report_page(record)


def test_the_command_writes_the_file_and_says_what_was_missing(run_folder, tmp_path, capsys):
    assert trace_command.main([str(run_folder), "--out", str(tmp_path / "trace.json")]) == 0
    Trace((tmp_path / "trace.json").read_text())
    assert "note: 1 of 2 lines of ledger.jsonl cannot be read" in capsys.readouterr().out


def test_the_parser_bites():
    events = TraceEvents(0)
    first = events.slice("host", "a", "one", 0, 10_000)
    second = events.slice("host", "b", "two", 5000, 20_000)
    events.flow(1, "f", [(first, 0), (second, 5000)])
    good = events.document({})
    Trace(json.dumps(good))
    for break_it in (
        lambda event: event.update(ph="Z"),
        lambda event: event.update(ts=float("nan")),
        lambda event: event.pop("name"),
        lambda event: event.update(pid=99),
        lambda event: event.update(surplus=1),
    ):
        for number in range(len(good["traceEvents"])):
            broken = json.loads(json.dumps(good))
            break_it(broken["traceEvents"][number])
            with pytest.raises((AssertionError, KeyError)):
                Trace(json.dumps(broken))
    for late in (-1.0, 11.0):  # an arrow that does not start at its slice
        broken = json.loads(json.dumps(good))
        next(event for event in broken["traceEvents"] if event["ph"] == "s")["ts"] = late
        with pytest.raises(AssertionError):
            Trace(json.dumps(broken))
