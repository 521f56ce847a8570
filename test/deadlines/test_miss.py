"""Miss: one line there and back, and what is refused."""

import json

import pytest

from takt.deadlines import Miss
from takt.deadlines.miss import BOARD_CAUSES, CAUSES, HOST_CAUSES

MISS = Miss(
    "planner", 7, 3, "plan", 1_700_000_000_000_000_001, 0, 12_000_000, "gc_pause", {"gc_pause_ms": 11.5}
)


def test_a_miss_is_one_line_and_comes_back_the_same():
    line = MISS.to_json()
    assert "\n" not in line
    assert Miss.from_json(line) == MISS
    assert MISS.identity == ("planner", 7, 3)


def test_stamps_keep_every_nanosecond():
    assert Miss.from_json(MISS.to_json()).at_ns == 1_700_000_000_000_000_001


@pytest.mark.parametrize(
    ("key", "value", "names"),
    [
        ("cause", "the weather", "cause"),
        ("sequence", "3", "sequence"),
        ("at_ns", 1.5, "at_ns"),
        ("epoch", True, "epoch"),
        ("source", "", "source"),
        ("evidence", {"gc_pause_ms": "much"}, "gc_pause_ms"),
        ("evidence", [1], "evidence"),
    ],
)
def test_a_wrong_value_is_refused_by_name(key, value, names):
    row = MISS.values() | {key: value}
    with pytest.raises(ValueError, match=names):
        Miss.from_json(json.dumps(row))


@pytest.mark.parametrize("line", ["", "[]", "{", "3"])
def test_what_is_no_object_is_refused(line):
    with pytest.raises(ValueError, match="JSON object"):
        Miss.from_json(line)


def test_infinite_evidence_is_no_json_and_refused():
    line = MISS.to_json().replace("11.5", "Infinity")
    with pytest.raises(ValueError, match="finite"):
        Miss.from_json(line)


def test_no_cause_means_two_things():
    assert len(set(CAUSES)) == len(CAUSES)
    assert not set(HOST_CAUSES) & set(BOARD_CAUSES)
