"""Stands before every request: the right name, the own page, and the token where one is needed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

from aiohttp import web

from takt.dashboard.access import Access

_OPEN = {"/login.html", "/login.js", "/page.css", "/api/session"}  # what one may have without the token
_WRONG_TOKEN_S = 0.5
_COOKIE_LIFE_S = 7 * 24 * 3600
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Guard:
    """``port`` names the cookie: browsers send cookies to every port of a computer."""

    def __init__(self, access: Access, port: int) -> None:
        self._access = access
        self._cookie = f"takt_{port}"
        self._one_try = asyncio.Lock()

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Every answer, a refusal too, carries the headers."""
        try:
            self._check_place(request)
            self._check_token(request)
            response = await handler(request)
        except web.HTTPException as refusal:
            refusal.headers.update(_HEADERS)
            raise
        if not response.prepared:
            response.headers.update(_HEADERS)
        return response

    async def post_session(self, request: web.Request) -> web.StreamResponse:
        """{"token": "..."} -> a cookie that lasts a week or until the dashboard starts anew. One try at a time."""
        offered = await _text_of(request, "token")
        async with self._one_try:
            if not self._access.token_fits(offered):
                await asyncio.sleep(_WRONG_TOKEN_S)
                raise web.HTTPUnauthorized(text="wrong token")
        response = web.json_response({"accepted": True})
        response.set_cookie(
            self._cookie, self._access.session, max_age=_COOKIE_LIFE_S, httponly=True, samesite="Strict"
        )
        return response

    def _check_place(self, request: web.Request) -> None:
        """Only our own names are answered (a rebound DNS name is not), and only our own page may act."""
        if not self._access.answers_to(request.host):
            raise web.HTTPForbidden(text="this page is not served under that name")
        acts = request.method not in ("GET", "HEAD") or request.path == "/api/live"
        if acts and not self._access.is_own_page(request.host, request.headers.get("Origin")):
            raise web.HTTPForbidden(text="only the dashboard's own page may do this")

    def _check_token(self, request: web.Request) -> None:
        if self._is_known(request) or request.path in _OPEN:
            return
        if request.path == "/" and request.method == "GET":
            raise web.HTTPSeeOther("/login.html")  # browsers keep the fragment, in which the token may stand
        raise web.HTTPUnauthorized(text="this needs the token of the dashboard")

    def _is_known(self, request: web.Request) -> bool:
        """By the cookie of a page, or by the token itself as programs send it."""
        if not self._access.token:
            return True
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind == "Bearer":
            return self._access.token_fits(token.strip())
        return self._access.session_fits(request.cookies.get(self._cookie, ""))


async def _text_of(request: web.Request, key: str) -> str:
    """One text of a JSON body; HTTP 400 for anything else."""
    try:
        body = json.loads(await request.text())
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get(key), str):
        raise web.HTTPBadRequest(text=f'send {{"{key}": "..."}}')
    return str(body[key])
