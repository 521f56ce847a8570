"""The two kinds of stream in each direction: sequence numbers, acknowledgement, repetition, fragments.

All arithmetic on sequence numbers is modulo 65536, by half range.
"""

from __future__ import annotations

from collections import deque

from takt.link.messages import FRAGMENT, LAST_FRAGMENT, LITTLE_ENDIAN, SUBHEADER, build_submessage

WINDOW = 16
HEARTBEAT_PERIOD_NS = 200_000_000
RESEND_GUARD_NS = (
    20_000_000  # a client repeats its complaint with each later message; the line is slower than that
)
MAX_REBUILT = 1 << 20
MAX_QUEUED = 4096
_HALF, _MASK = 0x8000, 0xFFFF


def ahead(sequence: int, reference: int) -> int:
    """How far ``sequence`` lies past ``reference``; negative where it lies behind."""
    distance = (sequence - reference) & _MASK
    return distance - 0x10000 if distance >= _HALF else distance


class BestEffortIn:
    """Takes only what is newer than the last one taken."""

    __slots__ = ("_heard", "_last", "late", "lost")

    def __init__(self) -> None:
        self._last = _MASK
        self._heard = False
        self.late = self.lost = 0  # ``lost``: numbers left out, between the first one taken and the newest

    def accept(self, sequence: int) -> bool:
        step = (sequence - self._last) & _MASK
        if not 0 < step < _HALF:
            self.late += 1
            return False
        if self._heard:
            self.lost += step - 1
        self._last, self._heard = sequence, True
        return True

    def skip_to(self, sequence: int) -> None:
        """Take ``sequence`` as the next."""
        self._last = (sequence - 1) & _MASK


class ReliableIn:
    """Puts messages in order, once each, within a window of 16; knows what is missing."""

    __slots__ = ("_announced", "_held", "duplicates", "expected", "out_of_window", "skipped")

    def __init__(self) -> None:
        self.expected = 0
        self._announced = _MASK  # the newest sequence known to exist
        self._held: dict[int, bytes] = {}
        self.duplicates = self.out_of_window = self.skipped = 0

    def receive(self, sequence: int, message: bytes) -> list[bytes]:
        """Take one message; returns those that are now in order."""
        distance = ahead(sequence, self.expected)
        if distance < 0 or sequence in self._held:
            self.duplicates += 1
            return []
        if distance >= WINDOW:
            self.out_of_window += 1
            return []
        self._held[sequence] = message
        if ahead(sequence, self._announced) > 0:
            self._announced = sequence
        return self._drain()

    def heartbeat(self, first: int, last: int) -> list[bytes]:
        """The sender holds ``first`` to ``last``: what lies before is lost for good and skipped."""
        if ahead(last, self._announced) > 0 and ahead(last, first) >= -1:
            self._announced = last
        lost = ahead(first, self.expected)
        if lost <= 0:
            return []
        rescued = []
        for _ in range(min(lost, WINDOW)):  # nothing is held further ahead
            message = self._held.pop(self.expected, None)
            if message is None:
                self.skipped += 1
            else:
                rescued.append(message)
            self.expected = (self.expected + 1) & _MASK
        self.skipped += max(lost - WINDOW, 0)
        self.expected = first
        return rescued + self._drain()

    def skip_to(self, sequence: int) -> None:
        """Go on at ``sequence`` as if all before had come (a recording with a part cut out)."""
        self._held.clear()
        self.expected, self._announced = sequence, (sequence - 1) & _MASK

    def acknack(self) -> tuple[int, int]:
        """(first not received, bitmap of the missing from there on)."""
        span = min(ahead(self._announced, self.expected) + 1, WINDOW)
        missing = 0
        for bit in range(span):
            if (self.expected + bit) & _MASK not in self._held:
                missing |= 1 << bit
        return self.expected, missing

    def _drain(self) -> list[bytes]:
        ready = []
        while (message := self._held.pop(self.expected, None)) is not None:
            ready.append(message)
            self.expected = (self.expected + 1) & _MASK
        if ahead(self.expected, self._announced) > 1:
            self._announced = (self.expected - 1) & _MASK
        return ready


