"""What goes to the viewers: the newest view, never an older one, and never more than one on its way to each.

A view is one binary message: length of the JSON (u32, little endian), the JSON, the JPEG (may be empty). The viewer
answers ``shown`` when it has drawn it; only then does it get the next. So a slow viewer's lag is bounded by its own
pace, whatever sockets and proxies buffer, and no viewer waits for another.
"""

from __future__ import annotations

import asyncio
import json
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from takt.dashboard.picture import Picture, PictureTaker
from takt.dashboard.state import RobotState


@dataclass(frozen=True)
class View:
    """One moment as it is sent; ``number`` grows by one with each."""

    number: int
    state: dict[str, Any]
    picture: Picture | None  # the newest there is, which an earlier view may have brought already
    picture_number: int

    def message(self, seen_picture: int, trails: dict[str, Any] | None) -> bytes:
        """The bytes for one viewer that has the picture ``seen_picture``; ``trails`` only for its first view."""
        shown = self.state | {"view": self.number} | ({} if trails is None else {"trails": trails})
        jpeg = b""
        if self.picture is not None and self.picture_number > seen_picture:
            shown["picture"], jpeg = _description(self.picture), self.picture.jpeg
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
    """Makes views while somebody looks. All methods run in one event loop."""

    def __init__(
        self,
        state: RobotState,
        pictures: PictureTaker,
        rate_hz: float,
        clock_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._state = state
        self._pictures = pictures
        self._period_s = 1.0 / rate_hz
        self._clock_ns = clock_ns
        self._changed = asyncio.Condition()
        self._newest: View | None = None
        self._picture: Picture | None = None
        self._number = self._picture_number = 0
        self._viewers = 0

    async def newer_than(self, number: int) -> View:
        """The newest view once there is one with a higher number."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._newest is not None and self._newest.number > number)
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

    def trails(self) -> dict[str, Any]:
        return self._state.trails()

    async def run(self) -> None:
        """Make views until cancelled. The picture is taken and packed in a thread, off the event loop."""
        while True:
            begun_s = time.monotonic()
            if self._viewers > 0:
                await self._make()
            await asyncio.sleep(max(self._period_s - (time.monotonic() - begun_s), 0.005))

    async def _make(self) -> None:
        picture = await asyncio.to_thread(self._pictures.take, time.monotonic())
        if picture is not None:
            self._picture, self._picture_number = picture, self._picture_number + 1
            if picture.road is not None:
                self._state.set_frame(picture.road)
        now_ns = self._clock_ns()
        state = self._state.snapshot(now_ns)
        if self._picture is not None:
            state["picture_age_ms"] = round((now_ns - self._picture.capture_stamp_ns) / 1e6, 1)
        async with self._changed:
            self._number += 1
            self._newest = View(self._number, state, self._picture, self._picture_number)
            self._changed.notify_all()
