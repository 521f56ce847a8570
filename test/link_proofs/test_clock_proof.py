"""The proof of the clock in small, and that its judgement can say no."""

from __future__ import annotations

import pytest

from takt.link_proofs import clock
from takt.link_proofs.clock_world import MS, ClockWorld, Reading, S


@pytest.mark.parametrize("name", clock.SCENARIOS)
def test_each_scenario_holds_for_one_seed(library, name):
    assert clock.run_scenario(name, library, 11, 100.0, 22.0)["ok"]


def test_equal_seeds_give_equal_readings(library):
    worlds = [ClockWorld(library, seed=4, baud=921_600, drift_ppm=50.0) for _ in range(2)]
    for world in worlds:
        world.run(3.0)
    assert worlds[0].readings == worlds[1].readings and worlds[0].readings[-1].locked


def test_a_line_with_a_lasting_difference_of_its_delays_is_found_out(library):
    """Half of the difference is an error that no exchange can show: the proof must see it, the bound must hold it."""
    world = ClockWorld(library, seed=2, baud=921_600, drift_ppm=0.0)
    world.down.delay_ns = 2 * MS
    result = clock.steady(world, 22.0)
    assert result["error_p99_us"] > 900.0 and result["bound_held_ratio"] == 1.0 and not result["ok"]


def test_figures_count_what_is_wrong():
    def reading(at: int, shown: int, error: int = 0, bound: int = 100, epoch: int = 1) -> Reading:
        return Reading(at, True, error, bound, epoch, shown)

    steps = [reading(0, 10), reading(1, 9), reading(2, 20, error=-500), reading(3, 5, epoch=2)]
    result = clock.figures([*steps, Reading(4, False, 0, 2 * S, 2, 0)])
    assert result["backward_steps"] == 1 and result["epochs"] == 2
    assert result["bound_held_ratio"] == 0.75 and result["locked_ratio"] == 0.8
