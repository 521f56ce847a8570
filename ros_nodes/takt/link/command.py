"""`takt agent`: a micro-ROS agent for any board that speaks the protocol over a serial port."""

from __future__ import annotations

import argparse

from takt.errors import TaktError

_EPILOG = """\
examples:
  takt agent --dev /dev/ttyACM0                 a board on USB (the rate does not matter there)
  takt agent --dev /dev/ttyUSB0 --baud 115200   a stock micro-ROS board on a UART adapter
  takt agent --dev /dev/ttyACM0 --wait          start now, plug the board in later

The agent works in the ROS domain of its environment (ROS_DOMAIN_ID) for boards that name none (255); a board
that names a domain gets that one (stock micro-ROS: 0). ROS arguments may follow after --ros-args."""


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="takt agent",
        description="Connects micro-ROS boards on a serial line to ROS 2: the board becomes an ordinary ROS node.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument(
        "--dev", required=True, metavar="PATH", help="serial port, USB port or pty of the board"
    )
    made.add_argument(
        "--baud", type=int, default=0, metavar="N", help="line rate in bit/s (default: the contract's)"
    )
    made.add_argument("--wait", action="store_true", help="wait for a port that does not exist yet")
    made.add_argument(
        "--refs", default="", metavar="FILE", help="XML profiles for clients that create by reference"
    )
    return made


def main(argv: list[str]) -> int:
    split = argv.index("--ros-args") if "--ros-args" in argv else len(argv)
    options = parser().parse_args(argv[:split])
    if options.baud < 0:
        raise TaktError(f"--baud {options.baud} is no line rate", "give bit/s, such as 115200 or 921600")
    try:
        from takt.nodes.agent import serve
    except ImportError as error:
        raise TaktError(
            f"ROS 2 is not available to Python ({error})", "source a ROS 2 setup, or pip install ros-rclpy"
        ) from None
    overrides = {
        "device": options.dev,
        "baud": options.baud,
        "wait_for_device": options.wait,
        "refs": options.refs,
    }
    return serve(argv[split:], overrides)
