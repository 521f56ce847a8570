"""The page in a real browser: headless Chromium, driven over its DevTools connection."""

from __future__ import annotations

import asyncio
import base64
import itertools
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from takt.dashboard import Access, browser
from takt.dashboard.browser import Tab

if TYPE_CHECKING:
    from conftest import PretendRobot

LIMIT_S = 200.0
# Counts pixels of the boxes' colours in the camera's picture, and what is drawn on the map.
PIXELS = """(() => {
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
  return target > 800 && obstacle > 400 && picture > 100000 && drawn > 2000;
})()"""
LIVE = 'document.body?.dataset.view > 3 && document.getElementById("feed")?.textContent === "live"'

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(browser.program() is None, reason="no chromium here (apt-get install chromium)"),
]


def on_page(devtools: str, url: str, work: Callable[[Tab], Awaitable[None]]) -> None:
    async def run() -> None:
        async with browser.tab(devtools) as tab:
            await tab.ask("Runtime.enable")
            await tab.ask("Page.navigate", url=url)
            await tab.until(LIVE)
            await work(tab)
            thrown = [event for event in tab.events if event.get("method") == "Runtime.exceptionThrown"]
            assert not thrown, thrown

    asyncio.run(run())


def words(name: str) -> str:
    return f'document.getElementById("{name}").textContent'


async def click(tab: Tab, name: str) -> None:
    await tab.evaluate(f'document.getElementById("{name}").click()')


async def save_picture(tab: Tab, path: Path) -> None:
    picture = await tab.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True)
    path.write_bytes(base64.b64decode(picture["data"]))


def test_the_page_shows_boxes_on_a_live_picture_and_numbers_that_move(
    robot: PretendRobot, devtools: str
) -> None:
    async def look(tab: Tab) -> None:
        await tab.until(PIXELS)
        assert await tab.evaluate(words("rung")) == "NOMINAL"
        assert await tab.evaluate('document.querySelectorAll(".rail [aria-current]").length') == 2
        assert "locked" in await tab.evaluate(words("health-clock"))
        first = await tab.evaluate(words("photon_to_motor-count"))
        view = await tab.evaluate("document.body.dataset.view")
        await tab.until(f"document.body.dataset.view >= {int(view) + 10}")
        assert int(await tab.evaluate(words("photon_to_motor-count"))) > int(first)
        assert "behind" in await tab.evaluate(words("lag"))
        label = 'document.getElementById("camera").getAttribute("aria-label")'
        await tab.until(f'{label}.includes("2 boxes: target 93 %")')

    on_page(devtools, robot.server.url, look)


def test_waterfall_and_histograms_have_data(robot: PretendRobot, devtools: str) -> None:
    async def look(tab: Tab) -> None:
        await tab.until(f'{words("road-total")} === "34.0 ms from light to motor"')
        names = '[...document.querySelectorAll("#road tr")].map(row => row.dataset.stage).join(" ")'
        assert await tab.evaluate(names) == "capture ring detect plan_wait plan middleware link apply"
        assert "add up to 34.0 ms." in await tab.evaluate(words("road-sum"))
        widths = '[...document.querySelectorAll("#road i")].map(bar => parseFloat(bar.style.width))'
        assert sum(await tab.evaluate(widths)) == pytest.approx(100.0, abs=0.1)
        kinds = '[...document.querySelectorAll("#spreads figure")].map(one => one.dataset.spread).join(" ")'
        seen = await tab.evaluate(kinds)
        assert seen == "capture detect plan link release_jitter execution photon_to_motor"
        assert await tab.evaluate('document.querySelectorAll("[data-spread=capture] rect").length') >= 3
        board = 'document.querySelectorAll("[data-computer=board]")'
        assert await tab.evaluate(f'[...{board}].every((one) => one.querySelectorAll(".span").length === 3)')
        assert await tab.evaluate(
            f'[...{board}].every((one) => one.textContent.includes("only percentiles are sent"))'
        )
        host = 'document.querySelectorAll("[data-computer=host]")'
        assert not await tab.evaluate(
            f'[...{host}].some((one) => one.textContent.includes("only percentiles are sent"))'
        )

    on_page(devtools, robot.server.url, look)


@pytest.mark.parametrize("way", ["button", "key"])
def test_stop_on_the_page_reaches_the_robot_and_is_answered(
    robot: PretendRobot, devtools: str, way: str
) -> None:
    async def press(tab: Tab) -> None:
        if way == "button":
            await click(tab, "stop")
        else:  # also while a person writes into a field
            await tab.evaluate('document.getElementById("ledger-text").focus()')
            await tab.ask("Input.dispatchKeyEvent", type="keyDown", key="Escape", code="Escape")
        end_s = time.monotonic() + LIMIT_S
        while robot.state.stop_number == 0:
            assert time.monotonic() < end_s, "STOP did not arrive"
            await asyncio.sleep(0.02)
        assert robot.orders.given == ["stop"]
        robot.state.set_stop_answers("stopped", "")
        await tab.until(f'{words("stop-answer")}.includes("Supervisor: stopped. Board: no answer yet")')
        assert not await tab.evaluate('document.getElementById("order-resume").disabled')
        assert await tab.evaluate('document.getElementById("order-arm").disabled')

    on_page(devtools, robot.server.url, press)


