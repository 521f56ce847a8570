"""The web server: a thread of its own with one event loop; the page's files, the live feed, and what it may ask."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable

from aiohttp import web

from takt.dashboard.access import Access
from takt.dashboard.api import Api
from takt.dashboard.feed import Feed
from takt.dashboard.guard import Guard
from takt.dashboard.orders import Orders
from takt.dashboard.pages import Pages
from takt.dashboard.picture import PictureTaker
from takt.dashboard.state import RobotState
from takt.dashboard.viewer import Viewer

MOST_BODY_BYTES = 4096
_MOST_VIEWERS = 16


class DashboardServer:
    """Serves from a thread of its own, so that neither ROS nor a slow viewer waits for the other.

    ``orders`` is called in that thread and must return at once. Without ``access`` only this computer is answered.
    """

    def __init__(
        self,
        state: RobotState,
        pictures: PictureTaker,
        listener: socket.socket,
        orders: Orders,
        access: Access | None = None,
        rate_hz: float = 20.0,
        ros_ns: Callable[[], int] = time.time_ns,
    ) -> None:
        self._pictures = pictures
        self._listener = listener
        self._access = access or Access()
        self._api = Api(state, orders)
        self._feed = Feed(state, pictures, rate_hz, ros_ns)
        self._viewers: set[Viewer] = set()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        address = str(self._listener.getsockname()[0])
        return f"http://{f'[{address}]' if ':' in address else address}:{self.port}/"

    @property
    def views_made(self) -> int:
        """Since the start; nobody looks, nothing is made."""
        return self._feed.made

    def set_rate(self, rate_hz: float) -> None:
        """Views a second from now on."""
        self._feed.rate_hz = rate_hz

    def start(self) -> None:
        """Returns when requests are answered."""
        self._thread.start()
        self._up.wait()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join(timeout=5.0)
        self._pictures.close()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._run())
        self._loop.close()

    async def _run(self) -> None:
        self._ending = asyncio.Event()
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, self._listener).start()
        making = asyncio.create_task(self._feed.run())
        self._up.set()
        await self._ending.wait()
        making.cancel()
        for viewer in list(self._viewers):
            await viewer.close()
        await runner.cleanup()

    def _app(self) -> web.Application:
        guard = Guard(self._access, self.port)
        app = web.Application(middlewares=[guard.middleware], client_max_size=MOST_BODY_BYTES)
        app.router.add_post("/api/session", guard.post_session)
        app.router.add_get("/api/live", self._get_live)
        self._api.add_to(app.router)
        app.router.add_get("/{name:[a-z_.]*}", Pages().get)
        return app

    async def _get_live(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= _MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_VIEWERS} viewers look on already")
        viewer = Viewer(self._feed)
        self._viewers.add(viewer)
        try:
            return await viewer.attend(request)
        finally:
            self._viewers.discard(viewer)
