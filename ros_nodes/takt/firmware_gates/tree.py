"""Where the firmware's source tree is, and which tools this machine has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from takt.errors import TaktError

ROOT = Path(__file__).resolve().parents[3]
FIRMWARE = ROOT / "firmware"
CORE = FIRMWARE / "core"
BENCH = FIRMWARE / "bench"
WORK = ROOT / "build" / "gates"
ARM = "arm-none-eabi-"


def require_tree() -> None:
    """The gates measure sources; an installed package has none."""
    if not (CORE / "src").is_dir():
        raise TaktError(f"no firmware sources in {FIRMWARE}", "run this in a checkout of takt")


def host_compiler() -> str:
    compiler = shutil.which("cc")
    if compiler is None:
        raise TaktError("no C compiler on this machine", "apt-get install gcc")
    return compiler


def core_sources() -> list[Path]:
    """All C files of the core, the generated ones last."""
    return [*sorted((CORE / "src").glob("*.c")), *sorted((CORE / "generated").glob("*.c"))]


def arm_compiler() -> str | None:
    """Name and version of the ARM compiler, as rows of the table are named; None if there is none."""
    if shutil.which(f"{ARM}gcc") is None:
        return None
    printed = subprocess.run([f"{ARM}gcc", "--version"], capture_output=True, text=True, check=True).stdout
    first = printed.splitlines()[0]
    version = re.search(r"\)\s*(\S+)", first)
    return f"{ARM}gcc {version[1]}" if version else first


def has_emulator() -> bool:
    return shutil.which("qemu-system-arm") is not None
