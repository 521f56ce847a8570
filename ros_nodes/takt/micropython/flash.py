"""`takt flash --micropython BOARD`: the firmware onto a board that runs MicroPython, compiled and by mpremote."""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from pathlib import Path

from takt.errors import TaktError
from takt.micropython import modules
from takt.micropython.modules import Target

BOARDS = {
    "pyboard": "armv7emsp",
    "nucleo_f446re": "armv7emsp",
    "rp2040": "armv6m",
    "esp32": "xtensawin",
}
_MODULE = "mpremote"


def main(argv: list[str]) -> int:
    """Compile, copy, reset; ``--dry-run`` prints what it would run. Exit status 0."""
    options = _parse(argv)
    folder = modules.firmware_folder().parents[1] / "build" / "micropython" / options.board
    made = modules.compile_all(Target(BOARDS[options.board], "boards"), folder)
    for command in commands(options.port, folder, made):
        print(shlex.join(command), flush=True)
        if not options.dry_run:
            _run(command)
    if not options.dry_run:
        print(
            f"{options.board} has {len(made)} modules and runs them; its pins: firmware/micropython/boards/pins.py"
        )
    return 0


def _parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt flash --micropython", description=__doc__)
    parser.add_argument("board", nargs="?", default="", help=", ".join(BOARDS))
    parser.add_argument(
        "--port", default="auto", help="serial device of the board's prompt (default: the only one)"
    )
    parser.add_argument("--dry-run", action="store_true", help="compile, but only print the commands")
    options = parser.parse_args(argv)
    if options.board not in BOARDS:
        raise TaktError(f"no MicroPython board {options.board!r}", f"name one of: {', '.join(BOARDS)}")
    return options


def commands(port: str, folder: Path, made: list[Path]) -> list[list[str]]:
    """mpremote's command lines: folders, modules, and main.py last: a copy that was cut short starts nothing."""
    start = [sys.executable, "-m", _MODULE, "connect", port]
    places = {path.relative_to(folder) for path in made}
    folders = sorted({str(place.parent) for place in places} - {"."})
    make = [
        [*start, "exec", f"import os\ntry:\n os.mkdir('{name}')\nexcept OSError:\n pass"] for name in folders
    ]
    copies = [
        [*start, "fs", "cp", str(folder / place), f":{place}"]
        for place in sorted(places)
        if place.stem != "main"
    ]
    # a file main.mpy would never run by itself
    starter = modules.firmware_folder() / "main.py"
    return [*make, *copies, [*start, "fs", "cp", str(starter), ":main.py"], [*start, "reset"]]


def _run(command: list[str]) -> None:
    try:
        ended = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise TaktError(f"{command[0]} cannot be started: {error.strerror}", "install Takt again") from None
    if ended.returncode == 0:
        return
    words = (ended.stderr or ended.stdout).strip().splitlines()
    cause = words[-1] if words else f"status {ended.returncode}"
    missing = f"No module named {_MODULE}" in cause
    fix = (
        f"pip install {_MODULE}"
        if missing
        else "plug the board in, close other terminals, or name it: --port DEVICE"
    )
    raise TaktError(f"mpremote: {cause}", fix)
