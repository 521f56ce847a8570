"""`takt line`: a serial line that limits its rate, delays, loses, flips, repeats, splits, cuts and makes noise."""

from __future__ import annotations

import argparse
import json
import signal
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.line_simulator.control import ControlServer, send_order
from takt.line_simulator.ends import DeviceEnd, End, OfferedEnd
from takt.line_simulator.faults import Rates
from takt.line_simulator.line import LineSimulator
from takt.realtime import apply_policy

_EPILOG = """\
examples:
  takt line --a /tmp/agent --b /tmp/board --baud 921600
      two ptys; then: takt agent --dev /tmp/agent, and the board opens /tmp/board
  takt line --a /tmp/agent --b dev:/dev/ttyACM0 --drop 0.01 --flip 0.01 --duplicate 0.01 --seed 7
      a real board behind a bad line
  takt line --a /tmp/agent --b /tmp/board --control /tmp/line.sock
  takt line --control /tmp/line.sock --order '{"cut": true}'
      orders: cut, mend, cut_in_frame [DIRECTION, BYTES], noise_s, unplug SIDE, plug SIDE, rates {...},
      delay_ms [DIRECTION, MS], baud N, status; directions are a_to_b and b_to_a

Equal seeds and equal bytes give equal faults, whatever the clock does. Ends with SIGINT or SIGTERM."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="takt line",
        description=__doc__,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--a", metavar="END", help="pty to offer behind this link, or dev:PATH")
    made.add_argument("--b", metavar="END", help="likewise, the other side")
    made.add_argument("--baud", type=int, default=0, metavar="N", help="line rate, bit/s; 0: no limit")
    made.add_argument("--delay-ms", type=float, default=0.0, metavar="X", help="of every byte, each way")
    for name in ("drop", "flip", "duplicate", "split"):
        made.add_argument(
            f"--{name}", type=float, default=0.0, metavar="P", help=f"chance of a portion to {name}"
        )
    made.add_argument(
        "--split-pause-ms", type=float, default=5.0, metavar="X", help="gap within a split portion"
    )
    made.add_argument("--seed", type=int, default=1, metavar="N", help="of the faults")
    made.add_argument("--fifo", type=int, default=0, metavar="N", help="SCHED_FIFO priority; 0: none")
    made.add_argument("--control", type=Path, metavar="SOCKET", help="where orders are taken while it runs")
    made.add_argument(
        "--order", metavar="JSON", help="give the line at --control this order, print its counters"
    )
    return made


def _end(given: str, baud: int) -> End:
    if given.startswith("dev:"):
        return DeviceEnd(given[4:], baud)
    link = Path(given)
    if not link.parent.is_dir():
        raise TaktError(f"{link.parent} is no folder", "name an end in a folder that exists")
    if link.exists() and not link.is_symlink():
        raise TaktError(f"{link} is taken by something that is no link", f"name another path, or dev:{link}")
    return OfferedEnd(link)


def make_line(options: argparse.Namespace) -> LineSimulator:
    """The line that the options name."""
    if not options.a or not options.b:
        raise TaktError("a line has two ends", "give --a and --b, see `takt line --help`")
    rates = Rates(options.drop, options.flip, options.duplicate, options.split, options.split_pause_ms)
    return LineSimulator(
        _end(options.a, options.baud),
        _end(options.b, options.baud),
        seed=options.seed,
        baud=options.baud,
        delay_ms=options.delay_ms,
        rates=rates,
    )


def _give_order(options: argparse.Namespace) -> int:
    if options.control is None:
        raise TaktError("--order needs a running line", "name its socket with --control")
    try:
        order: Any = json.loads(options.order)
    except ValueError as error:
        raise TaktError(f"--order is no JSON ({error})", """write for instance '{"cut": true}'""") from None
    print(json.dumps(send_order(options.control, order), indent=1))
    return 0


def main(argv: list[str]) -> int:
    """Carry bytes until SIGINT or SIGTERM, or give one order; returns 0."""
    options = parser().parse_args(argv)
    if options.order is not None:
        return _give_order(options)
    line = make_line(options)
    control = ControlServer(line, options.control) if options.control else None
    ending: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: ending.append(received))
    if not 0 <= options.fifo <= 99:
        raise TaktError(f"--fifo {options.fifo} is no priority", "give 0 to 99")
    if options.fifo:
        print(apply_policy(options.fifo).describe(), flush=True)
    print(f"takt line: {line.a.name} <-> {line.b.name}", flush=True)
    try:
        while not ending:
            line.turn(0.05)
            if control:
                control.serve()
    finally:
        print(json.dumps(line.status()), flush=True)
        line.close()
        if control:
            control.close()
    return 0
