"""STOP from the page of a real run: browser, dashboard, supervisor, agent, serial line, firmware, wheels, and back."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from takt.contract import load
from takt.dashboard import browser
from takt.dashboard.browser import Tab
from takt.monitoring import panels
from takt.simulation import plant_log

pytestmark = [pytest.mark.system, pytest.mark.display]
needs_browser = pytest.mark.skipif(
    browser.program() is None, reason="no chromium here (apt-get install chromium)"
)

LIMIT_S = 240.0
SETTLED_NS, WATCHED_NS = (
    1_000_000_000,
    2_000_000_000,
)  # after the page said that the board is on SAFE; of the plant
STANDS_RAD_S, TURNS_RAD_S = 0.05, 1.0
PANELS = panels.panels(load())
NOT_ANSWERED = (  # who is ready to be asked may not know the way back yet
    "nobody answers to that now",
    "no answer; whether it was done is not known",
    "Failed to fetch",
)
PORTS = range(20_000, 30_000)  # none that Linux hands out by itself
LIVE = 'document.body?.dataset.view > 3 && document.getElementById("feed")?.textContent === "live"'


def text(name: str) -> str:
    return f'document.getElementById("{name}").textContent'


MAY_RESUME = '!document.getElementById("order-resume").disabled'
ARMED = f'{text("health-board")}.includes("✓ armed")'


def free_port() -> int:
    for step in range(100):
        port = PORTS[(os.getpid() + 101 * step) % len(PORTS)]
        with socket.socket() as tried:
            if tried.connect_ex(("127.0.0.1", port)) != 0:
                return port
    raise RuntimeError("no free port")


class Robot:
    """A running demo with a page, and its plant's log."""

    def __init__(self, run: Any, url: str) -> None:
        self.run, self.url = run, url

    def plant(self) -> NDArray[np.void]:
        return plant_log.records_of(self.run.run_dir / "plant.log")

    def until(self, holds: Callable[[], Any], what: Callable[[], str]) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not holds():
            assert self.run.popen.poll() is None, "the demo ended early"
            assert time.monotonic() < end_s, f"never: {what()}"
            time.sleep(0.1)

    def until_it_drives(self) -> None:
        """From now on, once: on a busy computer it may be on SAFE again a moment later."""
        now_ns = time.time_ns()

        def driven() -> bool:
            plant = self.plant()
            new = plant[plant["stamp_ns"] >= now_ns]
            return bool((new["armed"] & (_turns(new).max(axis=1) > TURNS_RAD_S)).any())

        self.until(driven, lambda: "it drives")

    def misses(self) -> list[tuple[str, int, int]]:
        with urllib.request.urlopen(self.url + "api/misses", timeout=LIMIT_S) as answer:
            return [_identity(row) for row in json.load(answer)["rows"]]

    def written_misses(self) -> list[tuple[str, int, int]]:
        lines = (self.run.run_dir / "ledger.jsonl").read_text().splitlines(keepends=True)
        return [_identity(json.loads(line)) for line in lines if line.endswith("\n")]

    def metrics(self) -> set[str]:
        """Names in what Prometheus gets."""
        with urllib.request.urlopen(self.url + "metrics", timeout=LIMIT_S) as answer:
            return set(re.findall(r"^(takt_\w+)", answer.read().decode(), re.MULTILINE))


def _identity(row: dict[str, Any]) -> tuple[str, int, int]:
    return row["source"], row["epoch"], row["sequence"]


def _turns(records: NDArray[np.void]) -> NDArray[np.floating]:
    return np.abs(records["wheel_speed_rad_s"])


@pytest.fixture(scope="module")
def robot(start_demo: Any) -> Iterator[Robot]:
    port = free_port()
    run = start_demo("--seconds", "600", "--port", str(port), headless=False)
    run.wait_for_line("board armed")
    yield Robot(run, f"http://127.0.0.1:{port}/")
    run.popen.send_signal(signal.SIGINT)
    assert run.finish()[0] == 130


