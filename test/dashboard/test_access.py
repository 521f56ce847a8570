"""Who is answered: names, origins, the token; on a server that others can reach and on one they cannot."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from takt.dashboard import Access, listen, token_file
from takt.errors import TaktError

if TYPE_CHECKING:
    from conftest import PretendRobot

TOKEN = "a-token-of-more-than-twenty-two-characters"
OPEN = Access.for_address("0.0.0.0", TOKEN, frozenset({"robot.example"}))


@pytest.fixture
def guarded(robot_with: Callable[[Access], PretendRobot]) -> PretendRobot:
    return robot_with(OPEN)


@pytest.mark.parametrize(
    ("host", "loopback", "network"),
    [
        ("127.0.0.1:8080", True, True),
        ("localhost:8080", True, True),
        ("LOCALHOST:9000", True, True),  # the near end of a tunnel
        ("[::1]:8080", True, True),
        ("192.168.1.7:8080", False, True),
        ("[fe80::1]:8080", False, True),
        ("robot.example:8080", False, True),
        ("evil.example:8080", False, False),
        ("localhost.evil.example", False, False),
        ("127.0.0.1.evil.example:8080", False, False),
        ("localhost:80@evil.example", False, False),
        ("[::1", False, False),
        ("", False, False),
    ],
)
def test_names_that_are_answered(host: str, loopback: bool, network: bool) -> None:
    assert Access().answers_to(host) is loopback
    assert OPEN.answers_to(host) is network


def test_only_the_very_same_origin_is_the_own_page() -> None:
    assert Access.is_own_page("127.0.0.1:8080", "http://127.0.0.1:8080")
    for origin in (
        None,
        "",
        "null",
        "http://127.0.0.1:9000",
        "http://localhost:8080",
        "https://127.0.0.1:8080",
    ):
        assert not Access.is_own_page("127.0.0.1:8080", origin)


def test_a_server_for_others_cannot_be_made_without_a_token() -> None:
    with pytest.raises(ValueError, match="token"):
        Access.for_address("0.0.0.0", "")
    assert Access.for_address("127.0.0.1", "").token_fits("anything")
    assert not OPEN.token_fits("") and not OPEN.token_fits(TOKEN + "x") and OPEN.token_fits(TOKEN)


async def _statuses(robot: PretendRobot, requests: list[tuple[str, str, dict[str, Any]]]) -> list[int]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        answers = []
        for method, path, more in requests:
            async with session.request(
                method, robot.server.url + path, allow_redirects=False, **more
            ) as answer:
                answers.append(answer.status)
        return answers


def test_without_the_token_nothing_is_told_and_nothing_done_not_even_stop(guarded: PretendRobot) -> None:
    own = {"headers": {"Origin": guarded.server.url.rstrip("/")}}
    wrong = {"headers": own["headers"] | {"Authorization": "Bearer " + TOKEN[:-1]}}
    stale = {"headers": own["headers"], "cookies": {f"takt_{guarded.server.port}": "x" * 43}}
    asked = []
    for how in (own, wrong, stale):
        asked += [
            ("GET", path, how) for path in ("api/state", "api/live", "api/misses", "metrics", "page.js")
        ]
        asked += [("POST", path, how) for path in ("api/stop", "api/order", "api/parameters")]
    assert set(asyncio.run(_statuses(guarded, asked))) == {401}
    assert guarded.orders.given == []
    assert asyncio.run(_statuses(guarded, [("GET", "", {}), ("GET", "login.html", {})])) == [303, 200]


def test_the_token_opens_the_door_and_leaves_a_cookie_that_scripts_cannot_read(guarded: PretendRobot) -> None:
    url, own = guarded.server.url, {"Origin": guarded.server.url.rstrip("/")}

    async def enter() -> None:
        jar = aiohttp.CookieJar(unsafe=True)  # addresses in figures
        async with aiohttp.ClientSession(cookie_jar=jar) as session:
            for body in ({"token": "wrong"}, {}, {"token": 7}, []):
                answer = await session.post(url + "api/session", json=body, headers=own)
                assert answer.status == (401 if body == {"token": "wrong"} else 400)
            answer = await session.post(url + "api/session", json={"token": TOKEN}, headers=own)
            assert answer.status == 200
            cookie = answer.headers["Set-Cookie"]
            assert "HttpOnly" in cookie and "SameSite=Strict" in cookie and TOKEN not in cookie
            assert (await session.get(url + "api/state")).status == 200
            async with session.ws_connect(url + "api/live", headers=own) as viewer:
                assert len(await viewer.receive_bytes(timeout=120)) > 100
            assert (await session.post(url + "api/stop", headers=own)).status == 202
            foreign = {"Origin": "http://evil.example"}  # the cookie alone is not enough
            assert (await session.post(url + "api/stop", headers=foreign)).status == 403
            assert (await session.post(url + "api/session", json={"token": TOKEN})).status == 403

    asyncio.run(enter())
    assert guarded.orders.given == ["stop"]


def test_a_program_sends_the_token_as_a_header(guarded: PretendRobot) -> None:
    how = {"headers": {"Authorization": f"Bearer {TOKEN}"}}
    asked = [("GET", "api/state", how), ("GET", "metrics", how), ("GET", f"api/state?token={TOKEN}", {})]
    assert asyncio.run(_statuses(guarded, asked)) == [200, 200, 401]


def test_large_and_broken_requests_are_refused(robot: PretendRobot) -> None:
    own = {"headers": {"Origin": robot.server.url.rstrip("/")}}
    asked = [
        ("POST", "api/order", own | {"data": b"{" * 5000}),
        ("POST", "api/order", own | {"data": b"[" * 4000}),
        ("POST", "api/order", own | {"data": b"\xff"}),
        ("POST", "api/order", own | {"json": {"order": "stop", "stop_number": 0}}),
        ("POST", "api/order", own | {"json": {"order": "arm"}}),
        ("POST", "api/parameters", own | {"data": b'{"name": "x", "value": NaN}'}),
        ("POST", "api/parameters", own | {"json": {"name": "x", "value": True}}),
        ("PUT", "api/stop", own),
    ]
    assert asyncio.run(_statuses(robot, asked)) == [413, 400, 400, 400, 409, 400, 400, 405]
    assert robot.orders.given == []


def test_a_page_that_talks_too_much_is_cut_off(robot: PretendRobot) -> None:
    async def talk() -> None:
        headers = {"Origin": robot.server.url.rstrip("/")}
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(robot.server.url + "api/live", headers=headers) as viewer,
        ):
            await viewer.send_str("x" * 1000)
            while (await viewer.receive(timeout=120)).type is aiohttp.WSMsgType.BINARY:
                pass
            assert viewer.close_code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG

    asyncio.run(talk())


def test_the_token_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "token"
    token = token_file.read_or_make(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and len(token) >= 43
    assert token_file.read_or_make(file) == token
    file.chmod(0o640)
    with pytest.raises(TaktError, match="others on this computer can read") as refused:
        token_file.read_or_make(file)
    assert "chmod 600" in refused.value.fix
    file.chmod(0o600)
    file.write_text("short\n")
    with pytest.raises(TaktError, match="5 characters"):
        token_file.read_or_make(file)
    with pytest.raises(TaktError, match="cannot be read"):
        token_file.read_or_make(tmp_path)


def test_an_address_that_is_none_of_ours_is_said(robot: PretendRobot) -> None:
    for address, words in (("robot", "no address in figures"), ("192.0.2.1", "does not have the address")):
        with pytest.raises(TaktError, match=words):
            listen(0, address)
