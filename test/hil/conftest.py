"""Borrows the firmware's build: two modules named conftest cannot be imported by name."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_PATH = Path(__file__).resolve().parents[1] / "firmware" / "conftest.py"
_spec = importlib.util.spec_from_file_location("firmware_conftest", _PATH)
assert _spec is not None and _spec.loader is not None
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)
firmware_build = _module.firmware_build
