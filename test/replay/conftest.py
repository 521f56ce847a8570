from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from takt import contract
from takt.twin.episode import Episode, FaultPlan
from takt.twin.flight_recorder import FlightRecorder
from takt.twin.run import Result, run

ROOT = Path(__file__).resolve().parents[2]
DAY = Episode("day", seed=4, seconds=20.0, faults=(FaultPlan("planner_kill", 4.0, 1.0),))


@pytest.fixture(scope="session")
def library() -> Path:
    """The C core, up to date, in the build folder that all tests share."""
    if shutil.which("cmake") is None:
        pytest.fail("cmake is not installed; the twin needs the firmware's core (apt install cmake)")
    folder = ROOT / "build" / "firmware"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        quiet = {"check": True, "stdout": subprocess.DEVNULL}
        subprocess.run(["cmake", "-S", ROOT / "firmware", "-B", folder], **quiet)
        subprocess.run(["cmake", "--build", folder, "-j2", "--target", "takt_core"], **quiet)
    return folder / "libtakt_core.so"


@pytest.fixture(scope="session")
def shipped_contract() -> contract.Contract:
    return contract.load()


@pytest.fixture(scope="session")
def recorded(library, shipped_contract, tmp_path_factory) -> tuple[Path, Result]:
    """A day in which the planner is killed once, as a recording."""
    path = tmp_path_factory.mktemp("replay") / "day.mcap"
    recorder = FlightRecorder(path, shipped_contract)
    result = run(library, shipped_contract, DAY, watcher=recorder.see)
    recorder.finish(result)
    return path, result
