"""Hands the firmware's core and its in-memory board to the tests."""

from __future__ import annotations

import os
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
def core_library(request: pytest.FixtureRequest) -> Path:
    """``TAKT_CORE_LIBRARY`` (mutation testing puts a mutant there), or the one just built."""
    if given := os.environ.get("TAKT_CORE_LIBRARY"):
        return Path(given)
    folder: Path = request.getfixturevalue("firmware_build")
    return folder / "libtakt_core.so"


@pytest.fixture(scope="session")
def core(core_library: Path) -> Core:
    return Core(core_library, HEADERS)
