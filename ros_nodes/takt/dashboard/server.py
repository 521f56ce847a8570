"""The web server: one page, one live feed, one STOP. It listens on this computer only."""

from __future__ import annotations

import asyncio
import errno
import socket
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import WSMsgType, web

from takt.dashboard.feed import Feed
from takt.dashboard.picture import PictureTaker
from takt.dashboard.state import RobotState
from takt.errors import TaktError
from takt.monitoring import exposition

HOST = "127.0.0.1"
_PAGE = Path(__file__).parent / "page"
_FILES = {"": "page.html"} | {
    name: name for name in ("page.css", "page.js", "camera.js", "map.js", "figures.js")
}
_OWN_NAMES = ("127.0.0.1", "localhost")
_MOST_VIEWERS = 16
_SEND_LIMIT_S = 10.0
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def listen(port: int) -> socket.socket:
    """A socket that listens on ``port`` of the loopback interface; 0 takes any free one.

    Raises TaktError when the port is taken or not ours to take.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(64)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _port_error(port, error) from error
    return listener


def _port_error(port: int, error: Exception) -> TaktError:
    if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
        return TaktError(
            f"port {port} on {HOST} is taken by another program",
            "end that program, or choose another port for the dashboard (0 takes any free one)",
        )
    return TaktError(
        f"the dashboard cannot listen on port {port}: {error}", "choose a port between 1024 and 65535, or 0"
    )


class DashboardServer:
    """Serves from a thread of its own, so that neither ROS nor a slow viewer waits for the other.

    ``on_stop`` is called in that thread for every STOP and must return at once.
    """

    def __init__(
        self,
        state: RobotState,
        pictures: PictureTaker,
        listener: socket.socket,
        on_stop: Callable[[], None],
        rate_hz: float = 15.0,
    ) -> None:
        self._state = state
        self._pictures = pictures
        self._listener = listener
        self._on_stop = on_stop
        self._rate_hz = rate_hz
        self._viewers: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._up = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

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
        self._feed = Feed(self._state, self._pictures, self._rate_hz)
        runner = web.AppRunner(self._app(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.SockSite(runner, self._listener).start()
        making = asyncio.create_task(self._feed.run())
        self._up.set()
        await self._ending.wait()
        making.cancel()
        for viewer in list(self._viewers):
            await viewer.close(code=1001, message=b"the robot's dashboard ends")
        await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._guard], client_max_size=4096)
        app.router.add_get("/api/state", self._get_state)
        app.router.add_get("/api/live", self._get_live)
        app.router.add_get("/metrics", self._get_metrics)
        app.router.add_post("/api/stop", self._post_stop)
        app.router.add_get("/{name:[a-z.]*}", self._get_page)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Only names of this computer are answered (a rebound DNS name is not), and only our own page may act."""
        if request.host not in {f"{name}:{self.port}" for name in _OWN_NAMES}:
            raise web.HTTPForbidden(text="this page is served to this computer only")
        acts = request.method != "GET" or request.path == "/api/live"
        if acts and request.headers.get("Origin") != f"http://{request.host}":
            raise web.HTTPForbidden(text="only the dashboard's own page may do this")
        response = await handler(request)
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def _get_page(self, request: web.Request) -> web.StreamResponse:
        name = _FILES.get(request.match_info["name"])
        if name is None:
            raise web.HTTPNotFound(text="no such page")
        return web.FileResponse(_PAGE / name)

    async def _get_state(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self._state.snapshot(time.time_ns()))

    async def _get_metrics(self, _request: web.Request) -> web.StreamResponse:
        """For Prometheus; made when asked for, so that nobody pays while nobody scrapes."""
        body = exposition.text(self._state.samples(time.time_ns()))
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})

    async def _post_stop(self, _request: web.Request) -> web.StreamResponse:
        self._on_stop()
        return web.json_response({"accepted": True}, status=202)

    async def _get_live(self, request: web.Request) -> web.StreamResponse:
        if len(self._viewers) >= _MOST_VIEWERS:
            raise web.HTTPServiceUnavailable(text=f"{_MOST_VIEWERS} viewers look on already")
        socket_ = web.WebSocketResponse(heartbeat=15.0, max_msg_size=256)
        await socket_.prepare(request)
        self._viewers.add(socket_)
        self._feed.join()
        shown = asyncio.Event()
        shown.set()
        sending = asyncio.create_task(self._send(socket_, shown))
        try:
            async for message in socket_:
                if message.type is WSMsgType.TEXT and message.data == "shown":
                    shown.set()
        finally:
            sending.cancel()
            self._feed.leave()
            self._viewers.discard(socket_)
        return socket_

    async def _send(self, viewer: web.WebSocketResponse, shown: asyncio.Event) -> None:
        """Views for one viewer, one at a time."""
        number, picture, trails = 0, 0, self._feed.trails()
        try:
            while True:
                await shown.wait()
                view = await self._feed.newer_than(number)
                shown.clear()
                message = view.message(picture, trails if number == 0 else None)
                await asyncio.wait_for(viewer.send_bytes(message), _SEND_LIMIT_S)
                number, picture = view.number, view.picture_number
        except (ConnectionError, asyncio.TimeoutError):
            await viewer.close()