@needs_browser
def test_stop_stops_and_holds_until_a_person_takes_it_back(robot: Robot, tmp_path: Path) -> None:
    async def act(tab: Tab) -> None:
        await _press_stop(tab, robot)
        _stands_and_stays_so(robot)
        await tab.until(f'{text("road-age")}.includes("s old")')
        await _holds_for_a_dashboard_started_again(tab, robot)
        await _take_back(tab)
        robot.until_it_drives()

    async def on_page(devtools: str) -> None:
        async with browser.tab(devtools) as tab:
            await tab.ask("Page.navigate", url=robot.url)
            await tab.until(LIVE, LIMIT_S)
            robot.until_it_drives()
            await act(tab)

    with browser.chromium(tmp_path) as devtools:
        asyncio.run(on_page(devtools))


def test_a_real_robot_feeds_every_panel_of_grafana(robot: Robot) -> None:
    """The monitoring tests show that the panels work on what a robot says; this, that it is what robots say. Of a panel
    with several queries one is enough: what an agent dropped, say, it tells once it dropped something."""
    drawn = {panel.title: [re.findall(r"takt_\w+", query) for query in panel.queries] for panel in PANELS}
    assert len(drawn) > 25
    empty: list[str] = []

    def fed() -> bool:
        told = robot.metrics()
        empty[:] = [title for title, queries in drawn.items() if not any(told >= set(one) for one in queries)]
        return not empty

    robot.until(fed, lambda: f"data in {empty}")


async def _press_stop(tab: Tab, robot: Robot) -> None:
    await tab.evaluate('document.getElementById("stop").click()')
    answer = await tab.until(
        f'{text("stop-answer")}.includes("Supervisor: stopped") && {text("stop-answer")}'
    )
    await tab.until(f'!{text("stop-answer")}.includes("no answer yet")', LIMIT_S)
    assert answer.startswith("STOP.")
    for computer in ("rung", "board-rung"):
        await tab.until(f'{text(computer)} === "SAFE"', LIMIT_S)
    await tab.until(f'{text("host-reason")}.includes("stop requested")', LIMIT_S)
    await tab.until(f'{text("health-board")}.includes("disarmed")', LIMIT_S)


def _stands_and_stays_so(robot: Robot) -> None:
    """By the plant, which believes nobody: neither armed nor driven, at rest, and so it stays."""
    begin_ns = time.time_ns() + SETTLED_NS
    end_ns = begin_ns + WATCHED_NS
    robot.until(lambda: robot.plant()[-1]["stamp_ns"] >= end_ns, lambda: "the plant goes on")
    plant = robot.plant()
    after = plant[plant["stamp_ns"] >= begin_ns]
    assert not after["armed"].any() and not after["driver_enabled"].any()
    assert _turns(after).max() < STANDS_RAD_S


async def _holds_for_a_dashboard_started_again(tab: Tab, robot: Robot) -> None:
    """kill -9 of the soft process that told of STOP: STOP holds, and the page shows this run's misses again."""
    before, pid = set(robot.written_misses()[-300:]), robot.run.pids()["dashboard"]
    os.kill(pid, signal.SIGKILL)
    robot.until(
        lambda: robot.run.pids().get("dashboard", pid) != pid, lambda: "the dashboard is started again"
    )
    await tab.until(f'{LIVE} && {text("stop-answer")}.startsWith("STOP holds.")', LIMIT_S)
    shown = robot.misses()
    assert before <= set(shown), "misses of this run are gone from the page"
    assert len(shown) == len(set(shown)), "a miss stands there twice"
    assert await tab.evaluate('document.getElementById("order-arm").disabled')
    assert not robot.plant()[-1]["armed"]


async def _take_back(tab: Tab) -> None:
    """As a person does it, who reads the answer: one that got lost is no refusal, so what the page shows decides."""
    end_s = time.monotonic() + LIMIT_S
    await tab.until(MAY_RESUME, LIMIT_S)
    while not (answer := await _ask_back(tab)).startswith("done"):
        assert any(lost in answer for lost in NOT_ANSWERED) and time.monotonic() < end_s, answer
        await tab.until(f"{MAY_RESUME} || {ARMED}", LIMIT_S)
        if await tab.evaluate(ARMED):
            break
    await tab.until(f'{text("board-rung")} !== "SAFE" && {ARMED}', LIMIT_S)


async def _ask_back(tab: Tab) -> str:
    await tab.evaluate('document.getElementById("order-resume").click()')
    assert "arms by itself" in await tab.evaluate(text("confirm-words"))
    await tab.evaluate('document.getElementById("confirm-yes").click()')
    return str(await tab.until(f'{text("order-answer")} !== "asking" && {text("order-answer")}', LIMIT_S))
