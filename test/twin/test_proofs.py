"""The twin's long proofs in small: they count what they saw, go on where they were, and can fail."""

from __future__ import annotations

import json

import pytest

from takt.errors import TaktError
from takt.twin import bench, chaos_proof, hash_proof
from takt.twin.chaos_command import Day
from takt.twin.episode import Episode
from takt.twin.faults import KINDS


def short_episodes(seed: int) -> list[Episode]:
    return [Episode("t", seed, 1.0)]


def test_repeated_runs_agree_and_seeds_differ(library, tmp_path, monkeypatch):
    monkeypatch.setattr(hash_proof, "_episodes", short_episodes)
    alone = hash_proof.repeat(2, str(library), 1, tmp_path)["t"]
    assert (alone["runs"], alone["same"], alone["drawn"]) == (2, 2, 1)
    assert (tmp_path / "1-1.png").stat().st_size > 1000
    other = hash_proof.hash_of(hash_proof.Question(short_episodes(9)[0], str(library)))
    assert other != alone["log_hash"]


def test_runs_that_differ_are_seen(library, tmp_path, monkeypatch):
    turns = iter("aab")
    monkeypatch.setattr(hash_proof, "_episodes", short_episodes)
    monkeypatch.setattr(hash_proof, "hash_of", lambda _question: next(turns))
    assert hash_proof.repeat(3, str(library), 1, tmp_path)["t"]["same"] == 2


def day_of(seed: int, kind: str, *violations: str) -> Day:
    return Day(seed, "h", 20.0, {kind: 1}, {kind: 1}, violations, ())


def test_days_are_kept_and_those_of_other_code_are_not(tmp_path):
    path = tmp_path / "days.jsonl"
    chaos_proof.Diary(path, "old").add(day_of(0, "e_stop"))
    chaos_proof.Diary(path, "new").add(day_of(1, "e_stop", "collision at 3.000 s: wall"))
    with path.open("a") as file:
        file.write('{"version": "new", "se')  # killed while it wrote
    assert chaos_proof.Diary(path, "new").days == {1: day_of(1, "e_stop", "collision at 3.000 s: wall")}


def test_the_proof_goes_on_where_it_was(library, tmp_path, monkeypatch):
    monkeypatch.setattr(chaos_proof, "version_of", lambda _library: "v")
    report = tmp_path / "chaos.json"
    diary = chaos_proof.Diary(report.with_suffix(".days.jsonl"), "v")
    diary.add(day_of(20_200, "e_stop"))
    arguments = ["--first", "20200", "--count", "2", "--library", str(library), "--json", str(report)]
    assert chaos_proof.main(arguments) == 0
    told = json.loads(report.read_text())
    assert (told["runs"], told["violations"], told["held"]) == (2, 0, True)
    assert len(report.with_suffix(".days.jsonl").read_text().splitlines()) == 2


def test_what_is_missing_or_broken_does_not_hold():
    kinds = sorted(KINDS)
    days = {seed: day_of(seed, kinds[seed % len(kinds)]) for seed in range(400)}
    assert chaos_proof.summary(days, 0, 400, "v")["held"]
    assert not chaos_proof.summary(days, 0, 401, "v")["held"]  # a day not lived yet
    for seed in range(400):
        if days[seed].felt == {kinds[3]: 1} and seed > 100:
            days[seed] = day_of(seed, kinds[4])
    told = chaos_proof.summary(days, 0, 400, "v")
    assert told["longest_gap_by_kind"][kinds[3]] >= 200
    assert not told["held"] and told["every_kind_in_any_200_seeds"] is False
    days = {seed: day_of(seed, kinds[0]) for seed in range(20)}
    days[7] = day_of(7, kinds[0], "collision at 3.000 s: wall")
    told = chaos_proof.summary(days, 0, 20, "v")
    assert told["violations_by_invariant"] == {"collision": 1} and not told["held"]


def test_seeds_that_cannot_be_are_refused():
    for bad in (["--count", "0"], ["--first", "-1"], ["--first", str(2**32), "--count", "2"]):
        with pytest.raises(TaktError):
            chaos_proof.main(bad)
    with pytest.raises(TaktError):
        hash_proof.main(["--count", "1"])


def test_the_bench_tells_speed_share_and_costs(library, tmp_path):
    told = bench.measure(library, None, 2)
    assert told["speed_x_real_time"] > 0.0
    assert 0.0 < told["share_of_bare"] < 1.0
    assert told["speed_of_each_second"]["count"] == 2
    costs = told["ms_per_simulated_s"]
    assert all(costs[part] > 0.0 for part in ("physics", "board", "planner", "line and agent", "invariants"))
