"""Recorded conversations of the official client and agent, replayed against our core."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.link.refs import Profiles
from takt.link.replay import Replay, main, replay_folder
from takt.link.trace import load

ROOT = Path(__file__).resolve().parents[2]
TRACES = Path(os.environ.get("TAKT_SHARED", ROOT.parent / "shared")) / "link" / "traces"
NAMES = sorted(path.stem for path in TRACES.glob("*.json") if path.stem != "INDEX")

OWN = Path(__file__).parent / "recorded"  # made by record_conversations.py with the official agent 3.0.1

recorded = pytest.mark.skipif(not NAMES, reason=f"no recordings in {TRACES} (TAKT_SHARED names their folder)")


@recorded
@pytest.mark.parametrize("name", NAMES)
def test_our_agent_answers_as_the_recorded_one(name):
    assert Replay(load(TRACES / f"{name}.json"), Profiles.load(TRACES / "refs.xml")).run().startswith("ok")


@pytest.mark.parametrize("name", sorted(path.stem for path in OWN.glob("*.json")))
def test_our_agent_answers_as_the_official_one_did(name):
    """Forms, flags, errors, odd orders, losses: what the official agent said to each of them."""
    assert Replay(load(OWN / f"{name}.json"), Profiles.load(OWN / "refs.xml")).run().startswith("ok")


@recorded
def test_the_sequence_cut_is_found_and_only_that():
    cuts = {name: load(TRACES / f"{name}.json").cuts() for name in NAMES}
    assert {name for name, found in cuts.items() if found} == {"seqwrap"}
    assert cuts["seqwrap"] == {40}


def recording(frames: list[tuple[float, str, str]]) -> dict:
    return {"name": "made", "frames": [{"t_s": t, "dir": way, "hex": data} for t, way, data in frames]}


HELLO = (0.0, "c2a", "7e010018008000000000011000585243450100010f112233448100fc017552")
WELCOME = (0.001, "a2c", "7e000113008100000004010b000000585243450100010f0000ec")


def test_a_recording_of_our_own(tmp_path, capsys):
    """Runs where no recordings are at hand too: the greeting is one of the official peers' own frames."""
    (tmp_path / "made.json").write_text(json.dumps(recording([HELLO, WELCOME])))
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "made ok\n"


@pytest.mark.parametrize(
    "frames",
    [
        [HELLO],
        [HELLO, WELCOME, (0.002, "a2c", WELCOME[2])],
        [HELLO, (0.001, "a2c", "7e00010e008180000005010600000a000100002a2b")],
    ],
)
def test_a_recording_that_differs_is_told(tmp_path, capsys, frames):
    (tmp_path / "made.json").write_text(json.dumps(recording(frames)))
    assert main([str(tmp_path)]) == 1
    assert "differs at frame" in capsys.readouterr().out


@recorded
@pytest.mark.parametrize("name", ["service", "frag", "uros", "lossy_rel"])
def test_every_missing_answer_is_noticed(name):
    """Take one compared answer away from the recording: the replay must see it."""
    trace = load(TRACES / f"{name}.json")
    profiles = Profiles()
    answers = [
        frame
        for frame in trace.frames
        if frame.direction == "a2c" and any(part.kind == 5 for part in frame.submessages())
    ]
    for gone in answers[:: max(len(answers) // 5, 1)]:
        harmed = type(trace)(trace.name, tuple(frame for frame in trace.frames if frame is not gone))
        assert not Replay(harmed, profiles).run().startswith("ok")


def test_a_folder_without_traces(tmp_path):
    with pytest.raises(TaktError, match="no traces"):
        replay_folder(tmp_path)


def test_a_file_that_is_no_trace(tmp_path):
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(TaktError, match="is no trace"):
        replay_folder(tmp_path)
