"""What goes to the viewers: the newest view, never an older one, and never more than one on its way to each.

A view is one binary message: length of the JSON (u32, little endian), the JSON, the JPEG (may be empty). The viewer
says ``next`` when it wants another; only then does it get one, of what is newest then. So nothing grows old in a queue,
whatever sockets and proxies buffer, and no viewer waits for another. What changes seldom (histograms, the newest
frame's journey) goes to a viewer only when it is newer than what that viewer has.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from takt.dashboard.picture import Picture, PictureTaker
from takt.dashboard.state import RobotState

_AFTER_FAILURE_S = 1.0
_OLDEST_PICTURE_S = 1.0  # one that has lain here for longer is not sent, also to a viewer that has none
_log = logging.getLogger(__name__)


@dataclass
class Seen:
    """What one viewer has: number of its last view, picture and miss, and the version of each part."""

    view: int = 0
    picture: int = 0
    miss: int = 0
    parts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class View:
    """One moment as it is sent; ``number`` grows by one with each. ``begun_s``: steady time, before which nothing in
    it was read but the picture."""

    number: int
    begun_s: float
    state: dict[str, Any]
    picture: Picture | None  # the newest there is, which an earlier view may have brought already
    picture_number: int

    def message(self, seen: Seen, feed: Feed, waited_ms: float, small: bool = False) -> bytes:
        """The bytes for a viewer that has ``seen`` so far, which is brought up to date. ``waited_ms``: for how long
        it was waited for here before this view was begun."""
        shown = self.state | {"view": self.number, "waited_ms": round(waited_ms, 2)} | feed.news(seen)
        jpeg, picture = b"", self.picture
        if picture is not None and self.picture_number > seen.picture:
            if self.begun_s - picture.taken_s <= _OLDEST_PICTURE_S:
                shown["picture"] = _description(picture)
                jpeg = picture.small_jpeg if small else picture.jpeg
            seen.picture = self.picture_number
        seen.view = self.number
        text = json.dumps(shown, separators=(",", ":"), allow_nan=False).encode()
        return struct.pack("<I", len(text)) + text + jpeg


def _description(picture: Picture) -> dict[str, Any]:
    return {
        "sequence": picture.sequence,
        "capture_stamp_ns": str(picture.capture_stamp_ns),  # beyond the whole numbers of JavaScript
        "width_px": picture.width_px,
        "height_px": picture.height_px,
        "boxes": picture.boxes,
    }


class Feed:
    """Makes views while somebody looks. All methods run in one event loop; ``rate_hz`` may be changed at any time.

    ``ros_ns``: the clock by which cameras stamp, a simulation's where there is one; all else has the system's.
    """

    def __init__(
        self,
        state: RobotState,
        pictures: PictureTaker,
        rate_hz: float,
        ros_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._state = state
        self._pictures = pictures
        self.rate_hz = rate_hz
        self._ros_ns = ros_ns
        self._changed = asyncio.Condition()
        self._newest: View | None = None
        self._picture: Picture | None = None
        self._number = self._picture_number = 0
        self._viewers = 0

    @property
    def made(self) -> int:
        """How many views there were."""
        return self._number

    async def made_after(self, asked_s: float) -> View:
        """The first view begun after ``asked_s``, steady time: nobody gets what was old when it was asked for."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._newest is not None and self._newest.begun_s > asked_s)
            assert self._newest is not None
            return self._newest

    def join(self) -> None:
        """One more looks on."""
        self._viewers += 1

    def leave(self) -> None:
        """One less; after the last there is nothing to show until somebody comes."""
        self._viewers -= 1
        if self._viewers == 0:
            self._newest = self._picture = None

    def news(self, seen: Seen) -> dict[str, Any]:
        """What changes seldom and this viewer does not have yet, marked as seen; trails only for its first view."""
        found: dict[str, Any] = {} if seen.view else {"trails": self._state.trails()}
        for name, (version, part) in self._state.parts().items():
            if seen.parts.get(name) != version:
                found[name], seen.parts[name] = part, version
        if self._state.misses.number > seen.miss or not seen.view:
            found["misses"] = self._state.misses.after(seen.miss)
            seen.miss = found["misses"]["number"]
        return found

    async def run(self) -> None:
        """Make views until cancelled. The picture is taken and packed in a thread, off the event loop."""
        while True:
            begun_s = time.monotonic()
            if self._viewers > 0:
                await self._make_or_tell()
            await asyncio.sleep(max(1.0 / self.rate_hz - (time.monotonic() - begun_s), 0.005))

    async def _make_or_tell(self) -> None:
        """One view that cannot be made must not end the feed, on which people watch a robot."""
        try:
            await self._make()
        except Exception:
            _log.exception("a view could not be made")
            await asyncio.sleep(_AFTER_FAILURE_S)

    async def _make(self) -> None:
        picture = await asyncio.to_thread(self._pictures.take, time.monotonic())
        if picture is not None:
            self._picture, self._picture_number = picture, self._picture_number + 1
        begun_s, now_ns, ros_ns = time.monotonic(), time.time_ns(), self._ros_ns()
        state = self._state.snapshot(now_ns) | {"now_ms": now_ns / 1e6, "ros_ms": ros_ns / 1e6}
        picture = self._picture
        age_ms = None if picture is None else round((ros_ns - picture.capture_stamp_ns) / 1e6, 1)
        state["picture_age_ms"] = age_ms
        async with self._changed:
            self._number += 1
            self._newest = View(self._number, begun_s, state, self._picture, self._picture_number)
            self._changed.notify_all()
