"""`takt bench page`: the dashboard's process, a robot that tells misses and pictures, a Chromium and a slow viewer.

From the publishing of a miss to its row in the page, from the press of STOP to the supervisor's service, the lag of a
page that takes one view a second beside one that takes all, and what the process costs. ``slow_viewer_lag_ms`` is the
age of each view as it comes to a program, whatever it is; ``slow_page_lag_ms`` that of what a page has drawn, which
leaves out what came late (``slow_page_late_views``).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import aiohttp

import takt.contract
from takt.dashboard import browser
from takt.dashboard.bench_robot import BenchRobot, processor_s
from takt.dashboard.browser import Tab
from takt.deadlines.histogram import exact_summary
from takt.errors import TaktError

_IDLE_S = 5.0
_STOPS = 20
_SLOW_PERIOD_S = 1.0
_SHOWN = """[...document.querySelectorAll("#ledger tr")].map(
  (row) => [Number(row.dataset.number), row.dataset.shownMs - row.dataset.atMs])"""
_FRAMES = "Number(document.body.dataset.view)"
_LIVE = "document.body?.dataset.view > 3"
_SLOW_PAGE = """(() => {
  window.lagsMs = [];
  const { dataset } = document.body;
  const note = () => lagsMs.push(performance.timeOrigin + performance.now() - dataset.madeMs);
  new MutationObserver(note).observe(document.body, { attributeFilter: ["data-view"] });
  const frames = document.getElementById("frames");
  frames.value = "1";
  frames.dispatchEvent(new Event("change"));
})()"""
_LATE = "Number(document.body.dataset.late || 0)"
_PRESS = """(() => {
  const pressed = performance.timeOrigin + performance.now();
  document.getElementById("stop").click();
  return pressed;
})()"""
_RESUME = """(async () => {
  const stop_number = (await (await fetch("/api/state")).json()).stop.number;
  const body = JSON.stringify({ order: "resume", stop_number });
  return (await (await fetch("/api/order", { method: "POST", body })).json()).done;
})()"""


def main(argv: list[str]) -> int:
    """Measure, print, and write ``--json FILE``; exit status 0 whenever it measured."""
    options = _options(argv)
    samples: dict[str, list[float]] = {}
    with (
        tempfile.TemporaryDirectory() as folder,
        browser.chromium(Path(folder)) as devtools,
        BenchRobot(Path(folder)) as robot,
    ):
        figures = asyncio.run(_measure(robot, devtools, options.seconds, samples))
    report: dict[str, Any] = {"seconds": options.seconds, **figures}
    for name, values in samples.items():
        report |= {f"{name}_{key}": value for key, value in exact_summary(values).items()}
        if options.samples:
            Path(options.samples).mkdir(parents=True, exist_ok=True)
            Path(options.samples, f"{name}.txt").write_text("\n".join(map(str, values)) + "\n")
    print(json.dumps(report, indent=1))
    if options.json:
        Path(options.json).write_text(json.dumps(report, indent=1) + "\n")
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt bench page", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--samples", metavar="DIR", help="write every single measurement there")
    parser.add_argument("--seconds", type=float, default=60.0, help="of watching, stops apart (default 60)")
    options = parser.parse_args(argv)
    if options.seconds < 3.0:
        raise TaktError(f"--seconds {options.seconds} measures nothing", "give at least 3")
    return options


async def _measure(
    robot: BenchRobot, devtools: str, seconds: float, samples: dict[str, list[float]]
) -> dict[str, Any]:
    idle = await _share(robot.dashboard_pid, _IDLE_S)
    async with browser.tab(devtools) as tab, browser.tab(devtools) as slow_tab:
        for one in (tab, slow_tab):
            await one.ask("Page.navigate", url=robot.url)
            await one.until(_LIVE)
        await slow_tab.evaluate(_SLOW_PAGE)
        slow = asyncio.create_task(_slow_viewer(robot.url, seconds))
        first, began_s = await tab.evaluate(_FRAMES), time.monotonic()
        busy, shown = await asyncio.gather(
            _share(robot.dashboard_pid, seconds), _misses(tab, began_s + seconds)
        )
        frames = await tab.evaluate(_FRAMES) - first
        rate_hz = frames / (time.monotonic() - began_s)
        samples["miss_to_page_ms"] = list(shown.values())
        samples["slow_viewer_lag_ms"] = await slow
        samples["slow_page_lag_ms"] = await slow_tab.evaluate("lagsMs")
        late = await slow_tab.evaluate(_LATE)
        samples["stop_to_service_ms"] = [await _stop(tab, robot) for _ in range(_STOPS)]
    asked_hz = takt.contract.load().soft_work["dashboard"].rate_hz
    return {
        "views_made_per_s": round(rate_hz, 2),
        "views_asked_per_s": asked_hz,
        "cpu_percent_nobody_looks": round(100 * idle, 2),
        "slow_page_late_views": late,
        "cpu_percent_three_viewers": round(100 * busy, 2),
        "load_average_1_min": os.getloadavg()[0],
    }


async def _share(pid: int, seconds: float) -> float:
    """Of one processor that the process used."""
    used_s, began_s = processor_s(pid), time.monotonic()
    await asyncio.sleep(seconds)
    return (processor_s(pid) - used_s) / (time.monotonic() - began_s)


async def _misses(tab: Tab, until_s: float) -> dict[int, float]:
    """Number of each row -> ms from publishing to standing in the page. The first ones were there before the page."""
    before = {int(number) for number, _ in await tab.evaluate(_SHOWN)}
    shown: dict[int, float] = {}
    while time.monotonic() < until_s:
        await asyncio.sleep(1.0)
        shown |= {int(n): float(ms) for n, ms in await tab.evaluate(_SHOWN) if int(n) not in before}
    return shown


async def _slow_viewer(url: str, seconds: float) -> list[float]:
    """Age of each view when it comes to a viewer that takes one a second; ms, both ends on this computer's clock."""
    lags_ms = []
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url + "api/live", headers={"Origin": url.rstrip("/")}) as viewer,
    ):
        end_s = time.monotonic() + seconds
        while time.monotonic() < end_s:
            message = await viewer.receive_bytes(timeout=30.0)
            view = json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])
            lags_ms.append(time.time() * 1e3 - view["now_ms"])
            await asyncio.sleep(_SLOW_PERIOD_S)
            await viewer.send_str("next")
    return lags_ms


async def _stop(tab: Tab, robot: BenchRobot) -> float:
    """ms from the press on the page to the supervisor's service."""
    pressed_ms = await tab.evaluate(_PRESS)
    arrived_ns = await asyncio.to_thread(robot.next_stop_ns)
    if not await tab.evaluate(_RESUME):
        raise TaktError("STOP could not be taken back", "see whether the robot's side of the bench lives")
    await asyncio.sleep(0.2)
    return float(arrived_ns / 1e6 - pressed_ms)
