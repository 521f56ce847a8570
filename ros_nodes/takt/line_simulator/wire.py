"""One direction of a serial line in time: a rate, a delay, faults, cuts and noise. Pure; time is an argument.

    wire.write(data, now_ns)        bytes put on the line
    wire.read(now_ns)               bytes that have arrived by then
    wire.next_ns(now_ns)            when more will have

Used by the simulator process in real time, and by the proofs and the twin in virtual time.
"""

from __future__ import annotations

import random
from collections import deque

from takt.line_simulator.faults import FaultyStream

_BITS_PER_BYTE = 10  # start, eight, stop
_STEP_NS = 1_000_000  # a long portion arrives in steps of this
_NOISE_CHUNK_NS = 2_000_000
_UNLIMITED_NOISE_BAUD = 921_600
_FLAG = b"\x7e"
NEVER_NS = 1 << 62


class Wire:
    """``baud`` 0: no limit of rate. ``delay_ns`` may be changed at any time; bytes never overtake each other.

    Before ``due_ns`` a read finds nothing: for those who ask every millisecond.
    """

    def __init__(self, faults: FaultyStream, *, baud: int = 0, delay_ns: int = 0) -> None:
        self.faults, self.baud, self.delay_ns = faults, baud, delay_ns
        self.is_cut = False
        self.swallowed = 0  # bytes lost by cuts and under noise
        self._cut_after: int | None = None
        self._queue: deque[tuple[int, bytes]] = deque()  # when the first byte begins to arrive
        self._free_ns = 0  # when the sender's side is free again
        self._last_ns = 0  # when the last byte queued will have arrived
        self.waiting = 0
        self.due_ns = NEVER_NS
        self._noise = random.Random(f"{faults.portions} noise")
        self._noise_from_ns = self._noise_until_ns = 0

    # ------------------------------------------------------------------ use

    def write(self, data: bytes, now_ns: int) -> None:
        """Put bytes on the line; what it harms, it harms here."""
        if self._noise_from_ns < self._noise_until_ns:
            self._make_noise(now_ns)
        if self._cut_after is not None:
            data = self._cut_within(data, now_ns)
        if self.is_cut or now_ns < self._noise_until_ns:
            self.swallowed += len(data)
            return
        for piece, pause_ns in self.faults.apply(data):
            self._send(piece, now_ns, pause_ns)

    def read(self, now_ns: int) -> bytes:
        """All that has arrived by now."""
        if self._noise_from_ns < self._noise_until_ns:
            self._make_noise(now_ns)
        queue, taken = self._queue, b""
        while queue and queue[0][0] <= now_ns:
            begin_ns, data = queue[0]
            count = len(data) if not self.baud else self._arrived(now_ns - begin_ns)
            if count < len(data):
                if count:
                    taken += data[:count]
                    queue[0] = (begin_ns + self._takes_ns(count), data[count:])
                break
            taken += data
            queue.popleft()
        self.waiting -= len(taken)
        self.due_ns = self._first_ns()
        return taken

    def next_ns(self, now_ns: int) -> int | None:
        """When the portion at the head is through, or a step of it; None: nothing is under way."""
        due = [self._noise_from_ns] if self._noise_from_ns < self._noise_until_ns else []
        if self._queue:
            begin_ns, data = self._queue[0]
            step = max(_STEP_NS, self._takes_ns(1))
            due.append(min(begin_ns + self._takes_ns(len(data)), max(begin_ns, now_ns) + step))
        return min(due, default=None)

    # --------------------------------------------------------------- faults

    def cut(self) -> None:
        """Open the wire: what is written is swallowed, what is under way still arrives."""
        self.is_cut = True

    def cut_in_frame(self, after_bytes: int) -> None:
        """Open the wire so many bytes behind the next frame flag."""
        self._cut_after = max(after_bytes, 1)

    def mend(self) -> None:
        self.is_cut, self._cut_after = False, None

    def noise(self, seed: int, now_ns: int, duration_ns: int) -> None:
        """Random bytes at the line's rate instead of what is sent, for so long."""
        self._noise = random.Random(seed)
        self._noise_from_ns, self._noise_until_ns = now_ns, now_ns + duration_ns
        self.due_ns = min(self.due_ns, now_ns)

    def clear(self) -> None:
        """Forget what is under way (the port is gone)."""
        self._queue.clear()
        self.waiting, self.due_ns = 0, self._first_ns()
        self._free_ns = self._last_ns = 0

    # ------------------------------------------------------------ internals

    def _first_ns(self) -> int:
        """When the first byte begins to arrive, of what is under way or of the noise to be made."""
        first_ns = self._queue[0][0] if self._queue else NEVER_NS
        if self._noise_from_ns < self._noise_until_ns:
            return min(first_ns, self._noise_from_ns)
        return first_ns

    def _send(self, piece: bytes, now_ns: int, pause_ns: int = 0) -> None:
        start_ns = max(now_ns, self._free_ns) + pause_ns
        takes_ns = self._takes_ns(len(piece))
        self._free_ns = start_ns + takes_ns
        begin_ns = max(start_ns + self.delay_ns, self._last_ns)
        self._last_ns = begin_ns + takes_ns
        self._queue.append((begin_ns, piece))
        self.due_ns = min(self.due_ns, begin_ns)
        self.waiting += len(piece)

    def _takes_ns(self, count: int) -> int:
        return count * _BITS_PER_BYTE * 1_000_000_000 // self.baud if self.baud else 0

    def _arrived(self, elapsed_ns: int) -> int:
        """Whole bytes that arrive in so much time: the largest count whose ``_takes_ns`` is within it."""
        return ((elapsed_ns + 1) * self.baud - 1) // (_BITS_PER_BYTE * 1_000_000_000)

    def _cut_within(self, data: bytes, now_ns: int) -> bytes:
        """Cut where :meth:`cut_in_frame` wants it; returns what still passes."""
        at = data.find(_FLAG)
        if at < 0 or self._cut_after is None:
            return data
        end = at + self._cut_after
        passing, lost = data[:end], data[end:]
        self.swallowed += len(lost)
        for piece, pause_ns in self.faults.apply(passing):
            self._send(piece, now_ns, pause_ns)
        self._cut_after, self.is_cut = None, True
        return b""

    def _make_noise(self, now_ns: int) -> None:
        """Noise is made as it is needed, from bytes whose order the seed gives."""
        baud = self.baud or _UNLIMITED_NOISE_BAUD
        while self._noise_from_ns < self._noise_until_ns and self._noise_from_ns <= now_ns:
            span_ns = min(_NOISE_CHUNK_NS, self._noise_until_ns - self._noise_from_ns)
            count = span_ns * baud // (_BITS_PER_BYTE * 1_000_000_000)
            if count:
                self._send(self._noise.randbytes(count), self._noise_from_ns)
            self._noise_from_ns += span_ns
