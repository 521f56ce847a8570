"""Finds the files that ship beside the code: contract, models, robot, worlds."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from takt.errors import TaktError

_SOURCE_ROOT = Path(__file__).resolve().parents[2]


def roots() -> list[Path]:
    """Where shipped files may lie, nearest first: source tree, ament prefixes, this Python's prefix."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    installed = [prefix / "share" / "takt" for prefix in [*prefixes, Path(sys.prefix)]]
    return [_SOURCE_ROOT, *installed] if (_SOURCE_ROOT / "package.xml").exists() else installed


def path(relative: str) -> Path:
    """Full path of a shipped file such as ``config/contract.yaml``. Raises TaktError when no root holds it."""
    for root in roots():
        candidate = root / relative
        if candidate.exists():
            return candidate
    searched = ", ".join(str(root) for root in roots())
    raise TaktError(f"{relative} was not found in {searched}", "install the package again: pip install .")
