"""What an agent can tell of time on a line without asking for more traffic: round trips and the board's oscillator."""

from __future__ import annotations

import struct
from collections import deque
from itertools import islice

WINDOW = 64
_TIME = struct.Struct("<iI")


class RoundTrips:
    """From sending a reliable message to hearing it confirmed, ns; messages sent twice do not count.

    It includes the board's own time until it answers.
    """

    def __init__(self) -> None:
        self._recent: deque[int] = deque(maxlen=WINDOW)

    def note(self, round_trip_ns: int) -> None:
        self._recent.append(round_trip_ns)

    def summary(self) -> dict[str, float]:
        """Shortest, median and longest of the last 64 in ms; empty before the first."""
        if not self._recent:
            return {}
        ordered = sorted(self._recent)
        low, middle, high = ordered[0], ordered[len(ordered) // 2], ordered[-1]
        return {"rtt_min_ms": low / 1e6, "rtt_p50_ms": middle / 1e6, "rtt_max_ms": high / 1e6}


class ClockWatch:
    """The board's clock against ours, by the TIMESTAMPs that it sends.

    The offset between the two is unknown; that it grows by the drift, and by what a message was held up on its way, is
    seen. The quickest message of each half of the window draws the line (Paxson's idea for one-way delays).
    """

    def __init__(self) -> None:
        self._recent: deque[tuple[int, int]] = deque(maxlen=WINDOW)  # our time, our time less the board's

    def note(self, originate: bytes, receive_ns: int) -> None:
        """``originate``: the 8 bytes of a TIMESTAMP, little endian."""
        seconds, nanoseconds = _TIME.unpack(originate)
        self._recent.append((receive_ns, receive_ns - (seconds * 10**9 + nanoseconds)))

    def summary(self) -> dict[str, float]:
        """``clock_drift_ppm`` (positive: the board is slow), ``clock_delay_spread_ms``; empty before 8 exchanges."""
        count = len(self._recent)
        if count < 8:
            return {}
        early = min(islice(self._recent, count // 2), key=lambda pair: pair[1])
        late = min(islice(self._recent, count // 2, None), key=lambda pair: pair[1])
        if late[0] <= early[0]:
            return {}
        slope = (late[1] - early[1]) / (late[0] - early[0])
        delays = [offset - early[1] - slope * (when - early[0]) for when, offset in self._recent]
        return {
            "clock_drift_ppm": round(slope * 1e6, 3),
            "clock_delay_spread_ms": round((max(delays) - min(delays)) / 1e6, 4),
        }
