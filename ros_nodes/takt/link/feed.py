"""Samples on their way from ROS to one object of a client, let through by READ_DATA."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from takt.link.messages import ReadRequest


class Outgoing(NamedTuple):
    stream: int
    request: bytes
    payload: bytes
    stamp_ns: int


_new = tuple.__new__  # in C; a NamedTuple's own is a Python function


class Feed:
    """A history of ``depth`` samples, of which the oldest gives way, and the delivery that drains it.

    Nothing leaves before READ_DATA asks. Limits of that request: number of samples, seconds, bytes a second.
    ``stream``: the one that the running delivery uses, -1 without one. ``ready``: whether it has samples to send.
    """

    __slots__ = ("_allowance_bytes", "_end_ns", "_filled_ns", "_history", "_left", "_read", "ready", "stream")

    def __init__(self, depth: int) -> None:
        self._history: deque[tuple[bytes, int]] = deque(maxlen=max(depth, 1))
        self._read: ReadRequest | None = None
        self._left = 0
        self._end_ns = 0
        self._allowance_bytes = 0.0
        self._filled_ns = 0
        self.stream, self.ready = -1, False

    @property
    def request(self) -> bytes:
        return self._read.request if self._read else b""

    def start(self, read: ReadRequest, now_ns: int) -> None:
        """A new READ_DATA replaces the running one; one that cancels ends it."""
        self._run(None if read.cancels else read)
        self._left = read.max_samples
        self._end_ns = now_ns + read.max_elapsed_s * 1_000_000_000
        self._allowance_bytes, self._filled_ns = float(read.max_bytes_per_s), now_ns

    def _run(self, read: ReadRequest | None) -> None:
        self._read = read
        self.stream = read.stream if read else -1
        self.ready = read is not None and len(self._history) > 0

    def clear(self) -> None:
        """Forget what waits; the delivery goes on."""
        self._history.clear()
        self.ready = False

    def push(self, payload: bytes, stamp_ns: int) -> bool:
        """Keep a sample; returns whether an older one gave way."""
        history = self._history
        full = len(history) == history.maxlen
        history.append((payload, stamp_ns))
        self.ready = self._read is not None
        return full

    def pull(self, now_ns: int) -> Outgoing | None:
        """The next sample that may go now."""
        read = self._read
        if read is None or not self._history:
            return None
        if read.max_elapsed_s and now_ns >= self._end_ns:
            self._run(None)
            return None
        if read.max_bytes_per_s and not self._affordable(read.max_bytes_per_s, now_ns):
            return None
        payload, stamp_ns = self._history.popleft()
        self.ready = len(self._history) > 0
        self._allowance_bytes -= len(payload)
        if self._left != 0xFFFF:
            self._left -= 1
            if not self._left:
                self._run(None)
        return _new(Outgoing, (read.stream, read.request, payload, stamp_ns))

    def _affordable(self, rate_bytes_per_s: int, now_ns: int) -> bool:
        """A bucket of one second's worth; a sample may overdraw it, which the next one waits for."""
        earned = rate_bytes_per_s * (now_ns - self._filled_ns) / 1e9
        self._allowance_bytes = min(self._allowance_bytes + earned, float(rate_bytes_per_s))
        self._filled_ns = now_ns
        return self._allowance_bytes > 0
