"""Scenario files: what ships can be read, and what is wrong is told with its line."""

from __future__ import annotations

from dataclasses import fields
from itertools import product
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.twin.command import seeds_of
from takt.twin.episode import Arena, Episode, LineQuality, Sight
from takt.twin.faults import KINDS
from takt.twin.scenario_file import Expect, load, parse, shipped

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
        (GOOD.replace("at_s: 5", "at_s: 50"), r"mine.yaml:4: faults.0.at_s: 50 is after the end at 30"),
        (GOOD.replace("for_s: 1", "for_s: .nan"), r"mine.yaml:4: faults.0.for_s: nan is out of range"),
        (GOOD.replace("for_s: 1", "strength: 2, for_s: 1"), r"mine.yaml:4: faults.0.strength: 2 is out of"),
        (GOOD + "line:\n  baud: 0\n", r"mine.yaml:8: line.baud: 0 is out of range"),
        (GOOD + "line:\n  baud: .inf\n", r"mine.yaml:8: line.baud: inf does not fit"),
        (GOOD + "sight: {miss_rate: 1.5}\n", r"mine.yaml:7: sight.miss_rate: 1.5 is out of range"),
        (GOOD + "  misses: {own_overrum: 1}\n", r"mine.yaml:7: expect.misses.own_overrum: .* is no cause"),
        (GOOD + "  misses: {own_overrun: x}\n", r"mine.yaml:7: expect.misses.own_overrun: 'x' is no count"),
        (GOOD + "  misses: 3\n", r"mine.yaml:7: expect.misses: a mapping of keys was expected"),
        (GOOD + "seconds: 40\n", r"mine.yaml:7: seconds: stands in line 2 already"),
        (GOOD + "1: 2\n", r"mine.yaml:7: 1: is no key here"),
        (GOOD + "arena: &a\n  obstacles: *a\n", r"mine.yaml:8: arena.obstacles: contains itself"),
        (GOOD + "operator: !!python/name:os.system\n", r"mine.yaml:7: could not determine a constructor"),
        ("[" * 3000, r"mine.yaml:1: nested too deeply"),
        ("", r"mine.yaml:1: a mapping of keys was expected"),
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


VALUES = (
    "null",
    "[]",
    "{}",
    "x",
    "-1",
    ".nan",
    "-.inf",
    "true",
    "1e99",
    "2024-01-01",
    "!!binary aGk=",
    "'5'",
)
SECTIONS = {"": Episode, "arena": Arena, "sight": Sight, "line": LineQuality, "expect": Expect}


def test_no_value_of_any_key_ends_in_anything_but_an_error_with_its_place():
    """Each key of each section with values that do not belong there: taken, or refused in words."""
    for section, kind in SECTIONS.items():
        for key, value in product([one.name for one in fields(kind)], VALUES):
            line = f"{section}: {{{key}: {value}}}\n" if section else f"{key}: {value}\n"
            try:
                parse("description: A day.\n" + line, HERE).episode(0)
            except TaktError as error:
                assert str(error).startswith("mine.yaml:2: ")


def test_a_file_that_is_no_text_or_not_there_is_told(tmp_path):
    path = tmp_path / "odd.yaml"
    path.write_bytes(b"description: A day.\nseconds: \xff\n")
    with pytest.raises(TaktError, match="odd.yaml:2: no text in UTF-8"):
        load(str(path))
    with pytest.raises(TaktError, match="cannot be read"):
        load(str(tmp_path / "none.yaml"))


@pytest.mark.parametrize(
    "text", ["5-3", "x", "3", "-1-2", "1-", "0-4294967296", "0-99999999999999", "0-4000000000"]
)
def test_seeds_out_of_range(text):
    """None of them makes a list of four thousand million numbers first."""
    with pytest.raises(TaktError, match="seed|runs"):
        seeds_of(text)


def test_seeds_include_both_ends():
    assert seeds_of("3-5") == [3, 4, 5]
    assert seeds_of("4294967295-4294967295") == [2**32 - 1]


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
