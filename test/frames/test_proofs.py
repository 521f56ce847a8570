"""The long proofs in small: kills at seeded moments, and the bench of the hop."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from takt.cli import main
from takt.frames import FrameRing, kills


def test_a_few_kills(tmp_path: Path) -> None:
    report = tmp_path / "kills.json"
    assert main(["prove", "ring-kills", "--count", "10", "--seed", "3", "--json", str(report)]) == 0
    told = json.loads(report.read_text())
    assert told["ok"] and sum(told["kills"].values()) == 10 and told["frames"] > 10 and told["results"] > 0
    assert not [entry for entry in os.listdir("/dev/shm") if entry.startswith("takt_kills_")]


def test_a_reader_that_is_deceived_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proof must fail when frames are mixed: a writer that lies about its number."""

    def lie(cast: kills._Cast) -> None:
        ring = FrameRing.create(cast._name, 160, 120, 4)
        while True:
            slot = ring.begin()
            slot.pixels[:] = (slot.sequence + 1) % 251
            ring.publish(slot, slot.sequence, slot.sequence, slot.sequence)
            cast._words[0] += 1
            time.sleep(0.0001)

    monkeypatch.setattr(kills._Cast, "_write", lie)
    assert any("deceived" in fault for fault in kills.run(1, seed=1).faults)


def test_the_bench_of_the_hop_reports_its_figures(tmp_path: Path) -> None:
    pytest.importorskip("rclpy")
    report, samples = tmp_path / "frames.json", tmp_path / "samples"
    arguments = ["--seconds", "2", "--width", "64", "--height", "48"]
    assert main(["bench", "frames", *arguments, "--json", str(report), "--samples", str(samples)]) == 0
    told = json.loads(report.read_text())
    assert told["ring_sent"] == 120 and told["rclpy_image_sent"] == 60 and told["ring_torn"] == 0
    assert told["ring_count"] > 0 and 0.0 < told["ring_p50_ms"] <= told["ring_p99_ms"]
    assert len((samples / "ring_hop_us.txt").read_text().split()) == 120 - told["ring_lost"]
    assert not [entry for entry in os.listdir("/dev/shm") if entry.startswith("takt_hop_")]
