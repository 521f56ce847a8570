"""The twin's promise: equal episodes give equal bytes, and what it runs is what ships."""

from __future__ import annotations

import pytest

from takt.deadlines import Rung
from takt.twin.episode import Episode, FaultPlan
from takt.twin.run import run
from takt.twin.world import World, table

CUT = Episode("cut", seed=4, seconds=20.0, faults=(FaultPlan("line_cut", 6.0, 1.0),))


@pytest.fixture(scope="module")
def cut(library, shipped_contract):
    return run(library, shipped_contract, CUT)


def advance(world: World, seconds: float) -> None:
    for _ in range(round(seconds * 1000)):
        world.step()


def test_no_clock_is_read_and_equal_episodes_give_equal_logs(library, shipped_contract, no_clock):
    logs = []
    for seed in (7, 7, 8):
        world = World(library, shipped_contract, Episode("t", seed, 20.0))
        advance(world, 3.0)
        logs.append((world.log_hash, world.rows))
        world.close()
    assert logs[0] == logs[1]
    assert logs[0][0] != logs[2][0]


def test_the_log_tells_of_everything_that_differs(library, shipped_contract):
    """A fault that changes no motion yet still changes what the board tells; so does another line."""
    hashes = set()
    for episode in (
        Episode("t", 1, 20.0),
        Episode("t", 1, 20.0, board_drift_ppm=21.0),
    ):
        world = World(library, shipped_contract, episode)
        advance(world, 1.0)
        hashes.add(world.log_hash)
        world.close()
    assert len(hashes) == 2


def test_it_follows_until_the_cut_stops_by_itself_and_follows_again(cut):
    rows = table(cut.rows)
    rows = rows[rows["armed"].argmax() :]
    at_s = (rows["time_ns"] - rows["time_ns"][0]) / 1e9
    assert cut.violations == []
    assert (rows["rung"][(at_s > 4.0) & (at_s < 6.0)] == Rung.NOMINAL).all()
    assert rows["rung"][at_s > 6.7][0] == Rung.SAFE
    standing = (at_s > 6.3) & (at_s < 7.0)
    assert abs(rows["setpoint_rad_s"][standing]).max() == 0.0
    assert rows["rung"][-1] == Rung.NOMINAL
    assert cut.felt == {"line_cut": 1}
    assert cut.mission["distance_error_m"]["p50"] < 0.2


def test_speed_and_way_are_those_of_the_demos_mission(cut):
    mission = cut.mission
    assert mission["target_path_m"] == pytest.approx(7.0, abs=1.5)
    assert mission["collisions"] == 0
    assert mission["target_visible_ratio"] > 0.9


@pytest.mark.parametrize(("execution_ms", "ended"), [(11.0, 2), (28.0, 1), (60.0, 0)])
def test_the_watchdog_comes_50_ms_after_the_last_cycle_in_time(
    library, shipped_contract, execution_ms: float, ended: int
):
    """Of the cycles that ended by then a record still waits, and outlives the reset; the one under way never ends."""
    world = World(library, shipped_contract, Episode("t", 3, 20.0))
    advance(world, 3.0)
    body, boots, begun_ns = world.body, world.body.boots, world.now_ns
    body.overload(round(execution_ms * 1e6))
    while body.boots == boots:
        assert world.now_ns - begun_ns < 60_000_000, "the watchdog sleeps"
        world.step()
    assert world.now_ns - begun_ns >= 40_000_000
    assert body.misses_by_cause()["own_overrun"] == body.injected["own_overrun"] == ended
    waiting = sum(record.counts.get("own_overrun", 0) for record in body.board.ledger())
    assert (waiting > 0) == (ended > 0)
    advance(world, 3.0)
    assert body.boots == boots + 1
    assert world.ledger_by_cause()["own_overrun"] == ended
    world.close()
