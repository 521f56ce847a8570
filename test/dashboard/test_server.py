"""The page's server: bounded lag for every viewer, and nobody but its own page may act."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from PIL import Image

import takt.dashboard
from takt.contract.board_content import STATUSES
from takt.dashboard import listen
from takt.errors import TaktError

if TYPE_CHECKING:
    from conftest import PretendRobot

LIMIT_S = 120.0
Seen = tuple[dict[str, Any], bytes]


def parse(message: bytes) -> Seen:
    length = struct.unpack("<I", message[:4])[0]
    return json.loads(message[4 : 4 + length]), message[4 + length :]


async def next_view(viewer: aiohttp.ClientWebSocketResponse) -> Seen:
    return parse(await viewer.receive_bytes(timeout=LIMIT_S))


def with_session(work: Callable[[aiohttp.ClientSession], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with aiohttp.ClientSession() as session:
            return await work(session)

    return asyncio.run(run())


def origin(robot: PretendRobot) -> dict[str, str]:
    return {"Origin": robot.server.url.rstrip("/")}


def test_a_view_holds_picture_boxes_map_and_figures(robot: PretendRobot) -> None:
    async def look(session: aiohttp.ClientSession) -> Seen:
        async with session.ws_connect(robot.server.url + "api/live", headers=origin(robot)) as viewer:
            while True:
                view, jpeg = await next_view(viewer)
                if jpeg and view["picture"]["boxes"] and view["pose"]:
                    return view, jpeg
                await viewer.send_str("next")

    view, jpeg = with_session(look)
    image = Image.open(io.BytesIO(jpeg))
    assert image.size == (320, 240)
    assert view["picture"]["boxes"][0] == {
        "xyxy_px": [120.0, 60.0, 180.0, 200.0],
        "score": 0.93,
        "class": "target",
    }
    assert [stage["name"] for stage in view["stages"]] == [
        "capture",
        "detect",
        "plan",
        "link",
        "photon_to_motor",
    ]
    assert view["stages"][4]["p50"] == 32.5 and 6 < view["stages"][1]["p99"] < 12
    assert view["board"]["timing"]["release_jitter_max_us"] == 410.0
    assert view["rung"]["name"] == "NOMINAL" and view["board"]["safety"]["armed"] == "true"


def test_a_slow_viewer_skips_and_holds_up_nobody(robot: PretendRobot) -> None:
    """The slow one answers each view late. What it gets next must be the newest there is, not the next in a queue."""

    async def look(session: aiohttp.ClientSession) -> tuple[list[int], list[int], list[float]]:
        url, fast_saw, slow_saw, slow_ages = robot.server.url + "api/live", [], [], []
        async with (
            session.ws_connect(url, headers=origin(robot)) as fast,
            session.ws_connect(url, headers=origin(robot)) as slow,
        ):
            view, _ = await next_view(slow)
            slow_saw.append(view["view"])
            for _ in range(3):
                for _ in range(12):  # the slow one sits on its view while twelve others pass
                    view, _ = await next_view(fast)
                    fast_saw.append(view["view"])
                    await fast.send_str("next")
                with pytest.raises(asyncio.TimeoutError):
                    await slow.receive_bytes(timeout=0.02)  # nothing is sent ahead of its answer
                await slow.send_str("next")
                view, _ = await next_view(slow)
                slow_saw.append(view["view"])
                slow_ages.append(fast_saw[-1] - view["view"])
        return fast_saw, slow_saw, slow_ages

    fast_saw, slow_saw, slow_ages = with_session(look)
    assert fast_saw == sorted(set(fast_saw)) and slow_saw == sorted(set(slow_saw))
    assert all(later - earlier >= 10 for earlier, later in zip(slow_saw, slow_saw[1:], strict=False))
    assert max(slow_ages) <= 0  # never older than what the fast viewer had by then


def test_answering_twice_brings_nothing_extra(robot: PretendRobot) -> None:
    async def look(session: aiohttp.ClientSession) -> list[int]:
        async with session.ws_connect(robot.server.url + "api/live", headers=origin(robot)) as viewer:
            numbers = []
            for _ in range(5):
                view, _ = await next_view(viewer)
                numbers.append(view["view"])
                for _ in range(4):
                    await viewer.send_str("next")
                await viewer.send_str("more please")
            return numbers

    numbers = with_session(look)
    assert numbers == sorted(set(numbers))


@pytest.mark.parametrize("foreign", [{}, {"Origin": "http://evil.example"}, {"Origin": "null"}])
def test_only_the_own_page_may_look_or_stop(robot: PretendRobot, foreign: dict[str, str]) -> None:
    async def act(session: aiohttp.ClientSession) -> int:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await session.ws_connect(robot.server.url + "api/live", headers=foreign)
        assert refused.value.status == 403
        return (await session.post(robot.server.url + "api/stop", headers=foreign)).status

    assert with_session(act) == 403
    assert not robot.orders.stops.is_set()


def test_a_rebound_name_is_not_answered(robot: PretendRobot) -> None:
    async def act(session: aiohttp.ClientSession) -> int:
        headers = {
            "Host": f"evil.example:{robot.server.port}",
            "Origin": f"http://evil.example:{robot.server.port}",
        }
        return (await session.post(robot.server.url + "api/stop", headers=headers)).status

    assert with_session(act) == 403
    assert not robot.orders.stops.is_set()


def test_stop_reaches_the_robot(robot: PretendRobot) -> None:
    async def act(session: aiohttp.ClientSession) -> int:
        return (await session.post(robot.server.url + "api/stop", headers=origin(robot))).status

    assert with_session(act) == 202
    assert robot.orders.stops.is_set()


def test_the_page_and_its_parts_are_served_and_nothing_else(robot: PretendRobot) -> None:
    folder = Path(takt.dashboard.__file__).parent / "page"

    async def act(session: aiohttp.ClientSession) -> None:
        for name in ["", *(path.name for path in folder.iterdir())]:
            answer = await session.get(robot.server.url + name)
            assert answer.status == 200 and "default-src 'none'" in answer.headers["Content-Security-Policy"]
        for name in ("server.py", "..%2fserver.py", "page%2fpage.js", "page"):
            assert (await session.get(robot.server.url + name)).status == 404

    with_session(act)


def test_the_page_asks_nothing_of_other_computers() -> None:
    folder = Path(takt.dashboard.__file__).parent / "page"
    for path in folder.iterdir():
        text = path.read_text()
        found = [
            word for word in ("http://", "https://", "//cdn", "@import", "eval(", "innerHTML") if word in text
        ]
        assert not [word for word in found if "http://www.w3.org/2000/svg" not in text], path.name
        assert len(text.splitlines()) <= 250, path.name


def test_a_taken_port_is_said_with_its_fix() -> None:
    first = listen(0)
    with pytest.raises(TaktError, match="taken by another program") as refused:
        listen(first.getsockname()[1])
    assert "choose another port" in refused.value.fix
    first.close()
    with pytest.raises(TaktError, match="cannot listen"):
        listen(70000)


def test_nobody_looks_nothing_is_made(robot: PretendRobot) -> None:
    async def state(session: aiohttp.ClientSession) -> dict[str, Any]:
        return await (await session.get(robot.server.url + "api/state")).json()

    end = time.monotonic() + LIMIT_S
    while with_session(state)["pose"] is None:
        assert time.monotonic() < end
    assert robot.server.views_made == 0


def test_the_pretended_board_says_only_what_the_firmware_says(robot: PretendRobot) -> None:
    """A page that waits for words the board never says stays empty on a robot while its tests are green."""
    for part, values in robot.board_words(1).items():
        said = next(status for status in STATUSES if status.name == f"base: {part}")
        assert set(values) <= set(said.values), part


def test_a_view_that_cannot_be_made_does_not_end_the_feed(
    robot: PretendRobot, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, snapshot = [], robot.state.snapshot

    def fails_once(now_ns: int) -> dict[str, Any]:
        made.append(now_ns)
        if len(made) == 1:
            raise ValueError("planted")
        return snapshot(now_ns)

    monkeypatch.setattr(robot.state, "snapshot", fails_once)

    async def look(session: aiohttp.ClientSession) -> int:
        async with session.ws_connect(robot.server.url + "api/live", headers=origin(robot)) as viewer:
            return int((await next_view(viewer))[0]["view"])

    assert with_session(look) >= 1 and len(made) >= 2