class Rebuilder:
    """Joins the fragments of one stream; gives up what grows beyond 1 MiB."""

    __slots__ = ("_parts", "_size", "dropped")

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self.dropped = 0

    @property
    def size(self) -> int:
        """Bytes kept for a message that is not whole yet."""
        return sum(len(part) for part in self._parts)

    def add(self, content: bytes, last: bool) -> bytes | None:
        """Take the next fragment in order; returns the whole with the last one."""
        self._size += len(content)
        if self._size <= MAX_REBUILT:
            self._parts.append(content)
        else:
            self._parts.clear()
        if not last:
            return None
        whole, too_big = b"".join(self._parts), self._size > MAX_REBUILT
        self._parts, self._size = [], 0
        if too_big:
            self.dropped += 1
            return None
        return whole

    def reset(self) -> None:
        """Forget a half-received message (the stream began anew, or a part of it is lost for good)."""
        self.dropped += bool(self._parts)
        self._parts, self._size = [], 0


class _Sent:
    __slots__ = ("body", "first_ns", "sent_ns")

    def __init__(self, body: bytes, sent_ns: int) -> None:
        self.body, self.first_ns, self.sent_ns = body, sent_ns, sent_ns


class ReliableOut:
    """Keeps 16 messages until they are acknowledged, the rest in a queue; cuts what exceeds the client's MTU.

    ``room``: bytes of submessage that one message holds (MTU less header).
    """

    def __init__(self, room: int) -> None:
        self._room = room
        self._next = 0
        self._window: dict[int, _Sent] = {}
        self._queue: deque[bytes] = deque()
        self._beat_ns = 0
        self.retransmits = 0
        self.dropped = 0
        self.round_trip_ns = (
            -1
        )  # of the newest message that was confirmed and sent once; its reader sets it back

    @property
    def unacknowledged(self) -> int:
        return len(self._window)

    @property
    def queued(self) -> int:
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether a sample offered now goes out now; else it had better wait where newer ones can replace it."""
        return not self._queue and len(self._window) < WINDOW

    def offer(self, submessage: bytes) -> bool:
        """Queue one submessage, cut to fragments if it must be; False if the queue is full."""
        if len(self._queue) >= MAX_QUEUED:
            self.dropped += 1
            return False
        self._queue.extend(self._cut(submessage))
        return True

    def _cut(self, submessage: bytes) -> list[bytes]:
        if len(submessage) <= self._room:
            return [submessage]
        step = self._room - SUBHEADER
        pieces = [submessage[start : start + step] for start in range(0, len(submessage), step)]
        flags = [LITTLE_ENDIAN] * (len(pieces) - 1) + [LITTLE_ENDIAN | LAST_FRAGMENT]
        return [build_submessage(FRAGMENT, piece, flag) for piece, flag in zip(pieces, flags, strict=True)]

    def due(self, now_ns: int) -> list[tuple[int, bytes]]:
        """Move what fits into the window; returns (sequence, body) of what must go out now."""
        out = []
        while self._queue and len(self._window) < WINDOW:
            body = self._queue.popleft()
            if not self._window:
                self._beat_ns = now_ns
            self._window[self._next] = _Sent(body, now_ns)
            out.append((self._next, body))
            self._next = (self._next + 1) & _MASK
        return out

    def acknowledge(self, first: int, missing: int, now_ns: int) -> list[tuple[int, bytes]]:
        """Forget all before ``first``; returns (sequence, body) of what is asked for again.

        A number past the newest one sent, or behind the oldest kept, confirms nothing.
        """
        if not self._window:
            return []
        confirmed = ahead(first, next(iter(self._window)))
        if not 0 <= confirmed <= len(self._window):
            return []
        for sequence in list(self._window)[:confirmed]:
            done = self._window.pop(sequence)
            if done.sent_ns == done.first_ns:
                self.round_trip_ns = now_ns - done.sent_ns
        again = []
        for bit in range(WINDOW if missing else 0):
            sequence = (first + bit) & _MASK
            kept = self._window.get(sequence)
            if missing >> bit & 1 and kept and now_ns - kept.sent_ns >= RESEND_GUARD_NS:
                kept.sent_ns = now_ns
                again.append((sequence, kept.body))
        self.retransmits += len(again)
        return again

    def skip_to(self, sequence: int) -> None:
        """Number the next message ``sequence`` and take all before as confirmed (a recording with a part cut out)."""
        self._window.clear()
        self._next = sequence

    def heartbeat(self, now_ns: int) -> tuple[int, int] | None:
        """(first unacknowledged, last sent), every 200 ms while something is unacknowledged."""
        if not self._window or now_ns - self._beat_ns < HEARTBEAT_PERIOD_NS:
            return None
        self._beat_ns = now_ns
        return next(iter(self._window)), (self._next - 1) & _MASK
