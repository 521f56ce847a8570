"""`takt record`: everything that the robot says, from now until Ctrl-C, as MCAP files."""

from __future__ import annotations

import argparse
import contextlib
import signal
from pathlib import Path

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.parameter import Parameter

from takt.errors import TaktError
from takt.nodes.recorder import RecorderNode


def main(argv: list[str]) -> int:
    """0 when all of it is on disk, 1 when the disk was too slow at the end; TaktError for bad input."""
    given = _parser().parse_args(argv)
    if given.seconds is not None and given.seconds <= 0:
        raise TaktError(f"--seconds {given.seconds} is too short", "give more than 0, or leave it out")
    try:
        given.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TaktError(
            f"{given.folder} cannot be made ({error.strerror})", "name another --folder"
        ) from None
    rclpy.init(args=[])
    parameters = {
        "folder": str(given.folder.resolve()),
        "ring": given.ring,
        "whole_run": True,
        "black_box": False,
    }
    overrides = [Parameter(name, value=value) for name, value in parameters.items()]
    node = RecorderNode(parameter_overrides=overrides)
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        node.spin(given.seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # a second Ctrl-C does not cost the end of the file
    whole = node.close()
    rclpy.try_shutdown()
    print(f"{node.taken} messages in {given.folder}")
    return 0 if whole else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takt record", description="Record the running robot until Ctrl-C, as MCAP (docs/recording.md)."
    )
    parser.add_argument(
        "--folder", type=Path, default=Path("recordings"), help="where to (default %(default)s)"
    )
    parser.add_argument("--seconds", type=float, default=None, help="end after this long")
    parser.add_argument("--ring", default="takt_camera", help="frame ring for pictures (default %(default)s)")
    return parser
