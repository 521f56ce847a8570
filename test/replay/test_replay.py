"""A recorded day thought again: equal to the bit with the same code, and told where the code is another one."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from takt.deadlines import ladder
from takt.errors import TaktError
from takt.planning import limits
from takt.planning.plan_tick import PlanTick
from takt.replay.command import main
from takt.replay.planner_again import think_again
from takt.replay.supervisor_again import judge_again
from takt.replay.tape import read, recordings_of
from takt.supervision.watch_tick import WatchTick
from takt.twin.run import run


@pytest.fixture(scope="module")
def tape(recorded, shipped_contract):
    return read(recorded[0], shipped_contract)


def test_recording_a_day_does_not_change_it(library, shipped_contract, recorded):
    assert run(library, shipped_contract, recorded[1].episode).log_hash == recorded[1].log_hash


def test_the_same_code_comes_to_the_same(tape, shipped_contract):
    planner = think_again(tape.plans, shipped_contract)
    assert planner.agrees, planner.first
    assert planner.ticks > 900
    assert [tick.begins for tick in tape.plans if tick.begins] == ["node", "node"]  # it was killed once
    supervisor = judge_again(tape.watches, shipped_contract)
    assert supervisor.agrees, supervisor.first
    assert supervisor.ticks > 400
    assert {tick.rung.name for tick in tape.watches} >= {"SAFE", "HOLD", "NOMINAL"}


def test_another_planner_is_told_with_time_and_figures(tape, shipped_contract, monkeypatch):
    whole = limits.MotionLimits.within
    monkeypatch.setattr(
        limits.MotionLimits, "within", lambda self, v, w, factor: whole(self, min(v, 0.3), w, factor)
    )
    comparison = think_again(tape.plans, shipped_contract)
    assert not comparison.agrees
    speeds = [one for one in comparison.first if one.what == "speed_m_s"]
    assert speeds and 0.0 < speeds[0].at_s < 20.0
    assert comparison.largest["speed_m_s"] > 0.05
    assert think_again(tape.plans, shipped_contract, tolerance=10.0).largest == comparison.largest


def test_another_ladder_is_told(tape, shipped_contract, monkeypatch):
    monkeypatch.setattr(ladder, "demanded", lambda _conditions, _limits: (ladder.Rung.NOMINAL, ""))
    comparison = judge_again(tape.watches, shipped_contract)
    assert not comparison.agrees
    assert comparison.first[0].what in ("rung", "reason")


def test_what_was_lost_is_not_guessed(tape, shipped_contract):
    """Without some ticks the planner's memory is not known; from ten seconds later on it is near enough."""
    some = [tick for tick in tape.plans if tick.sequence not in range(50, 60)]
    comparison = think_again(some, shipped_contract)
    assert comparison.lost > 0
    assert comparison.unknown > 100
    middle = think_again([replace(tick, begins="") for tick in tape.plans], shipped_contract)
    assert middle.unknown > 400
    assert judge_again(tape.watches[100:], shipped_contract).agrees


def test_ticks_survive_text_bit_by_bit(tape):
    for tick in tape.plans[::50]:
        again = PlanTick.from_json(tick.to_json())
        assert again.to_json() == tick.to_json()
        assert again.command == tick.command
    for watched in (tape.watches[0], tape.watches[-1]):
        assert WatchTick.from_json(watched.to_json()) == watched


def test_the_command_compares_everything_firmware_included(recorded, library, tmp_path, capsys):
    report = tmp_path / "replay.json"
    assert main([str(recorded[0].parent), "--library", str(library), "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert [one["logic"] for one in told["logic"]] == ["planner", "supervisor", "twin"]
    assert told["same"]
    assert "same    twin: 2" in capsys.readouterr().out


def test_bad_input_is_told(tmp_path, shipped_contract):
    with pytest.raises(TaktError, match="does not exist"):
        main([str(tmp_path / "none")])
    with pytest.raises(TaktError, match="holds no recording"):
        recordings_of(tmp_path)
    (tmp_path / "bad.mcap").write_bytes(b"no recording at all, but long enough to be looked at")
    with pytest.raises(TaktError, match="nothing that can be thought again"):
        main([str(tmp_path)])
