"""A page behind a slow line shows nothing that may be older than a second, loses no miss, stops the robot, recovers."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import TYPE_CHECKING

import pytest

from takt.dashboard import browser

if TYPE_CHECKING:
    from conftest import PretendRobot

LIVE = 'document.body?.dataset.view > 3 && document.getElementById("feed")?.textContent === "live"'
SILENT = 'document.getElementById("feed").textContent === "no data"'
VIEW = "Number(document.body.dataset.view)"
HELD_S = 1.5
LIMIT_S = 200.0

pytestmark = [
    pytest.mark.display,
    pytest.mark.skipif(browser.program() is None, reason="no chromium here (apt-get install chromium)"),
]


class SlowLine:
    """A relay to a port of this computer that holds back what comes from there for ``held_s``, in order."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.held_s = 0.0
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> SlowLine:
        self._server = await asyncio.start_server(self._relay, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        to_robot, from_robot = await asyncio.open_connection("127.0.0.1", self._port), (reader, writer)
        self._tasks += [
            asyncio.create_task(self._carry(from_robot[0], to_robot[1], held=False)),
            asyncio.create_task(self._carry(to_robot[0], from_robot[1], held=True)),
        ]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, held: bool) -> None:
        try:
            while data := await reader.read(1 << 16):
                if held:
                    await asyncio.sleep(self.held_s)
                writer.write(data)
        finally:
            writer.close()


def test_what_comes_late_is_not_shown_as_how_things_stand(robot: PretendRobot, devtools: str) -> None:
    async def look() -> None:
        async with (
            SlowLine(robot.server.port) as line,
            browser.tab(devtools) as near,
            browser.tab(devtools) as far,
        ):
            await far.ask("Network.enable")
            await near.ask("Page.navigate", url=robot.server.url)
            await far.ask("Page.navigate", url=line.url)
            await near.until(LIVE)
            await far.until(LIVE)
            line.held_s = HELD_S
            await far.until(f"document.body.dataset.late >= 2 && {SILENT}")
            shown, beside = await far.evaluate(VIEW), await near.evaluate(VIEW)
            robot.miss()
            await far.until('document.querySelectorAll("#ledger tr").length === 1')
            assert await far.evaluate('document.getElementById("order-arm").disabled')
            await far.evaluate('document.getElementById("stop").click()')
            assert await asyncio.to_thread(robot.orders.stops.wait, LIMIT_S)
            so_far = int(await far.evaluate("document.body.dataset.late"))
            await far.until(f"document.body.dataset.late > {so_far + 1}")
            assert await far.evaluate(VIEW) == shown, "what was too old was shown"
            await near.until(f"{VIEW} > {beside}")  # the other one goes on
            sent = [one["params"]["response"]["payloadData"] for one in far.events if _is_word(one)]
            assert "next small" in sent
            line.held_s = 0.0
            await far.until(f"{VIEW} > {shown} && {LIVE}")

    asyncio.run(look())


def _is_word(event: dict[str, object]) -> bool:
    return event.get("method") == "Network.webSocketFrameSent"
