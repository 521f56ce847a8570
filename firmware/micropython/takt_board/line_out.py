"""The way to the line: whole frames wait in one buffer; a line that takes fewer bytes gets the rest later."""

from micropython import const

from takt_board import framing

_BYTES = const(2200)
_BEST_EFFORT_MOST = const(700)  # waiting bytes beyond which a message that may be lost is dropped
_RELIABLE_MOST = const(1100)  # the largest frame, every byte stuffed, fits behind these


class LineOut:
    """``write(buffer, start, count)`` takes up to ``count`` bytes and returns how many it took."""

    def __init__(self, write):
        self._write = write
        self._bytes = bytearray(_BYTES)
        self._start = 0
        self._end = 0
        self.tx = 0  # messages put on the line
        self.dropped = 0  # messages that found it full

    def clear(self):
        """A frame that is half out stays so: the flag of the next one ends it at the receiver."""
        self._start = 0
        self._end = 0

    def waiting(self):
        return self._end - self._start

    def takes_reliable(self):
        return self._end - self._start <= _RELIABLE_MOST

    def send(self, message, size):
        """A message that may be lost. False and counted: the line is too far behind."""
        if self._end - self._start > _BEST_EFFORT_MOST:
            self.dropped += 1
            return False
        self.put(message, size)
        return True

    def put(self, message, size):
        if self._end + framing.encoded_max(size) > _BYTES:
            waiting = self._end - self._start
            self._bytes[:waiting] = self._bytes[self._start : self._end]
            self._start = 0
            self._end = waiting
        self._end = framing.encode(self._bytes, self._end, message, size, framing.BOARD, framing.AGENT)
        self.tx += 1

    def push(self):
        """As much as the line takes; True when nothing is left."""
        if self._start < self._end:
            self._start += self._write(self._bytes, self._start, self._end - self._start)
            if self._start >= self._end:
                self._start = self._end = 0
        return self._end == 0