def test_the_way_back_asks_a_person_and_names_the_stop_it_knew(robot: PretendRobot, devtools: str) -> None:
    async def press(tab: Tab) -> None:
        await click(tab, "stop")
        await tab.until('!document.getElementById("order-resume").disabled')
        await click(tab, "order-resume")
        await tab.until('document.getElementById("confirm").open')
        assert robot.orders.given == ["stop"]  # nothing without the person's yes
        robot.state.press_stop()  # another one presses STOP while this one reads the question
        await click(tab, "confirm-yes")
        await tab.until(f'{words("order-answer")}.includes("STOP was pressed since")')
        assert robot.orders.given == ["stop"]
        end_s = time.monotonic() + LIMIT_S
        while await tab.evaluate(words("order-answer")) != "done: resume done":
            assert time.monotonic() < end_s, "the page does not see the second STOP"
            await click(tab, "order-resume")
            await click(tab, "confirm-yes")
            await asyncio.sleep(0.2)
        assert robot.orders.given[:2] == ["stop", "resume"] and "arm" not in robot.orders.given

    on_page(devtools, robot.server.url, press)


def test_misses_come_at_once_and_the_filter_finds_them(robot: PretendRobot, devtools: str) -> None:
    shown = 'document.querySelectorAll("#ledger tr").length'

    async def look(tab: Tab) -> None:
        for number in range(3):
            robot.miss("planner", "gc_pause" if number else "run_queue_wait")
        robot.miss("base", "skipped", "control")
        await tab.until(f"{shown} === 4")
        rows = (
            '[...document.querySelectorAll("#ledger tr")].map(row => [row.dataset.atMs, row.dataset.shownMs])'
        )
        assert all(float(at_ms) <= float(shown_ms) for at_ms, shown_ms in await tab.evaluate(rows))
        pick = "(name, value) => { const it = document.getElementById(name); it.value = value; " + (
            'it.dispatchEvent(new Event("input")); }'
        )
        for name, value, left in (
            ("ledger-cause", "gc_pause", 2),
            ("ledger-source", "base", 0),
            ("ledger-cause", "", 1),
            ("ledger-source", "", 4),
            ("ledger-text", "CONTROL", 1),
            ("ledger-text", "queue_wait_ms 12.1", 4),
            ("ledger-text", "nothing like it", 0),
        ):
            await tab.evaluate(f"({pick})('{name}', '{value}')")
            assert await tab.evaluate(shown) == left, (name, value)
        robot.miss()  # does not fit the filter
        await tab.until(f'{words("ledger-count")}.includes("5 held")')
        assert await tab.evaluate(shown) == 0
        await click(tab, "ledger-clear")
        assert await tab.evaluate(shown) == 5
        assert "planner: gc pause" in await tab.evaluate(words("blame"))
        for _ in range(250):  # a burst: more than one view brings
            robot.miss()
        await tab.until(f'{words("ledger-count")}.includes("255 held")')

    on_page(devtools, robot.server.url, look)


def test_a_parameter_is_read_set_and_refused_in_the_boards_words(robot: PretendRobot, devtools: str) -> None:
    row = 'document.querySelector("form[data-name=\\"limits.speed_m_s\\"]")'

    async def set_to(tab: Tab, value: str) -> None:
        await tab.evaluate(
            f'{row}.querySelector("input").value = "{value}"; {row}.querySelector("button").click()'
        )

    async def work(tab: Tab) -> None:
        await tab.evaluate('document.getElementById("parameters").open = true')
        await tab.until(f"{row} !== null")
        assert await tab.evaluate('document.querySelectorAll("#parameter-rows form").length') == 17
        assert "0.05 to 0.8" in await tab.evaluate(f"{row}.textContent")
        read_only = 'document.querySelector("form[data-name=\\"control.rate_hz\\"]")'
        assert await tab.evaluate(f'{read_only}.querySelector("button") === null')
        await set_to(tab, "9")
        refusal = "✗ refused: out of range, allowed: 0.05 to 0.8"
        await tab.until(f'{row}.querySelector("output").textContent === "{refusal}"')
        await set_to(tab, "0.4")
        await tab.until(f'{row}.querySelector("output").textContent === "✓ set"')
        assert robot.orders.values["limits.speed_m_s"] == 0.4
        robot.orders.silent = True
        await click(tab, "parameters-read")
        await tab.until(f'{words("parameters-status")}.includes("does not answer")')

    on_page(devtools, robot.server.url, work)


