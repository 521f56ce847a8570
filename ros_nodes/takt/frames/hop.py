"""One end of a measured frame hop through a ring, as a process of its own: ``python -m takt.frames.hop ROLE ...``.

Each frame carries its number in its pixels and the monotonic time just before it was published in its header.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np

from takt.errors import TaktError, guarded
from takt.frames.ring import FrameRing
from takt.realtime import apply_policy

FIFO_PRIORITY = 60
_NANOSECONDS = 1_000_000_000
_LOOK_S = 0.02


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="takt.frames.hop", description=__doc__)
    parser.add_argument("role", choices=("writer", "reader"))
    add_options(parser)
    options = parser.parse_args(argv)
    (_write if options.role == "writer" else _read)(options)
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every end of a hop is told, through a ring or through a topic."""
    parser.add_argument("name", help="of the ring or topic")
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    parser.add_argument("--rate", type=float, default=60.0, help="frames a second")
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--start", type=Path, required=True, help="file that will say when, monotonic ns")
    parser.add_argument("--offset-ns", type=int, default=0, help="of the first frame from there")
    parser.add_argument("--out", type=Path, required=True, help="where the reader writes its samples (.npy)")


def await_start(options: argparse.Namespace) -> None:
    """Say that this end is ready, by a file beside ``--start``, and wait until that says when to begin."""
    Path(f"{options.start}.{os.getpid()}").touch()
    while not options.start.exists():
        time.sleep(_LOOK_S)
    options.start_ns = int(options.start.read_text()) + options.offset_ns


def grid_ns(options: argparse.Namespace, number: int) -> int:
    """When frame ``number`` (from 1) is due."""
    return int(options.start_ns + (number - 1) * _NANOSECONDS / options.rate)


def sleep_until(due_ns: int) -> None:
    """Until ``due_ns`` of the monotonic clock."""
    left_ns = due_ns - time.monotonic_ns()
    if left_ns > 0:
        time.sleep(left_ns / 1e9)


def save(out: Path, samples: list[tuple[int, int, int]]) -> None:
    """Rows of number, hop in ns, 1 if the pixels were those of that number."""
    np.save(out, np.array(samples, np.int64).reshape(-1, 3))


def _write(options: argparse.Namespace) -> None:
    with FrameRing.create(options.name, options.width, options.height) as ring:
        apply_policy(FIFO_PRIORITY)
        await_start(options)
        first = ring.newest_sequence
        for number in range(1, options.frames + 1):
            sleep_until(grid_ns(options, number))
            slot = ring.begin()
            slot.pixels[:] = number % 251
            published_ns = time.monotonic_ns()
            ring.publish(slot, number + first, number, published_ns)


def _read(options: argparse.Namespace) -> None:
    ring, samples, last = _attached(options), [], 0
    apply_policy(FIFO_PRIORITY)
    await_start(options)
    end_ns = grid_ns(options, options.frames) + _NANOSECONDS
    while last < options.frames and time.monotonic_ns() < end_ns:
        frame = ring.wait_newer(last, 0.2)
        if frame is None:
            continue
        held_ns = time.monotonic_ns()
        last = frame.sequence
        whole = int(frame.pixels[0, 0, 0]) == int(frame.pixels[-1, -1, 2]) == frame.capture_enter_ns % 251
        samples.append((last, held_ns - frame.capture_exit_ns, int(whole and frame.still_valid())))
    save(options.out, samples)


def _attached(options: argparse.Namespace) -> FrameRing:
    while True:
        try:
            return FrameRing.attach(options.name)
        except TaktError:
            if options.start.exists():  # everybody else is ready: there will be none
                raise
            time.sleep(_LOOK_S)


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
