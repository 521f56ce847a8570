"""Every cell of the ladder, both computers; and that a wrong one would be found."""

import dataclasses

import pytest

from takt.deadlines import Rung, ladder
from takt.deadlines.ladder import Limits
from takt.errors import TaktError
from takt.micropython import c_core
from takt.trouble import ladder_cells

LIMITS = Limits(reduced_skip_ratio=0.3, hold_perception_age_ms=200, safe_link_silence_ms=500, recover_ms=500)


def test_every_cell_of_the_hosts_ladder():
    account = ladder_cells.host(LIMITS)
    assert account.wrong is None
    assert account.cells == 4 * 4 * 4 * 3 * 4 * 2


def test_a_missing_row_is_found(monkeypatch):
    def without_stop(conditions, limits):
        return real(dataclasses.replace(conditions, stop_requested=False), limits)

    real = ladder.demanded
    monkeypatch.setattr(ladder, "demanded", without_stop)
    assert "stop_requested=True" in ladder_cells.host(LIMITS).wrong[0]


def test_the_cells_of_the_boards_table():
    """A seventh of them; `takt prove ladder` looks at each."""
    try:
        core = c_core.load()
    except TaktError:
        pytest.skip("the firmware is not built")
    account = ladder_cells.board(core, every=7)
    assert account.wrong is None and account.cells > 10_000


def test_the_boards_rules_as_examples():
    state = ladder_cells.State
    rule = ladder_cells.expected
    assert rule(state("NOMINAL"), frozenset({"E_STOP"}), "OPEN", None) == state("SAFE", "e_stop", "e_stop")
    assert rule(state("NOMINAL"), frozenset({"LINK_SILENT"}), "OPEN", None) == state("SAFE", "link_silence")
    assert rule(state("SAFE", "power_up"), frozenset(), "OPEN", "ARM") == state("NOMINAL")
    assert rule(state("SAFE", "e_stop", "e_stop"), frozenset(), "OPEN", "ARM").rung == "SAFE"
    assert rule(state("HOLD"), frozenset({"WHEELS_TURNING"}), "STALE", None) == state("HOLD")
    assert Rung.SAFE > Rung.HOLD