def test_a_page_of_one_frame_a_second_holds_up_nobody(robot: PretendRobot, devtools: str) -> None:
    """Two tabs note when they show which view; one takes one a second. What it gets is the newest when it asks."""
    note = (
        "window.noted = []; new MutationObserver(() => noted.push([performance.timeOrigin + performance.now(), "
        'Number(document.body.dataset.view)])).observe(document.body, {attributeFilter: ["data-view"]})'
    )
    limit = (
        'const it = document.getElementById("frames"); it.value = "1"; it.dispatchEvent(new Event("change"));'
    )

    async def work(fast: Tab) -> None:
        async with browser.tab(devtools) as slow:
            await slow.ask("Page.navigate", url=robot.server.url)
            await slow.until(LIVE)
            await fast.evaluate(note)
            await slow.evaluate(f"(() => {{ {limit} {note} }})()")
            await slow.until("noted.length >= 4")
            fast_saw, slow_saw = await fast.evaluate("noted"), await slow.evaluate("noted")
        for (shown_ms, _), (_, after) in itertools.pairwise(
            slow_saw[1:]
        ):  # the first was asked for before the limit
            asked_ms = shown_ms + 1000.0 - 50.0  # the two tabs' clocks agree to some ms
            newest = max(number for at_ms, number in fast_saw if at_ms < asked_ms)
            assert after >= newest, "older than what the other had when this one asked"
        assert len(fast_saw) > 2 * len(slow_saw), "the other one was held up"

    on_page(devtools, robot.server.url, work)


TOKEN = "a-token-of-more-than-twenty-two-characters"


def test_the_token_opens_the_page_and_does_not_stay_in_the_address(
    robot_with: Callable[[Access], PretendRobot], devtools: str
) -> None:
    robot = robot_with(Access.for_address("0.0.0.0", TOKEN))

    async def look() -> None:
        async with browser.tab(devtools) as tab:
            await tab.ask("Page.navigate", url=robot.server.url + "#token=wrong-wrong-wrong-wrong")
            await tab.until('document.getElementById("answer")?.textContent === "wrong token"')
            assert "token=" not in await tab.evaluate("location.href")
            form = 'document.getElementById("token")'
            await tab.evaluate(f'{form}.value = "{TOKEN}"; {form}.form.requestSubmit()')
            await tab.until(LIVE)
            assert await tab.evaluate("location.href") == robot.server.url
            assert await tab.evaluate("document.cookie") == ""
        async with browser.tab(devtools) as tab:  # the cookie opens the door without the token
            await tab.ask("Page.navigate", url=robot.server.url)
            await tab.until(LIVE)

    asyncio.run(look())


def test_a_page_of_another_origin_neither_looks_nor_stops(robot: PretendRobot, devtools: str) -> None:
    url = robot.server.url

    async def attack() -> None:
        async with browser.tab(devtools) as tab:
            await tab.ask("Page.navigate", url=url.replace("127.0.0.1", "localhost") + "login.html")
            await tab.until('document.getElementById("login") !== null')
            assert (
                await tab.evaluate("location.hostname") == "localhost"
            )  # ours by another name: another origin
            # the policy of our own page would not even let it ask; a foreign page has none
            await tab.ask("Page.navigate", url="data:text/html,<p>evil")
            await tab.until("location.protocol === 'data:'")
            stop = f'fetch("{url}api/stop", {{method: "POST", mode: "no-cors"}}).then(() => "sent", () => "failed")'
            assert await tab.evaluate(stop) in ("sent", "failed")
            live = (
                f'new Promise((done) => {{ const it = new WebSocket("{url.replace("http", "ws")}api/live");'
                'it.onopen = () => done("open"); it.onerror = () => done("refused"); })'
            )
            assert await tab.evaluate(live) == "refused"
            read = f'fetch("{url}api/state").then((answer) => answer.text(), () => "hidden")'
            assert await tab.evaluate(read) == "hidden"

    asyncio.run(attack())
    assert robot.orders.given == []


@pytest.mark.parametrize("width_px", [360, 1440])
def test_nothing_runs_over_the_edge(
    robot: PretendRobot, devtools: str, width_px: int, tmp_path: Path
) -> None:
    async def look(tab: Tab) -> None:
        size = {"width": width_px, "height": 900, "deviceScaleFactor": 1, "mobile": width_px < 500}
        await tab.ask("Emulation.setDeviceMetricsOverride", **size)
        robot.miss()
        await tab.until(PIXELS)
        assert await tab.evaluate("document.documentElement.scrollWidth") <= width_px
        small = (
            '[...document.querySelectorAll("button, select, input:not([type=checkbox])")].filter(one => '
            "one.offsetHeight > 0 && one.offsetHeight < 24).length"
        )
        assert await tab.evaluate(small) == 0
        nameless = (
            '[...document.querySelectorAll("input, select")].filter(one => one.labels.length === 0).length'
        )
        assert await tab.evaluate(nameless) == 0
        folder = Path(os.environ.get("TAKT_SCREENSHOTS", tmp_path))
        await save_picture(tab, folder / f"page{width_px}.png")

    on_page(devtools, robot.server.url, look)
