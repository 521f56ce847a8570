"""`takt install`: systemd units and udev rules from the graph description."""

from __future__ import annotations

import argparse
import getpass
import os
import re
from pathlib import Path

from takt import graph, resources
from takt.errors import TaktError
from takt.graph import Process
from takt.install import units
from takt.install.units import ENVIRONMENT_FILE, KNOWN_BOARDS, TARGET, UsbSerial
from takt.supervision.processes import command_line

_USB_ID = re.compile(r"([0-9a-fA-F]{4}):([0-9a-fA-F]{4})")


def main(argv: list[str]) -> int:
    """Write (or with ``--dry-run`` print) every file; returns 0."""
    given = _parser().parse_args(argv)
    files = files_for(
        with_supervisor(graph.robot(given.port), given.rearm),
        user=given.user,
        boards=[_usb_serial(text) for text in given.board] or list(KNOWN_BOARDS),
        environment=service_environment(),
    )
    if given.dry_run:
        for path, text in files.items():
            print(f"--- {path}\n{text}")
        return 0
    write(files, given.prefix)
    print(f"{len(files)} files written under {given.prefix}. Next, as root:")
    print("  udevadm control --reload && udevadm trigger && systemctl daemon-reload")
    print(f"  systemctl enable --now {TARGET}")
    return 0


def with_supervisor(processes: list[Process], rearm: str) -> list[Process]:
    """The graph plus the supervisor that drives it; systemd starts the processes, so it only watches them."""
    watching = graph.supervisor_parameters(processes, rearm)
    return [*processes, Process("supervisor", "takt_supervisor", parameters=watching)]


def service_environment() -> dict[str, str]:
    """This shell's environment with the DDS profile filled in where none was chosen."""
    profile = str(resources.path("config/fastdds.xml"))
    return {"FASTDDS_DEFAULT_PROFILES_FILE": profile, **os.environ}


def files_for(
    processes: list[Process], user: str, boards: list[UsbSerial], environment: dict[str, str]
) -> dict[str, str]:
    """Absolute path on the robot -> text, for every file of the installation."""
    files = {
        f"/etc/systemd/system/takt-{process.name}.service": units.service_text(
            process.name, command_line(process), user
        )
        for process in processes
    }
    files[f"/etc/systemd/system/{TARGET}"] = units.target_text([process.name for process in processes])
    files["/etc/udev/rules.d/99-takt.rules"] = units.udev_text(boards)
    files[ENVIRONMENT_FILE] = units.environment_text(environment)
    return files


def write(files: dict[str, str], prefix: Path) -> None:
    """Write ``files`` below ``prefix``. Raises TaktError when that is not permitted."""
    for path, text in files.items():
        target = prefix / path.lstrip("/")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        except OSError as error:
            raise TaktError(
                f"{target} cannot be written: {error.strerror}", "run as root, or give another --prefix"
            ) from error


def _usb_serial(text: str) -> UsbSerial:
    match = _USB_ID.fullmatch(text)
    if match is None:
        raise TaktError(f"--board {text} is no USB id", "write it as VENDOR:PRODUCT, for example 0483:374b")
    return UsbSerial(match[1].lower(), match[2].lower(), "named by --board")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takt install",
        description="Makes this computer the robot: one systemd service a process, and a fixed name for the board.",
    )
    parser.add_argument(
        "--port", default="/dev/takt_board", help="the board's serial line (default %(default)s)"
    )
    parser.add_argument(
        "--user",
        default=os.environ.get("SUDO_USER") or getpass.getuser(),
        help="who runs the services (default: you)",
    )
    parser.add_argument(
        "--board",
        action="append",
        default=[],
        metavar="VENDOR:PRODUCT",
        help="USB id of the adapter; may repeat",
    )
    parser.add_argument(
        "--rearm",
        choices=("operator", "automatic"),
        default="operator",
        help="who arms again after a restart (default %(default)s)",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the files, write nothing")
    parser.add_argument("--prefix", type=Path, default=Path("/"), help="write below this folder (default /)")
    return parser
