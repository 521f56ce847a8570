"""Builds the firmware once and hands its core, its in-memory board and its programs to the tests."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the modules beside the tests

from core_headers import Core  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "firmware" / "core" / "include" / "takt"
HEADERS = [
    ROOT / "firmware" / "core" / "generated" / "takt_contract.h",
    *(
        INCLUDE / f"{name}.h"
        for name in (
            "age_gate",
            "shaping",
            "supply",
            "wheel_check",
            "kinematics",
            "pid",
            "encoder",
            "safety",
            "control_tick",
            "histogram",
            "deadline_monitor",
            "ledger",
            "text",
        )
    ),
]


@pytest.fixture(scope="session")
def firmware_build() -> Path:
    """The build folder, up to date: ``TAKT_FIRMWARE_BUILD`` or build/firmware."""
    if shutil.which("cmake") is None:
        pytest.fail("cmake is not installed; the firmware's tests need it (apt install cmake)")
    folder = Path(os.environ.get("TAKT_FIRMWARE_BUILD", ROOT / "build" / "firmware"))
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs must not build at the same time
        subprocess.run(
            ["cmake", "-S", ROOT / "firmware", "-B", folder], check=True, stdout=subprocess.DEVNULL
        )
        subprocess.run(["cmake", "--build", folder, "-j2"], check=True, stdout=subprocess.DEVNULL)
    return folder


@pytest.fixture(scope="session")
def core_library(request: pytest.FixtureRequest) -> Path:
    """``TAKT_CORE_LIBRARY`` (mutation testing puts a mutant there), or the one just built."""
    if given := os.environ.get("TAKT_CORE_LIBRARY"):
        return Path(given)
    folder: Path = request.getfixturevalue("firmware_build")
    return folder / "libtakt_core.so"


@pytest.fixture(scope="session")
def core(core_library: Path) -> Core:
    return Core(core_library, HEADERS)
