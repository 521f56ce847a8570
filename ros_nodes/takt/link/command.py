"""`takt agent`: a micro-ROS agent for any board that speaks the protocol over a serial port."""

from __future__ import annotations

import argparse

from takt.errors import TaktError

_EPILOG = """\
examples:
  takt agent --dev /dev/ttyACM0                 a board on USB (the rate does not matter there)
  takt agent --dev /dev/ttyUSB0 --baud 115200   a stock micro-ROS board on a UART adapter
  takt agent --dev /dev/ttyACM0 --wait          start now, plug the board in later
  takt agent --udp 8888                         boards on Wi-Fi or Ethernet
  takt agent --dev /dev/ttyACM0 --dev /dev/ttyUSB0 --udp 8888      several boards, one agent

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
        "--dev",
        action="append",
        default=[],
        metavar="PATH",
        help="serial port, USB port or pty of a board; repeat for more",
    )
    made.add_argument(
        "--udp", type=int, default=0, metavar="PORT", help="serve boards on the network on this UDP port too"
    )
    made.add_argument(
        "--baud", type=int, default=0, metavar="N", help="line rate in bit/s (default: the contract's)"
    )
    made.add_argument(
        "--domain",
        type=int,
        default=None,
        metavar="N",
        help="the agent's ROS domain (default: ROS_DOMAIN_ID or 0)",
    )
    made.add_argument("--wait", action="store_true", help="wait for a port that does not exist yet")
    made.add_argument(
        "--refs", default="", metavar="FILE", help="XML profiles for clients that create by reference"
    )
    return made


def main(argv: list[str]) -> int:
    split = argv.index("--ros-args") if "--ros-args" in argv else len(argv)
    options = parser().parse_args(argv[:split])
    _check(options)
    try:
        from takt.nodes.agent import serve
    except ImportError as error:
        raise TaktError(
            f"ROS 2 is not available to Python ({error})", "source a ROS 2 setup, or pip install ros-rclpy"
        ) from None
    overrides = {
        "device": ",".join(options.dev),
        "udp_port": options.udp,
        "baud": options.baud,
        "wait_for_device": options.wait,
        "refs": options.refs,
    }
    return serve(argv[split:], overrides, options.domain)


def _check(options: argparse.Namespace) -> None:
    if not options.dev and not options.udp:
        raise TaktError("no line was named", "takt agent --dev /dev/ttyACM0 (a board's port), or --udp 8888")
    if options.baud < 0:
        raise TaktError(f"--baud {options.baud} is no line rate", "give bit/s, such as 115200 or 921600")
    if not 0 <= options.udp <= 65535:
        raise TaktError(f"--udp {options.udp} is no port", "give a number from 1 to 65535, such as 8888")
    if options.domain is not None and not 0 <= options.domain <= 232:
        raise TaktError(f"--domain {options.domain} is no ROS domain", "give a number from 0 to 232")
    commas = [path for path in options.dev if "," in path]
    if commas:
        raise TaktError(f"the name {commas[0]} has a comma", "name the port by a path without one")
