"""One page that looks on: gets the newest view, says ``shown`` when it is drawn and ``next`` when it wants another.

Nothing waits in a queue for it: what is on its way is one view, and the next one is made of what is newest then. So its
memory here is one message, its lag one way there and back, and a viewer that stops reading holds up nobody.
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


@dataclass(eq=False)
class Viewer:
    """``lag_ms``: from the making of the last view to the word that it was shown."""

    feed: Feed
    socket: web.WebSocketResponse = field(
        default_factory=lambda: web.WebSocketResponse(heartbeat=_HEARTBEAT_S, max_msg_size=MOST_WORDS_BYTES)
    )
    lag_ms: float | None = None
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _made_s: float = 0.0

    async def attend(self, request: web.Request) -> web.WebSocketResponse:
        """Until the page goes away."""
        await self.socket.prepare(request)
        self._wanted.set()
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

    def _hear(self, word: str) -> None:
        if word == "shown" and not self._wanted.is_set():
            self.lag_ms = round(1e3 * (time.monotonic() - self._made_s), 1)
        elif word == "next":
            self._wanted.set()

    async def _send(self) -> None:
        seen = Seen()
        try:
            while True:
                await self._wanted.wait()
                view = await self.feed.made_after(time.monotonic())
                message = view.message(seen, self.feed, self.lag_ms)
                self._made_s = view.made_s
                self._wanted.clear()
                await asyncio.wait_for(self.socket.send_bytes(message), _SEND_LIMIT_S)
        except (ConnectionError, asyncio.TimeoutError):
            await self.socket.close()
