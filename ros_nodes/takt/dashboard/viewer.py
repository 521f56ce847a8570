"""One page that looks on: says ``next`` for a view (``next small``: with a small picture), and gets the newest.

Nothing waits in a queue for it: what is on its way is one view, made after it was asked for. So its memory here is one
message, and a viewer that stops reading holds up nobody. Nothing that grew old here is sent; of what grows old on its
way the viewer knows, by its own clock alone: a view is no older than the time since its ``next``, less the time that
the view says it was waited for here. The page draws nothing that may be older than a second.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from aiohttp import WSMsgType, web

from takt.dashboard.feed import Feed, Seen

MOST_WORDS_BYTES = 256  # of one message from a page
_SEND_LIMIT_S = 10.0
_HEARTBEAT_S = 15.0
_FRESH_S = 0.25  # a view that was ready for longer, on a busy computer, is not sent: the next one is


@dataclass(eq=False)
class Viewer:
    """One connection."""

    feed: Feed
    socket: web.WebSocketResponse = field(
        default_factory=lambda: web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=MOST_WORDS_BYTES)
    )
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _asked_s: float = 0.0
    _small: bool = False

    async def attend(self, request: web.Request) -> web.WebSocketResponse:
        """Until the page goes away."""
        await self.socket.prepare(request)
        self._want(small=False)
        self.feed.join()
        sending = asyncio.create_task(self._send())
        try:
            async for message in self.socket:
                if message.type is WSMsgType.TEXT:
                    self._hear(message.data)
        finally:
            sending.cancel()
            self.feed.leave()
        return self.socket

    async def close(self) -> None:
        await self.socket.close(code=1001, message=b"the robot's dashboard ends")

    def _hear(self, words: str) -> None:
        if words in ("next", "next small"):
            self._want(small=words == "next small")

    def _want(self, small: bool) -> None:
        self._asked_s, self._small = time.monotonic(), small
        self._wanted.set()

    async def _send(self) -> None:
        seen = Seen()
        try:
            while True:
                await self._wanted.wait()
                view = await self.feed.made_after(self._asked_s)
                while time.monotonic() - view.begun_s > _FRESH_S:
                    view = await self.feed.made_after(time.monotonic())
                waited_s = view.begun_s - self._asked_s
                self._wanted.clear()
                message = view.message(seen, self.feed, 1e3 * waited_s, self._small)
                await asyncio.wait_for(self.socket.send_bytes(message), _SEND_LIMIT_S)
        except (ConnectionError, asyncio.TimeoutError):
            await self.socket.close()
