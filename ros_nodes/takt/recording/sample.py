"""One recorded message, and the ring that holds the newest ones in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple


class Sample(NamedTuple):
    """A message as it came off the middleware. ``data`` is its CDR with the four octets of encapsulation before it.

    ``log_ns`` is when this computer received it, ``publish_ns`` when its writer sent it; both are ns of the system's
    clock, which is ROS time unless the robot runs in simulated time.
    """

    topic: str
    log_ns: int
    publish_ns: int
    data: bytes


class MessageRing:
    """The samples of the last ``keep_ns``, at most ``max_bytes`` of their data.

    The newest sample of each topic in ``latched`` is held beyond its age: what such a topic said is still true.
    ``dropped`` counts samples that went for want of room before their time.
    """

    def __init__(self, keep_ns: int, max_bytes: int, latched: Iterable[str] = ()) -> None:
        self._keep_ns = keep_ns
        self._max_bytes = max_bytes
        self._samples: deque[tuple[int, Sample]] = deque()
        self._held: dict[str, Sample | None] = dict.fromkeys(latched)
        self.size_bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._samples)

    def add(self, sample: Sample, steady_ns: int) -> None:
        """Keep a sample; ``steady_ns`` (of a clock that never steps) decides about age."""
        self._samples.append((steady_ns, sample))
        self.size_bytes += len(sample.data)
        while self.size_bytes > self._max_bytes:
            self.dropped += 1
            self._let_go()
        self.forget_old(steady_ns)

    def forget_old(self, steady_ns: int) -> None:
        """Let go of what is older than ``keep_ns``."""
        while self._samples and steady_ns - self._samples[0][0] > self._keep_ns:
            self._let_go()

    def contents(self) -> list[Sample]:
        """The last word of each latched topic that fell out of the ring, then the ring in order of arrival."""
        held = [sample for sample in self._held.values() if sample is not None]
        return held + [sample for _, sample in self._samples]

    def _let_go(self) -> None:
        _, sample = self._samples.popleft()
        self.size_bytes -= len(sample.data)
        if sample.topic in self._held:
            self._held[sample.topic] = sample
