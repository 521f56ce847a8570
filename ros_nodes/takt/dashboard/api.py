"""What the page (and `takt top`, and Prometheus) may ask, apart from the live feed."""

from __future__ import annotations

import asyncio
import json
import math
import time
from concurrent.futures import Future
from typing import Any, TypeVar

from aiohttp import web

from takt.dashboard.orders import ORDERS, Answer, Orders
from takt.dashboard.state import RobotState
from takt.monitoring import exposition

_ANSWER_LIMIT_S = 8.0
_MOST_MISSES = 1000
T = TypeVar("T")


class Api:
    """Handlers only; who may call them is the guard's matter."""

    def __init__(self, state: RobotState, orders: Orders) -> None:
        self._state = state
        self._orders = orders

    def add_to(self, router: web.UrlDispatcher) -> None:
        router.add_get("/api/state", self._get_state)
        router.add_get("/api/misses", self._get_misses)
        router.add_get("/metrics", self._get_metrics)
        router.add_post("/api/stop", self._post_stop)
        router.add_post("/api/order", self._post_order)
        router.add_get("/api/parameters", self._get_parameters)
        router.add_post("/api/parameters", self._post_parameter)

    async def _get_state(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self._state.snapshot(time.time_ns()))

    async def _get_misses(self, _request: web.Request) -> web.StreamResponse:
        """Everything that is held, for a page that has just come or fell behind."""
        return web.json_response(self._state.misses.newest(_MOST_MISSES))

    async def _get_metrics(self, _request: web.Request) -> web.StreamResponse:
        """For Prometheus; made when asked for, so that nobody pays while nobody scrapes."""
        body = exposition.text(self._state.samples(time.time_ns()))
        return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})

    async def _post_stop(self, _request: web.Request) -> web.StreamResponse:
        """First the robot, then the books."""
        self._orders.stop()
        self._state.press_stop()
        return web.json_response({"accepted": True}, status=202)

    async def _post_order(self, request: web.Request) -> web.StreamResponse:
        """{"order": "resume" | "clear_fault" | "arm", "stop_number": N}: N as the page last saw it."""
        body = await _body(request)
        if body.get("order") not in ORDERS:
            raise web.HTTPBadRequest(text=f"order must be one of {', '.join(ORDERS)}")
        if body.get("stop_number") != self._state.stop_number:
            raise web.HTTPConflict(text="STOP was pressed since this page was drawn: look again, then order")
        return await _answered(self._orders.order(body["order"]))

    async def _get_parameters(self, _request: web.Request) -> web.StreamResponse:
        try:
            rows = await _result(self._orders.read_parameters())
        except LookupError as error:
            raise web.HTTPServiceUnavailable(text=str(error.args[0])) from error
        return web.json_response({"parameters": [row.as_json() for row in rows]})

    async def _post_parameter(self, request: web.Request) -> web.StreamResponse:
        """{"name": "...", "value": N}"""
        body = await _body(request)
        name, value = body.get("name"), body.get("value")
        if not isinstance(name, str) or isinstance(value, bool) or not isinstance(value, (int, float)):
            raise web.HTTPBadRequest(text='send {"name": "...", "value": NUMBER}')
        if not math.isfinite(value):
            raise web.HTTPBadRequest(text="the value must be a finite number")
        return await _answered(self._orders.set_parameter(name, float(value)))


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.text())
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="send one JSON object")
    return body


async def _result(future: Future[T]) -> T:
    try:
        return await asyncio.wait_for(asyncio.wrap_future(future), _ANSWER_LIMIT_S)
    except asyncio.TimeoutError:
        raise web.HTTPGatewayTimeout(text="no answer; whether it was done is not known") from None


async def _answered(future: Future[Answer]) -> web.StreamResponse:
    """200 with what the robot said, also when it said no."""
    return web.json_response((await _result(future)).as_json())
