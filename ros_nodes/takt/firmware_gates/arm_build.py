"""Builds the core for a Cortex-M4F as the boards get it: -Os, hardware floats, unused functions dropped."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from takt.errors import TaktError
from takt.firmware_gates.tree import ARM, BENCH, CORE

FLAGS = [
    *["-std=c11", "-Os", "-mcpu=cortex-m4", "-mthumb", "-mfpu=fpv4-sp-d16", "-mfloat-abi=hard"],
    *["-ffunction-sections", "-fdata-sections", "-ffp-contract=off", "--specs=picolibc.specs"],
    *["-Wall", "-Wextra", "-Wconversion", "-Werror"],
    *(f"-I{path}" for path in (CORE / "include", CORE / "generated", CORE / "src", BENCH)),
]


def toolchain() -> str | None:
    """Name of the row of the table: compiler and C library; None where either is missing."""
    try:
        printed = subprocess.run(
            [f"{ARM}gcc", "--version"], capture_output=True, text=True, check=True
        ).stdout
        source = "#include <picolibc.h>\nversion __PICOLIBC_VERSION__\n"
        words = [f"{ARM}gcc", "--specs=picolibc.specs", "-E", "-P", "-"]
        library = subprocess.run(words, input=source, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    compiler = re.search(r"\)\s*(\S+)", printed.splitlines()[0])
    version = re.search(r'version\s+"([^"]+)"', library)
    return f"gcc {compiler[1] if compiler else '?'}, picolibc {version[1] if version else '?'}"


def compile_all(sources: list[Path], folder: Path, extra: tuple[str, ...] = ()) -> list[Path]:
    """Objects of `sources` in `folder`, made anew."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for source in sources:
        target = folder / f"{source.stem}.o"
        run([f"{ARM}gcc", *FLAGS, *extra, "-c", "-o", target, source])
        made.append(target)
    return made


def link(objects: list[Path], target: Path, extra: tuple[str, ...] = ()) -> Path:
    """An image of the emulated board, and beside it the linker's map."""
    script = BENCH / "mps2_an386.ld"
    words: list[str | Path] = [
        f"{ARM}gcc",
        *FLAGS,
        "-nostartfiles",
        "-Wl,--gc-sections",
        "-T",
        script,
        *extra,
    ]
    run([*words, f"-Wl,-Map={target.with_suffix('.map')}", "-o", target, *objects, "-lm"])
    return target


def run(command: list[str | Path]) -> str:
    """Standard output of a tool that must succeed."""
    ended = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise TaktError(
            f"{Path(command[0]).name} failed: {ended.stderr.strip()[-2000:]}", "see the line above"
        )
    return ended.stdout
