"""A cable between a device and a new pty: it forwards both ways until it is cut, and again once it is mended.

    takt_cable --device PATH --far-end LINK [--cut-at SECONDS] [--mend-at SECONDS]

SIGUSR1 cuts and mends it by hand. While it is cut, bytes are swallowed in both directions, as by an open wire;
neither end sees its device vanish. It is the line simulator (`takt line`) with cuts by the clock and no other fault.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from pathlib import Path

from takt.errors import TaktError, guarded
from takt.line_simulator.ends import DeviceEnd, OfferedEnd
from takt.line_simulator.line import LineSimulator


class Cut:
    """Whether the wire is open, by the clock and by hand. Times in s since the cable began; None: never."""

    def __init__(self, cut_at_s: float | None = None, mend_at_s: float | None = None) -> None:
        self._events = sorted(
            (at_s, is_cut) for at_s, is_cut in ((cut_at_s, True), (mend_at_s, False)) if at_s is not None
        )
        self.is_cut = False

    def toggle(self) -> None:
        self.is_cut = not self.is_cut

    def advance(self, since_start_s: float) -> bool:
        """Do what is due; returns whether the wire is open now."""
        while self._events and self._events[0][0] <= since_start_s:
            self.is_cut = self._events.pop(0)[1]
        return self.is_cut

    def next_s(self) -> float | None:
        return self._events[0][0] if self._events else None


class Cable:
    """Forwards between a device, which may come and go, and the near end of a pty."""

    def __init__(self, device: str, far_end: Path, cut: Cut) -> None:
        self._line = LineSimulator(DeviceEnd(device), OfferedEnd(far_end))
        self._cut = cut
        self._start_s = time.monotonic()

    @property
    def swallowed(self) -> int:
        return sum(way["swallowed_bytes"] + way["overrun_bytes"] for way in self._line.status().values())

    def turn(self, timeout_s: float) -> None:
        """Wait for bytes at most so long and forward them."""
        since_s = time.monotonic() - self._start_s
        self._obey(since_s)
        due_s = self._cut.next_s()
        if due_s is not None:
            timeout_s = min(timeout_s, max(due_s - since_s, 0.0))
        self._line.turn(timeout_s)

    def _obey(self, since_start_s: float) -> None:
        if self._cut.advance(since_start_s):
            self._line.cut()
        else:
            self._line.mend()

    def close(self) -> None:
        self._line.close()


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt_cable", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--device", required=True, help="the port to forward; it may come and go")
    made.add_argument("--far-end", required=True, type=Path, help="symbolic link to make for the other side")
    made.add_argument("--cut-at", type=float, metavar="SECONDS", help="cut the wire so long after the start")
    made.add_argument("--mend-at", type=float, metavar="SECONDS", help="mend it so long after the start")
    return made


def run(argv: list[str]) -> int:
    """Forward until SIGINT or SIGTERM; returns 0."""
    options = parser().parse_args(argv)
    if not options.far_end.parent.is_dir():
        raise TaktError(f"{options.far_end.parent} is no folder", "name a far end in a folder that exists")
    cut = Cut(options.cut_at, options.mend_at)
    cable = Cable(options.device, options.far_end, cut)
    ending: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _frame: ending.append(received))
    signal.signal(signal.SIGUSR1, lambda _received, _frame: cut.toggle())
    try:
        while not ending:
            cable.turn(timeout_s=0.2)
    finally:
        cable.close()
    return 0


def main() -> None:
    sys.exit(guarded(lambda: run(sys.argv[1:])))


if __name__ == "__main__":
    main()
