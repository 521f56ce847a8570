"""`takt doctor`: examines this computer; exit status 0 without a failure, 1 with one, 2 for bad use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from takt.doctor import report
from takt.doctor.check import ROBOT, SIMULATION
from takt.doctor.checks import CHECKS, chosen
from takt.doctor.machine import Machine
from takt.doctor.report import Examined
from takt.errors import TaktError


def main(argv: list[str]) -> int:
    """Examine, tell, and return the exit status."""
    given = _parser().parse_args(argv)
    if given.list:
        for check in CHECKS:
            print(f"{check.name:22s} {check.theme:20s} {check.why}")
        return 0
    results, profile = examine(Machine(port=given.port), given.only, given.profile)
    if given.json is not None:
        _write(given.json, json.dumps(report.as_json(results, profile), indent=1) + "\n")
    if str(given.json) != "-":
        print(report.as_text(results, profile))
    return report.exit_status(results)


def examine(machine: Machine, only: Sequence[str], profile: str | None) -> tuple[list[Examined], str]:
    """Run the chosen checks; without a profile a named port, Takt's services or a Jetson make it a robot's."""
    if profile is None:
        profile = ROBOT if machine.named_port or machine.is_installed or machine.is_tegra else SIMULATION
    return [Examined(check, check.run(machine, profile)) for check in chosen(only)], profile


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        sys.stdout.write(text)
        return
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise TaktError(
            f"{path} cannot be written: {error.strerror}", "name another file after --json"
        ) from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takt doctor",
        description="Looks for what would keep a robot from its deadlines, and tells the command that mends it. "
        "Changes nothing and needs no root.",
    )
    profile = parser.add_mutually_exclusive_group()
    profile.add_argument(
        "--robot", dest="profile", action="store_const", const=ROBOT, help="judge it as a robot that drives"
    )
    profile.add_argument(
        "--simulation",
        dest="profile",
        action="store_const",
        const=SIMULATION,
        help="judge it as a computer for demo, tests and twin (default without --port, services of Takt, or a Jetson)",
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a check or a theme; may repeat"
    )
    parser.add_argument(
        "--json", type=Path, metavar="FILE", help="write everything as JSON too (-: instead, to the terminal)"
    )
    parser.add_argument(
        "--port", help="the board's serial line (default: /dev/takt_board, else the first USB serial adapter)"
    )
    parser.add_argument("--list", action="store_true", help="name every check and what it is for")
    return parser
