from __future__ import annotations

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from takt import contract

ROOT = Path(__file__).resolve().parents[2]


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
