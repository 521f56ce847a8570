"""What `takt demo` may be asked, checked before anything starts."""

from __future__ import annotations

import argparse
import socket
import tempfile
from dataclasses import dataclass
from pathlib import Path

from takt import firmware_ports, resources
from takt.errors import TaktError
from takt.trouble import day as days
from takt.trouble.day import Day
from takt.trouble.kinds import KINDS

_SECONDS = 40.0
_FAULTS = ("blank_camera", "cut_link")
_REFERENCE_LOOP = "build/firmware/reference_loop"


@dataclass(frozen=True)
class Options:
    """A checked request for one run."""

    seconds: float
    seed: int
    headless: bool
    json_file: Path | None
    port: str  # a name of firmware_ports.PORTS
    firmware: Path
    board: tuple[str, str] | None  # devices of a real board, in place of ``firmware``
    weights: str
    faults: dict[str, float]  # kind -> second of the run
    day: Day | None  # what goes wrong in it, besides
    dashboard_port: int
    run_dir: Path
    record: bool

    @property
    def reference_loop(self) -> Path:
        """The bare C loop beside the firmware, or where ./run builds it."""
        beside = self.firmware.with_name("reference_loop")
        return beside if beside.is_file() else resources.path("firmware").parent / _REFERENCE_LOOP


def parse(argv: list[str]) -> Options:
    """Read and check the command line. Raises TaktError naming what is wrong and the fix."""
    given = _parser().parse_args(argv)
    if given.seconds is not None and given.seconds < 1.0:
        raise TaktError(f"--seconds {given.seconds} is too short", "give at least 1")
    if given.seed < 0:
        raise TaktError(f"--seed {given.seed} is negative", "give 0 or more")
    if given.weights and not Path(given.weights).is_file():
        raise TaktError(f"the model file {given.weights} does not exist", "check --weights, or leave it out")
    if given.json is not None and not given.json.resolve().parent.is_dir():
        raise TaktError(f"the folder of {given.json} does not exist", "make it, or name another file")
    if not given.headless:
        _require_free(given.port)
    day = _day(given)
    board = _board(given, day) if given.board else None
    port, firmware = ("posix", Path("board")) if board else firmware_ports.image(given.firmware)
    return Options(
        seconds=given.seconds or (day.seconds if day else _SECONDS),
        seed=day.episode.layout_seed if day else given.seed,
        headless=given.headless,
        json_file=given.json,
        port=port,
        firmware=firmware,
        board=board,
        weights=str(Path(given.weights).resolve()) if given.weights else "",
        faults=dict(_fault(text) for text in given.fault if text.partition("@")[0] in _FAULTS),
        day=day,
        dashboard_port=given.port,
        run_dir=given.run_dir or Path(tempfile.mkdtemp(prefix="takt-run-")),
        record=not given.no_record,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takt demo",
        description="A simulated robot follows a moving target; every part but the physics is real.",
    )
    parser.add_argument(
        "--headless", action="store_true", help="no page: a live status line and a table at the end"
    )
    parser.add_argument(
        "--seconds", type=float, help="length, counted from arming (default 40, or what the faults need)"
    )
    parser.add_argument("--seed", type=int, default=1, help="arena and target path (default 1)")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the report here")
    parser.add_argument(
        "--firmware",
        default="posix",
        help=f"{', '.join(firmware_ports.PORTS)}, or the path of a program like posix's (default posix)",
    )
    parser.add_argument(
        "--board",
        nargs=2,
        metavar=("LINK", "PLANT"),
        help="hardware in the loop: serial devices of a real board (docs/hil.md)",
    )
    parser.add_argument(
        "--weights", default="", metavar="ONNX", help="detector weights instead of the shipped ones"
    )
    _add_faults(parser)
    parser.add_argument("--port", type=int, default=8080, help="port of the page on 127.0.0.1 (default 8080)")
    parser.add_argument("--run-dir", type=Path, default=None, help="where ptys, logs and records go")
    parser.add_argument(
        "--no-record", action="store_true", help="only the black box: no recording of the whole run"
    )
    return parser


def _add_faults(parser: argparse.ArgumentParser) -> None:
    """What goes wrong in the run: single faults, or a day of the twin's."""
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="KIND@SECOND[+LENGTH][:STRENGTH]",
        help=f"inject: {', '.join((*_FAULTS, *KINDS))}",
    )
    parser.add_argument(
        "--chaos", type=int, metavar="SEED", help="the bad day of `takt chaos --seeds SEED-SEED`"
    )
    parser.add_argument("--scenario", metavar="NAME", help="a scenario file of the twin, with --seed")


def _board(given: argparse.Namespace, day: Day | None) -> tuple[str, str]:
    """A board brings its own lines, so that faults of ours have no place in them."""
    if day is not None or any(text.startswith("cut_link") for text in given.fault):
        raise TaktError(
            "--board takes no faults of the line or the board", "leave them out, or leave --board out"
        )
    for device in given.board:
        if not Path(device).exists():
            raise TaktError(f"the device {device} is not there", "see ls /dev/serial/by-id, and docs/hil.md")
    return given.board[0], given.board[1]


def _day(given: argparse.Namespace) -> Day | None:
    """What is to go wrong. Raises TaktError where two ways of saying so meet."""
    texts = [text for text in given.fault if text.partition("@")[0] not in _FAULTS]
    if sum((given.chaos is not None, given.scenario is not None, bool(texts))) > 1:
        raise TaktError("--chaos, --scenario and --fault exclude each other", "give one of them")
    if given.chaos is not None:
        if given.chaos < 0:
            raise TaktError(f"--chaos {given.chaos} is negative", "give 0 or more")
        return days.of_chaos(given.chaos)
    if given.scenario is not None:
        return days.of_scenario(given.scenario, given.seed)
    return days.of_faults(texts, given.seed, given.seconds or _SECONDS) if texts else None


def _require_free(port: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            fix = "end the program that holds it, or name another: --port 8081"
            raise TaktError(f"the page cannot have port {port} ({error})", fix) from None


def _fault(text: str) -> tuple[str, float]:
    kind, _, second = text.partition("@")
    try:
        return kind, float(second or "10")
    except ValueError:
        raise TaktError(f"fault {text!r} names no second", f"write it as {kind}@10") from None
