"""The bench of a blocked link: whose misses are whose, and the reference loop's list of stalls."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.simulation import link_block_bench

MS = 1_000_000


def test_a_miss_is_shared_when_the_loop_stalled_within_20_ms() -> None:
    stalls = [1_000 * MS, 2_000 * MS]
    assert link_block_bench.shared([980 * MS, 1_020 * MS, 1_021 * MS, 2_500 * MS], stalls) == 2
    assert link_block_bench.shared([], stalls) == link_block_bench.shared([5 * MS], []) == 0


def test_the_reference_loop_lists_its_stalls(firmware_build: Path, tmp_path: Path) -> None:
    report, stalls = tmp_path / "loop.json", tmp_path / "stalls.txt"
    command = [firmware_build / "reference_loop", "--seconds", "0.2", "--json", report, "--stalls", stalls]
    assert subprocess.run(command, timeout=300.0).returncode == 0
    lines = [tuple(map(int, line.split())) for line in stalls.read_text().splitlines()]
    assert len(lines) == json.loads(report.read_text())["over_1_ms"]
    assert all(at_ns > 10**18 and late_ns > MS for at_ns, late_ns in lines)


def test_bad_arguments_name_cause_and_fix(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="--block 0.0"):
        link_block_bench.main(["--block", "0"])
    with pytest.raises(TaktError, match="cannot be run"):
        link_block_bench.main(["--block", "1", "--build", str(tmp_path)])
