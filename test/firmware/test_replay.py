"""Equal inputs give equal bits: recorded cycles through the shared library and through the program for hosts."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest

from takt.errors import TaktError
from takt.simulation import control_record, replay
from takt.simulation.board import CAUSES, VERDICTS

FOLDER = Path(__file__).resolve().parents[2] / "firmware/replay/generated"
CYCLES = np.fromfile(FOLDER / "control_in.bin", replay.CYCLE)
RESULTS = np.fromfile(FOLDER / "control_out.bin", replay.RESULT)


def test_the_record_is_of_this_core(core_library: Path) -> None:
    cycles, results = control_record.record(core_library)
    assert cycles.tobytes() == CYCLES.tobytes(), "record anew: python -m takt.simulation.control_record"
    assert results.tobytes() == RESULTS.tobytes()


def test_the_library_gives_the_recorded_bits(core_library: Path) -> None:
    assert replay.Replay(core_library).run(CYCLES).tobytes() == RESULTS.tobytes()


def test_the_program_for_hosts_gives_the_recorded_bits(firmware_build: Path) -> None:
    program = firmware_build / "control_replay"
    out = subprocess.run([program, FOLDER / "control_in.bin"], capture_output=True, check=True).stdout
    assert out == RESULTS.tobytes()
    said = subprocess.run(
        [program, FOLDER / "control_in.bin", FOLDER / "control_out.bin"], capture_output=True, check=True
    )
    assert said.stdout == f"{len(CYCLES)} cycles agree in every bit\n".encode()


def test_the_program_tells_the_first_cycle_that_differs(firmware_build: Path, tmp_path: Path) -> None:
    changed = RESULTS.copy()
    changed["duty"][777, 1] = np.nextafter(changed["duty"][777, 1], np.float32(9))
    changed.tofile(tmp_path / "out.bin")
    program = firmware_build / "control_replay"
    found = subprocess.run(
        [program, FOLDER / "control_in.bin", tmp_path / "out.bin"], capture_output=True, text=True
    )
    assert (found.returncode, found.stderr) == (1, f"cycle 777 of {len(CYCLES)} differs\n")
    foreign = subprocess.run([program, Path(__file__)], capture_output=True, text=True)
    assert foreign.returncode == 2 and "Fix:" in foreign.stderr


def test_the_record_meets_every_rung_saturation_and_most_causes() -> None:
    assert set(RESULTS["rung"].tolist()) == {0, 2, 3}
    assert (RESULTS["duty"] == 1.0).sum() > 800
    causes = {CAUSES[cause] for cause in RESULTS["cause"]}
    assert causes >= {"none", "power_up", "e_stop", "disarmed", "miss_limit"}
    refused = {name for name, count in zip(VERDICTS, RESULTS["refused"].max(axis=0), strict=True) if count}
    assert refused >= {"zero", "stale", "nan", "future", "clock", "silence"}


def test_a_missing_library_names_cause_and_fix(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="library"):
        replay.Replay(tmp_path / "none.so")
