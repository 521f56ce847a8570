"""The firmware's C core as the measure: its library and every struct that its headers define."""

from __future__ import annotations

import re
from pathlib import Path

from takt import resources
from takt.errors import TaktError
from takt.simulation.core_headers import Core

_INCLUDE = re.compile(r'^#include "(takt/\w+\.h)"', re.MULTILINE)


def load(build: Path | None = None) -> Core:
    """The core from ``build`` (default: build/firmware). Raises TaktError when it is not built."""
    firmware = resources.path("firmware")
    library = (build or firmware.parent / "build" / "firmware") / "libtakt_core.so"
    if not library.is_file():
        raise TaktError(f"{library} does not exist", "build it: ./run firmware posix")
    found: list[Path] = []
    _collect("takt/board.h", firmware / "core" / "include", found)
    return Core(library, [firmware / "core" / "generated" / "takt_contract.h", *found])


def _collect(name: str, folder: Path, found: list[Path]) -> None:
    """``name`` behind all that it includes: a struct's parts come before it."""
    path = folder / name
    for included in _INCLUDE.findall(path.read_text()):
        if folder / included not in found:
            _collect(included, folder, found)
    if path not in found:
        found.append(path)
