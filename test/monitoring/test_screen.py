"""What `takt top` draws, from the very snapshot that the page gets."""

from __future__ import annotations

import re

import pytest

from takt.dashboard.state import RobotState
from takt.monitoring import screen, top

NOW_NS = 1_700_000_000_000_000_000


@pytest.fixture
def state(contract, robot_speaks) -> RobotState:
    made = RobotState(contract)
    for name, heard in robot_speaks(9, NOW_NS).items():
        made.set_status(name, heard.level, heard.message, heard.values, NOW_NS)
    made.set_rung("NOMINAL", "", "", {"NOMINAL": 9.0}, NOW_NS)
    return made


def drawn(state: RobotState, after_s: float = 0.5, colours: bool = False) -> list[str]:
    return screen.lines(state.snapshot(NOW_NS + int(after_s * 1e9)), colours=colours)


def line(lines: list[str], begin: str) -> str:
    matches = [one for one in lines if one.startswith(begin)]
    assert len(matches) == 1, (begin, lines)
    return matches[0]


def test_a_whole_robot(state):
    lines = drawn(state)
    assert line(lines, "host ladder").split() == ["host", "ladder", "NOMINAL"]
    assert line(lines, "board ladder").split() == ["board", "ladder", "NOMINAL", "armed"]
    name, p50, p99, longest, budget, passes, over, skipped = line(lines, "detect ").split()
    assert name == "detect" and float(p50) == pytest.approx(4.0, rel=0.06) and float(longest) == 4.0
    assert (float(budget), passes, over, skipped) == (33.0, "300", "0", "30") and float(p99) <= 4.2
    assert line(lines, "photon_to_motor").split()[1:5] == ["0.90", "0.90", "0.90", "100.0"]
    assert "own_overrun 900, late_release 900" in line(lines, "board loop")
    assert "900 records" in line(lines, "ledger")
    assert "connected  round trip 2100 us  rx 900" in line(lines, "link, board")
    assert "in 9000 out - bytes/s  sessions 1" in line(lines, "link, agent")
    assert line(lines, "clock").split()[1:] == ["locked", "true", "to", "180", "us", "drift", "12.5", "ppm"]
    assert "breaker CLOSED" in line(lines, "detector")


def test_reasons_faults_and_stop_are_told(state):
    state.set_rung("HOLD", "perception stale", "camera", {}, NOW_NS)
    words = {"rung": "SAFE", "reason": "fault", "fault": "stall", "armed": "false"}
    state.set_status("base: safety", "ERROR", "", words, NOW_NS)
    state.press_stop()
    lines = drawn(state)
    assert "HOLD" in line(lines, "host") and "perception stale  waits for camera" in line(lines, "host")
    assert line(lines, "board ladder").split()[2:] == ["SAFE", "fault", "disarmed", "fault", "stall"]
    assert line(lines, "STOP") == "STOP pressed  supervisor: no answer yet"


def test_an_empty_robot_is_silence_and_no_error(contract):
    lines = drawn(RobotState(contract))
    assert sum("nothing heard" in one for one in lines) == 11  # ladders, stages, loop, link twice, clock


def test_what_fell_silent_says_for_how_long(state):
    assert not any("old" in one for one in drawn(state, 4.0))
    aged = drawn(state, 12.0)
    for part in ("host", "board ladder", "plan", "board loop", "link, board", "clock"):
        assert line(aged, part).endswith("12 s old")


def test_over_budget_is_red(state):
    late = {"p50": "4", "p95": "9", "p99": "41.5", "max": "80", "count": "9", "misses": "1"}
    state.set_status("detector: detect", "WARN", "", late, NOW_NS)
    row = line(drawn(state, colours=True), "detect ")
    assert re.findall(r"\x1b\[31m *([\d.]+)\x1b\[0m", row) == ["41.50", "80.00"]


def test_without_colours_there_is_no_escape(state):
    assert "\x1b" not in "".join(drawn(state))


def test_a_frame_fits_the_terminal(state):
    shown = drawn(state, colours=True)
    text = top.frame("title", shown, (40, 9))
    rows = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", text).split("\r\n")
    assert len(rows) == 9 and max(map(len, rows)) <= 40
    assert text.startswith("\x1b[H") and text.endswith("\x1b[J")
