"""Chaos: which days there are, how a failing one is cut down, and that the checks see what they are for."""

from __future__ import annotations

import json

import pytest

from takt.errors import TaktError
from takt.twin.chaos import draw, minimise, only
from takt.twin.chaos_command import main
from takt.twin.episode import Episode, FaultPlan
from takt.twin.faults import KINDS
from takt.twin.injector import Injector
from takt.twin.invariants import Invariants, Violation
from takt.twin.run import Result, run
from takt.twin.world import World

SEEDS = 5


def test_days_are_drawn_by_seed_and_hold_every_kind():
    assert draw(11) == draw(11) != draw(12)
    drawn = {fault.kind for seed in range(300, 300 + len(KINDS)) for fault in draw(seed).faults}
    assert drawn == set(KINDS)
    assert len(KINDS) <= 200
    for seed in range(200):
        episode = draw(seed)
        assert episode.seconds >= 20.0
        assert 1 <= len(episode.faults) <= 4
        assert len({fault.kind for fault in episode.faults}) == len(episode.faults)


def test_bad_days_break_no_invariant_and_are_felt(library, shipped_contract):
    """A sample of what the long proof lives through; its seeds are others."""
    for seed in range(20_000, 20_000 + SEEDS):
        episode = draw(seed)
        result = run(library, shipped_contract, episode)
        assert result.violations == [], f"takt chaos --seeds {seed}-{seed}"
        assert sum(result.felt.values()) >= 1
        assert result.checks >= 1900


def fake(result_of: dict[tuple[str, ...], bool]):
    """An episode's life by the kinds that are in it."""

    def live(episode: Episode) -> Result:
        broken = result_of[tuple(fault.kind for fault in episode.faults)]
        violations = [Violation("rule", 1.0, "broken")] if broken else []
        return Result(episode, "", 20.0, {}, violations, {}, {}, 0)

    return live


def test_a_failing_day_is_cut_down_to_the_faults_that_it_takes():
    plans = tuple(FaultPlan(kind, 1.0, 1.0) for kind in "abc")
    episode = Episode("t", 5, faults=plans)
    table = {("a", "b", "c"): True, ("b", "c"): False, ("a", "c"): True, ("a",): False, ("c",): False}
    minimal = minimise(episode, "rule", fake(table))
    assert minimal.places == (0, 2)
    assert minimal.replay == "takt chaos --seeds 5-5 --faults 0,2"
    assert only(episode, minimal.places).faults == (plans[0], plans[2])


def test_the_command_counts_and_tells(library, tmp_path, capsys):
    report = tmp_path / "chaos.json"
    assert main(["--seeds", "20100-20101", "--library", str(library), "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["runs"] == 2
    assert told["violations"] == 0
    assert sum(told["by_kind"].values()) >= 2
    for bad in (["--seeds", "9-3"], ["--seeds", "x"], ["--seeds", "1-2", "--faults", "0"]):
        with pytest.raises(TaktError):
            main([*bad, "--library", str(library)])


@pytest.mark.parametrize("bug", ["armed", "stale", "clock", "ledger"])
def test_the_invariants_see_a_bug(library, shipped_contract, bug, monkeypatch):
    """A lie at one place of the twin must be found by the invariant that is for it."""
    world = World(library, shipped_contract, Episode("t", 3, 20.0))
    try:
        injector = Injector(())
        invariants = Invariants(world, injector)
        world.watchers += [injector, invariants]
        for _ in range(3000):
            world.step()
        assert not invariants.found
        if bug == "armed":
            invariants._armed = False  # as if it had not been armed until now
            expected = "armed_unasked"
        elif bug == "stale":
            world.perceiver.taken_ns = dict.fromkeys(world.perceiver.taken_ns, 0)
            expected = "stale_command"
        elif bug == "clock":
            world.clock_offset_ns += 50_000_000  # without telling when
            expected = "clock_bound"
        else:
            monkeypatch.setattr(
                world, "ledger_by_cause", lambda: dict.fromkeys(world.body.misses_by_cause(), 1)
            )
            invariants.at_the_end(world)
            expected = "ledger_exact"
        for _ in range(20):
            world.step()
        assert expected in invariants.found
    finally:
        world.close()
