"""Scenario files: what ships can be read, and what is wrong is told with its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.twin.faults import KINDS
from takt.twin.scenario_file import load, parse, shipped

HERE = Path("mine.yaml")
GOOD = "description: A day.\nseconds: 30\nfaults:\n  - {kind: line_cut, at_s: 5, for_s: 1}\nexpect:\n  reaches: SAFE\n"


def test_at_least_twelve_ship_and_follow_is_first():
    names = shipped()
    assert names[0] == "follow"
    assert len(names) >= 12
    for name in names:
        scenario = load(name)
        assert scenario.episode(3).seed == 3
        assert len(scenario.description) > 30


def test_a_file_says_what_an_episode_is():
    scenario = parse(GOOD, HERE)
    episode = scenario.episode(9)
    assert (episode.name, episode.seed, episode.seconds) == ("mine", 9, 30)
    assert [fault.kind for fault in episode.faults] == ["line_cut"]
    assert scenario.expect.reaches == "SAFE"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (GOOD.replace("line_cut", "line_cat"), r"mine.yaml:4: faults.0.kind: no fault is called 'line_cat'"),
        (GOOD.replace("seconds: 30", "seconds: 3"), r"mine.yaml:2: seconds: 3 is out of range"),
        (GOOD.replace("seconds: 30", "secunds: 30"), r"mine.yaml:2: secunds: is no key here"),
        (GOOD.replace("at_s: 5", "at_s: 50"), r"mine.yaml:4: faults.0.at_s: 50 is out of range"),
        (GOOD.replace("at_s: 5, ", ""), r"mine.yaml:4: faults.0: at_s is missing"),
        (GOOD.replace("reaches: SAFE", "reaches: SAVE"), r"mine.yaml:6: expect.reaches: 'SAVE' is no rung"),
        (GOOD.replace("description: A day.\n", ""), r"mine.yaml:1: description: is missing"),
        (GOOD + "  - [", r"mine.yaml:\d+: "),
        ("- just\n- a list\n", r"mine.yaml:1: a mapping of keys was expected"),
        (GOOD + "rearm: perhaps\n", r"mine.yaml:7: rearm: 'perhaps' does not fit"),
        (GOOD.replace("seconds: 30", "seconds: long"), r"mine.yaml:2: seconds: 'long' does not fit"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text, says):
    with pytest.raises(TaktError, match=says):
        parse(text, HERE)


def test_names_and_seeds_out_of_range():
    with pytest.raises(TaktError, match="there is no scenario 'folow'"):
        load("folow")
    with pytest.raises(TaktError, match="seed -1 is out of range"):
        load("follow").episode(-1)


def test_every_fault_has_a_place_and_a_sentence():
    assert len(KINDS) >= 30
    places = {"host", "link", "board", "sensor", "actuator", "power", "time", "person"}
    assert {kind.where for kind in KINDS.values()} == places
    assert all(kind.what and 0.0 < kind.shortest_s <= kind.longest_s for kind in KINDS.values())
