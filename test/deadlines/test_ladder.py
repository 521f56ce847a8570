"""The ladder's table: every condition leads to its rung, the worst wins, the way up takes time."""

import dataclasses

import pytest

from takt.deadlines import Conditions, Ladder, Rung
from takt.deadlines.ladder import Limits, demanded

LIMITS = Limits(reduced_skip_ratio=0.3, hold_perception_age_ms=200, safe_link_silence_ms=500, recover_ms=500)
WELL = Conditions(perception_age_ms=40, link_age_ms=10, skip_ratio=0.0, board_rung=Rung.NOMINAL)
MS = 1_000_000

TABLE = [
    ({}, Rung.NOMINAL, ""),
    ({"skip_ratio": 0.31}, Rung.REDUCED, "frames skipped"),
    ({"skip_ratio": 0.30}, Rung.NOMINAL, ""),
    ({"perception_age_ms": 201}, Rung.HOLD, "perception stale"),
    ({"perception_age_ms": 200}, Rung.NOMINAL, ""),
    ({"board_rung": Rung.HOLD}, Rung.HOLD, "board holds"),
    ({"board_rung": Rung.SAFE}, Rung.SAFE, "board is safe"),
    ({"link_age_ms": 501}, Rung.SAFE, "link silent"),
    ({"link_age_ms": 500}, Rung.NOMINAL, ""),
    ({"stop_requested": True}, Rung.SAFE, "stop requested"),
    ({"stop_requested": True, "link_age_ms": 501, "skip_ratio": 1.0}, Rung.SAFE, "stop requested"),
    ({"perception_age_ms": 201, "skip_ratio": 1.0}, Rung.HOLD, "perception stale"),
]


@pytest.mark.parametrize(("change", "rung", "reason"), TABLE)
def test_each_condition_demands_its_rung(change, rung, reason):
    assert demanded(dataclasses.replace(WELL, **change), LIMITS) == (rung, reason)


def climbed(to: Rung) -> Ladder:
    ladder = Ladder(LIMITS, now_ns=0)
    ladder.update(WELL, 0)
    ladder.update(WELL, 500 * MS)
    assert ladder.rung is Rung.NOMINAL
    if to is not Rung.NOMINAL:
        change = {
            Rung.REDUCED: {"skip_ratio": 1.0},
            Rung.HOLD: {"perception_age_ms": 999},
            Rung.SAFE: {"link_age_ms": 999},
        }[to]
        ladder.update(dataclasses.replace(WELL, **change), 600 * MS)
    return ladder


def test_it_starts_on_safe():
    assert Ladder(LIMITS, now_ns=0).rung is Rung.SAFE


@pytest.mark.parametrize("start", list(Rung))
@pytest.mark.parametrize(("change", "rung", "reason"), TABLE)
def test_every_cell_down_is_at_once_and_up_after_recover_ms(start, change, rung, reason):
    ladder, conditions = climbed(start), dataclasses.replace(WELL, **change)
    ladder.update(conditions, 700 * MS)
    if rung >= start:
        assert (ladder.rung, ladder.reason) == (rung, reason)
        return
    assert ladder.rung is start
    ladder.update(conditions, (700 + 499) * MS)
    assert ladder.rung is start
    ladder.update(conditions, (700 + 500) * MS)
    assert (ladder.rung, ladder.reason) == (rung, reason)


def test_a_relapse_starts_the_wait_anew():
    ladder = climbed(Rung.HOLD)
    ladder.update(WELL, 700 * MS)
    ladder.update(dataclasses.replace(WELL, perception_age_ms=999), 1000 * MS)
    ladder.update(WELL, 1100 * MS)
    assert ladder.update(WELL, 1599 * MS) is Rung.HOLD
    assert ladder.update(WELL, 1600 * MS) is Rung.NOMINAL


def test_seconds_add_up_to_the_time_that_passed():
    ladder = climbed(Rung.HOLD)
    seconds = ladder.seconds_in(1600 * MS)
    assert seconds == {"NOMINAL": 0.1, "REDUCED": 0.0, "HOLD": 1.0, "SAFE": 0.5}
