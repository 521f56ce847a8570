"""`takt prove` and `takt bench`: a wrong name, and a report that could only be missed at the end."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from takt import bench, prove
from takt.errors import TaktError
from takt.named_runs import run_named


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What the one run in the table was called with."""
    told: list[list[str]] = []
    made = ModuleType("takt_test_run")
    made.main = lambda argv: told.append(argv) or 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, made.__name__, made)
    return told


def run(*argv: str) -> int:
    return run_named("proof", {"it": "takt_test_run"}, list(argv))


def test_the_rest_goes_to_the_run_and_its_status_comes_back(calls: list[list[str]], tmp_path: Path) -> None:
    assert run("it", "--count", "3", "--json", str(tmp_path / "new.json")) == 1
    assert run("it", f"--json={tmp_path / 'new.json'}") == 1
    assert run("it") == 1
    assert run("it", "--json") == 1  # the run's own parser has a word for that
    assert [len(words) for words in calls] == [4, 1, 0, 1]


@pytest.mark.parametrize("form", ["--json {}", "--json={}"])
@pytest.mark.parametrize("place", ["away/out.json", "."])
def test_a_report_that_cannot_be_written_is_refused_before_anything_runs(
    calls: list[list[str]], tmp_path: Path, form: str, place: str
) -> None:
    """A proof once ran to its end and then fell over a folder that was not there."""
    with pytest.raises(TaktError, match="cannot be written"):
        run("it", *form.format(tmp_path / place).split(" "))
    assert calls == []


@pytest.mark.parametrize(("main", "says"), [(prove.main, "no proof 'x'"), (bench.main, "no bench 'x'")])
def test_a_wrong_name_is_told_with_the_right_ones(main, says: str) -> None:
    with pytest.raises(TaktError, match=says) as told:
        main(["x"])
    assert "name one of: " in told.value.fix
