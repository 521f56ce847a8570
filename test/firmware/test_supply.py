"""Supply voltage: a dip is nothing, a second of low a warning, a tenth of too little a brown-out that ends late."""

from __future__ import annotations

import ctypes

import pytest
from core_headers import Core


class Supply:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.config = core.takt_control_config_from_contract().supply
        self.state = core.new("supply")

    def feed(self, millivolts: int, cycles: int = 1) -> tuple[bool, bool]:
        """Low, brown-out."""
        for _ in range(cycles):
            self.core.takt_supply_update(ctypes.byref(self.state), ctypes.byref(self.config), millivolts)
        return bool(self.state.low), bool(self.state.brown_out)


@pytest.fixture
def supply(core: Core) -> Supply:
    made = Supply(core)
    assert (made.config.low_mv, made.config.brown_out_mv) == (10_500, 9_000)
    assert (made.config.low_cycles, made.config.brown_out_cycles) == (100, 10)
    return made


def test_a_second_of_low_supply_is_a_warning_that_one_good_sample_ends(supply: Supply) -> None:
    assert supply.feed(10_499, 99) == (False, False)
    assert supply.feed(10_499) == (True, False)
    assert supply.feed(10_499, 500) == (True, False)
    assert supply.feed(10_500) == (False, False)


def test_motors_that_start_may_pull_it_down_for_a_moment(supply: Supply) -> None:
    for _ in range(20):
        assert supply.feed(8_000, 9) == (False, False)
        supply.feed(11_500)


def test_a_brown_out_ends_only_above_low(supply: Supply) -> None:
    assert supply.feed(8_999, 10) == (False, True)
    assert supply.feed(9_000, 50) == (False, True)
    assert supply.feed(10_499) == (False, True)
    assert supply.feed(10_500) == (False, False)


def test_a_board_without_the_input_reads_zero_and_is_fine(supply: Supply) -> None:
    supply.feed(8_000, 200)
    assert supply.feed(0) == (False, False)
    assert supply.feed(0, 500) == (False, False)


def test_limits_of_zero_switch_the_watch_off(supply: Supply) -> None:
    supply.config.low_mv = supply.config.brown_out_mv = 0
    assert supply.feed(1, 500) == (False, False)


def test_no_samples_needed_means_at_once_only_where_it_is_watched(supply: Supply) -> None:
    supply.config.low_cycles = supply.config.brown_out_cycles = 0
    assert supply.feed(12_000) == (True, True)
    supply.config.low_mv = supply.config.brown_out_mv = 0
    supply.state = supply.core.new("supply")
    assert supply.feed(12_000) == (False, False)
