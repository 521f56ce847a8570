"""The simulator itself: two ends, a wire each way, turned by whoever owns it or by a thread of its own."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from takt.errors import TaktError
from takt.line_simulator.ends import End
from takt.line_simulator.faults import RATE_NAMES, FaultyStream, Rates
from takt.line_simulator.wire import Wire

DIRECTIONS = ("a_to_b", "b_to_a")
_PILE = 4096  # bytes under way beyond which a sender has to wait, as with a UART's kernel buffer
_REOPEN_S = 0.05

Tap = Callable[[str, bytes, int], None]  # direction, bytes that arrive, monotonic ns


class LineSimulator:
    """Carries bytes between ``a`` and ``b``. ``tap`` sees what arrives, on the turning thread.

    All that changes the line may be called from any thread while another one turns it.
    """

    def __init__(
        self,
        a: End,
        b: End,
        *,
        seed: int = 1,
        baud: int = 0,
        delay_ms: float = 0.0,
        rates: Rates | None = None,
    ) -> None:
        if baud < 0 or delay_ms < 0.0:
            raise TaktError(f"baud {baud}, delay {delay_ms} ms", "give positive numbers, or 0 for none")
        self.a, self.b = a, b
        self._delay_ns = int(delay_ms * 1e6)
        self.wires = {
            name: Wire(FaultyStream(seed, name, rates), baud=baud, delay_ns=self._delay_ns)
            for name in DIRECTIONS
        }
        self.tap: Tap | None = None
        self.lock = threading.RLock()
        self._cutting = False
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_write, False)

    # --------------------------------------------------------------- turning

    def turn(self, timeout_s: float) -> None:
        """Wait for bytes, or for bytes to arrive, at most so long; then carry them."""
        with self.lock:
            now_ns = time.monotonic_ns()
            due = [at_ns for wire in self.wires.values() if (at_ns := wire.next_ns(now_ns)) is not None]
            wait_s = min([timeout_s, *((at_ns - now_ns) / 1e9 for at_ns in due)])
            watched = [self._wake_read]
            if self.a.fileno() < 0 or self.b.fileno() < 0:
                wait_s = min(wait_s, _REOPEN_S)
            for end, _, wire in self._ways():
                if end.fileno() >= 0 and wire.waiting < _PILE:
                    watched.append(end.fileno())
        ready: list[int] = []
        with contextlib.suppress(OSError, ValueError):  # an end was unplugged while waiting
            ready, _, _ = select.select(watched, [], [], max(wait_s, 0.0))
            if self._wake_read in ready:
                os.read(self._wake_read, 4096)
        with self.lock:
            self._carry(ready, time.monotonic_ns())

    def _ways(self) -> list[tuple[End, End, Wire]]:
        return [(self.a, self.b, self.wires["a_to_b"]), (self.b, self.a, self.wires["b_to_a"])]

    def _carry(self, ready: list[int], now_ns: int) -> None:
        for name, (source, sink, wire) in zip(DIRECTIONS, self._ways(), strict=True):
            if source.fileno() in ready:
                data = source.read()
                if data:
                    wire.write(data, now_ns)
                    self._open_both(wire)
            arrived = wire.read(now_ns)
            if arrived:
                sink.write(arrived, now_ns)
                if self.tap:
                    self.tap(name, arrived, now_ns)
        self.a.service()
        self.b.service()

    def _open_both(self, wire: Wire) -> None:
        """A cable that parts in mid-frame parts both ways."""
        if wire.is_cut and self._cutting:
            self._cutting = False
            self.cut()

    # -------------------------------------------------------------- commands

    def cut(self) -> None:
        """Open the wire both ways: neither end sees its device vanish."""
        with self.lock:
            for wire in self.wires.values():
                wire.cut()

    def cut_in_frame(self, direction: str, after_bytes: int) -> None:
        """Open both ways as soon as so many bytes of the next frame in ``direction`` have passed."""
        with self.lock:
            self.wires[direction].cut_in_frame(after_bytes)
            self._cutting = True

    def mend(self) -> None:
        with self.lock:
            self._cutting = False
            for wire in self.wires.values():
                wire.mend()

    def noise(self, seed: int, seconds: float, directions: tuple[str, ...] = DIRECTIONS) -> None:
        """Random bytes at line rate instead of the traffic."""
        with self.lock:
            for index, name in enumerate(directions):
                self.wires[name].noise(seed + index, time.monotonic_ns(), int(seconds * 1e9))
        self._wake()

    def unplug(self, side: str) -> None:
        """Take away the port of side ``a`` or ``b``, as a pulled USB cable does."""
        with self.lock:
            self._end(side).unplug()
            for wire in self.wires.values():
                wire.clear()
        self._wake()

    def plug(self, side: str) -> None:
        """Bring the port back; an offered pty is another device then, behind the same link."""
        with self.lock:
            self._end(side).plug()
        self._wake()

    def set_rates(self, changes: dict[str, float]) -> None:
        """Other fault rates from now on, both ways. Raises TaktError for an unknown name."""
        unknown = set(changes) - set(RATE_NAMES)
        if unknown:
            raise TaktError(f"no fault rate {sorted(unknown)[0]!r}", f"one of: {', '.join(RATE_NAMES)}")
        with self.lock:
            for wire in self.wires.values():
                wire.faults.rates = dataclasses.replace(wire.faults.rates, **changes)

    def set_delay(self, direction: str, delay_ms: float) -> None:
        with self.lock:
            self.wires[direction].delay_ns = int(delay_ms * 1e6)

    def set_baud(self, baud: int) -> None:
        """Another rate from now on, both ways; 0: no limit. Raises TaktError for a negative one."""
        if baud < 0:
            raise TaktError(f"baud {baud}", "give a positive number, or 0 for no limit")
        with self.lock:
            for wire in self.wires.values():
                wire.baud = baud

    def status(self) -> dict[str, Any]:
        """Counters of both directions."""
        with self.lock:
            return {
                name: {
                    "portions": wire.faults.portions,
                    **wire.faults.counts,
                    "swallowed_bytes": wire.swallowed,
                    "overrun_bytes": sink.lost,
                    "cut": wire.is_cut,
                }
                for name, (_, sink, wire) in zip(DIRECTIONS, self._ways(), strict=True)
            }

    def _end(self, side: str) -> End:
        if side not in ("a", "b"):
            raise TaktError(f"a line has no side {side!r}", "name a or b")
        return self.a if side == "a" else self.b

    def _wake(self) -> None:
        with contextlib.suppress(OSError):
            os.write(self._wake_write, b"\0")

    def close(self) -> None:
        self.a.close()
        self.b.close()
        os.close(self._wake_read)
        os.close(self._wake_write)


class RunningLine:
    """A simulator with a thread that turns it, for tests and proofs: ``with RunningLine(...) as line``."""

    def __init__(self, line: LineSimulator) -> None:
        self.line = line
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="line simulator", daemon=True)

    def _run(self) -> None:
        while not self._stop:
            self.line.turn(0.2)

    def __enter__(self) -> LineSimulator:
        self._thread.start()
        return self.line

    def __exit__(self, *_: object) -> None:
        self._stop = True
        self._thread.join(timeout=2.0)
        self.line.close()
