"""Planted bugs in small: each fits the present source, and two of them are found on days that are known."""

from __future__ import annotations

import pytest

from takt import resources
from takt.errors import TaktError
from takt.twin.planted_bugs import BUGS, Bug
from takt.twin.planted_proof import Sound, hunt, main
from takt.twin.planting import Plot

BY_NAME = {bug.name: bug for bug in BUGS}


def test_every_bug_replaces_one_line_that_is_there():
    root = resources.path("firmware").parent
    assert len(BUGS) >= 12 and len(BY_NAME) == len(BUGS)
    for bug in BUGS:
        text = (root / bug.file).read_text()
        assert text.count(bug.old) == 1, bug.name
        assert bug.new != bug.old


def test_a_bug_in_python_is_found_on_a_known_day(library):
    with Plot(library) as plot:
        plot.plant(BY_NAME["stop-forgotten"])
        (day,) = plot.chaos(3, 3, 1)["found"]
    assert any(line.startswith("stop_kept at ") for line in day["violations"])


def test_a_bug_in_the_firmware_is_found_on_a_known_day():
    with Plot() as plot:
        plot.plant(BY_NAME["driver-stays-on"])
        plot.build()
        (day,) = plot.chaos(2, 2, 1)["found"]
    assert any(line.startswith("duty_disarmed at ") for line in day["violations"])


class Told:
    """A plot whose days are told by a table: (bug or None, seed) -> invariants that break."""

    def __init__(self, table: dict[tuple[str | None, int], list[str]]) -> None:
        self._table, self._bug = table, None

    def plant(self, bug: Bug) -> None:
        self._bug = bug.name

    def weed(self) -> None:
        self._bug = None

    def build(self) -> None:
        pass

    def chaos(self, first: int, last: int, _jobs: int) -> dict[str, list[dict[str, object]]]:
        for seed in range(first, last + 1):
            broken = self._table.get((self._bug, seed), [])
            if broken:
                lines = [f"{name} at 1.0 s: so" for name in broken]
                return {"found": [{"seed": seed, "violations": lines, "minimal": []}]}
        return {"found": []}


def test_what_the_sound_robot_breaks_too_finds_no_bug():
    bug = BUGS[0]
    table = {
        (bug.name, 2): ["collision"],
        (None, 2): ["collision"],
        (bug.name, 5): ["collision", "own"],
        (None, 5): ["collision"],
    }
    plot = Told(table)
    find = hunt(plot, Sound(plot), bug, 10, 1)
    assert (find.seed, find.invariant) == (5, "own")
    assert hunt(plot, Sound(plot), bug, 5, 1).seed is None


def test_an_unknown_bug_and_a_line_that_is_gone_are_told():
    with pytest.raises(TaktError, match="no bug is called 'x'"):
        main(["--only", "x"])
    with Plot() as plot, pytest.raises(TaktError, match="stands 0 times"):
        plot.plant(Bug("gone", "", BUGS[0].file, "no such line", ""))
