"""The page in a real browser: headless Chromium, driven over its DevTools connection."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from conftest import PretendRobot

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
LIMIT_S = 60.0
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync "
    "--disable-component-update --disable-dev-shm-usage --remote-debugging-port=0 --window-size=1440,1150"
)
# Counts pixels of the boxes' colours in the camera's picture, and reads the numbers.
PROBE = """(() => {
  const canvas = document.getElementById("camera");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  let target = 0, obstacle = 0, picture = 0;
  for (let i = 0; i < data.length; i += 4) {
    const near = (r, g, b) => Math.abs(data[i] - r) + Math.abs(data[i+1] - g) + Math.abs(data[i+2] - b) < 12;
    if (near(255, 138, 43)) target++;
    else if (near(127, 212, 255)) obstacle++;
    else if (Math.abs(data[i] - 40) < 8 && Math.abs(data[i+1] - 60) < 8) picture++;
  }
  const map = document.getElementById("map");
  const cells = map.getContext("2d").getImageData(0, 0, map.width, map.height).data;
  const drawn = cells.filter((value, index) => index % 4 === 3 && value).length;
  const words = (id) => document.getElementById(id).textContent;
  return {target, obstacle, picture, drawn, rung: words("rung"), count: words("photon_to_motor-count"),
          detect: words("detect-p50"), loop: words("loop-count"), feed: words("feed"), view: document.body.dataset.view,
          stop: words("stop-answer"), road: words("road-total"), health: words("health"),
          bars: document.querySelectorAll("#loop circle").length};
})()"""

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this computer (apt-get install chromium)"),
]


class Browser:
    """One Chromium with a page of its own; commands of the DevTools protocol."""

    def __init__(self, page: aiohttp.ClientWebSocketResponse) -> None:
        self._page = page
        self._number = 0

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        await self._page.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._page.receive_json(timeout=LIMIT_S)
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return dict(answer["result"])

    async def evaluate(self, expression: str) -> Any:
        answer = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    async def probe_until(self, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end, seen = time.monotonic() + LIMIT_S, None
        ready = 'document.getElementById("photon_to_motor-count") !== null'
        while time.monotonic() < end:
            if await self.evaluate(ready):
                seen = await self.evaluate(PROBE)
                if holds(seen):
                    return dict(seen)
            await asyncio.sleep(0.1)
        raise AssertionError(f"the page did not get there within {LIMIT_S} s: {seen}")


@pytest.fixture
def devtools(tmp_path: Path) -> Iterator[str]:
    """Address of a running Chromium's DevTools."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_LIBRARY")}
    command = [str(CHROMIUM), *FLAGS.split(), f"--user-data-dir={tmp_path / 'profile'}", "about:blank"]
    with (tmp_path / "chromium.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    port_file, end = tmp_path / "profile" / "DevToolsActivePort", time.monotonic() + LIMIT_S
    try:
        while not (port_file.exists() and port_file.read_text().strip()):
            assert process.poll() is None, (tmp_path / "chromium.log").read_text()[-2000:]
            assert time.monotonic() < end, "Chromium did not open its DevTools port"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port_file.read_text().split()[0]}"
    finally:
        process.terminate()
        process.wait(timeout=20)


def with_browser(devtools: str, work: Callable[[Browser], Awaitable[None]]) -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as session:
            pages = await (await session.get(devtools + "/json/list")).json()
            address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as page:
                await work(Browser(page))

    asyncio.run(run())


def test_the_page_shows_boxes_on_a_live_picture_and_numbers_that_move(
    robot: PretendRobot, devtools: str, tmp_path: Path
) -> None:
    async def look(browser: Browser) -> None:
        await browser.ask("Page.navigate", url=robot.server.url)
        first = await browser.probe_until(lambda seen: seen["target"] > 800 and seen["obstacle"] > 400)
        assert first["picture"] > 100_000  # the picture itself, around the boxes
        assert first["drawn"] > 2_000  # the map is not empty
        assert first["rung"] == "NOMINAL" and first["feed"] == "live" and first["bars"] == 2
        assert first["detect"] == "9.0" and "locked" in first["health"]
        later = await browser.probe_until(lambda seen: int(seen["view"]) >= int(first["view"]) + 10)
        assert int(later["count"]) > int(first["count"]) and later["loop"] != first["loop"]
        await browser.probe_until(lambda seen: seen["road"] == "34.0 ms from light to motor")
        picture = await browser.ask("Page.captureScreenshot", format="png")
        Path(os.environ.get("TAKT_SCREENSHOT", tmp_path / "page.png")).write_bytes(
            base64.b64decode(picture["data"])
        )

    with_browser(devtools, look)


def test_stop_on_the_page_reaches_the_robot_and_is_answered(robot: PretendRobot, devtools: str) -> None:
    async def press(browser: Browser) -> None:
        await browser.ask("Page.navigate", url=robot.server.url)
        await browser.probe_until(lambda seen: seen["feed"] == "live")
        await browser.evaluate('document.getElementById("stop").click()')
        end = time.monotonic() + LIMIT_S
        while not robot.stops.is_set():
            assert time.monotonic() < end, "STOP did not arrive"
            await asyncio.sleep(0.05)
        robot.state.set_stop(True, "stopped", "")
        await browser.probe_until(
            lambda seen: "Supervisor: stopped" in seen["stop"] and "no answer yet" in seen["stop"]
        )

    with_browser(devtools, press)
