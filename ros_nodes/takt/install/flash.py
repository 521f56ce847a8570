"""`takt flash BOARD`: writes the firmware to a real board through `west flash`, after looking into the image.

The image must be for that board and built from the present contract: its build folder says for which board, and the
contract's hash stands in the image itself.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
from pathlib import Path

import takt.contract
from takt import resources
from takt.errors import TaktError

BOARDS = ("nucleo_f446re", "nucleo_h743zi")
EMULATED = ("native_sim", "native_sim_32", "qemu_cortex_m3")
_HASH = re.compile(rb"(?<![0-9a-f])(?:[0-9a-f]{8})+(?![0-9a-f])")


def main(argv: list[str]) -> int:
    """Check the image and flash it; 0 when `west flash` says so."""
    given = _parser().parse_args(argv)
    if given.board in EMULATED:
        raise TaktError(f"{given.board} is no board to flash", f"takt demo --firmware, or {', '.join(BOARDS)}")
    if given.board not in BOARDS:
        raise TaktError(f"there is no board {given.board!r}", f"name one of: {', '.join(BOARDS)}")
    folder = given.build_dir or resources.path("firmware").parent / "build" / "zephyr" / given.board
    image = image_of(folder, given.board)
    check_contract(image)
    command = west_flash(folder, given.runner, given.dev_id)
    print(f"{image}: {given.board}, contract {takt.contract.load().hash_property}")
    print(("would run: " if given.dry_run else "running: ") + " ".join(command), flush=True)
    if given.dry_run:
        return 0
    if shutil.which("west") is None:
        raise TaktError("west is missing", "pip install west, or activate the workspace's environment")
    return subprocess.run(command).returncode


def image_of(folder: Path, board: str) -> Path:
    """The image in a build folder. Raises TaktError when there is none or it is another board's."""
    cache = folder / "CMakeCache.txt"
    image = folder / "zephyr" / "zephyr.elf"
    if not image.is_file() or not cache.is_file():
        raise TaktError(f"there is no image in {folder}", f"build it: ./run firmware {board}")
    if image.read_bytes()[:4] != b"\x7fELF":
        raise TaktError(f"{image} is no ELF file", f"build it again: ./run firmware {board}")
    built = re.search(r"^(?:CACHED_)?BOARD:\w+=([^/@\s]+)", cache.read_text(errors="replace"), re.MULTILINE)
    if built is None or built.group(1) != board:
        other = built.group(1) if built else "an unknown board"
        raise TaktError(f"the image in {folder} is for {other}", f"build it: ./run firmware {board}")
    return image


def check_contract(image: Path) -> None:
    """Raises TaktError, naming the sections, when the image was built from another contract."""
    hashes = takt.contract.load().hashes
    wanted = "".join(hashes.values())
    found = [text.decode() for text in _HASH.findall(image.read_bytes()) if len(text) == len(wanted)]
    if wanted in found:
        return
    fix = "build it from this contract: ./run firmware BOARD"
    if not found:
        raise TaktError(f"{image} carries no contract hash", fix)
    differ = min((_different(hashes, other) for other in found), key=len)
    raise TaktError(f"{image} was built from another contract ({', '.join(differ)} differ)", fix)


def _different(hashes: dict[str, str], other: str) -> list[str]:
    parts = [other[at : at + 8] for at in range(0, len(other), 8)]
    return [name for (name, own), part in zip(hashes.items(), parts, strict=True) if own != part]


def west_flash(folder: Path, runner: str | None, dev_id: str | None) -> list[str]:
    """The command; nothing is built on the way, so that what was checked is what is written."""
    command = ["west", "flash", "--skip-rebuild", "--build-dir", str(folder)]
    command += ["--runner", runner] if runner else []
    return command + (["--dev-id", dev_id] if dev_id else [])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt flash", description="Write the firmware to a real board.")
    parser.add_argument("board", metavar="BOARD", help=f"one of: {', '.join(BOARDS)}")
    parser.add_argument("--dry-run", action="store_true", help="check everything, flash nothing")
    parser.add_argument("--build-dir", type=Path, default=None, help="default: build/zephyr/BOARD")
    parser.add_argument("--runner", default=None, help="west's runner, if not the board's default")
    parser.add_argument("--dev-id", default=None, metavar="SERIAL", help="which probe, where several are there")
    return parser
