"""A headless Chromium with the page in it, driven over its DevTools connection: for the tests and for the bench."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from takt.errors import TaktError

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_START_LIMIT_S = 200.0  # a cold start on a busy machine
_PAGE_CHANGED = ("navigated or closed", "context was destroyed", "Cannot find context")
_FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-background-networking --no-first-run --disable-sync "
    "--disable-component-update --disable-dev-shm-usage --remote-debugging-port=0 --window-size=1440,1150 "
    "--disable-background-timer-throttling --disable-renderer-backgrounding"
)


def program() -> str | None:
    """Path of a Chromium on this computer."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium(folder: Path) -> Iterator[str]:
    """Address of the DevTools of a Chromium that keeps its profile in ``folder``; it ends with the block."""
    path = program()
    if path is None:
        raise TaktError("there is no Chromium on this computer", "apt-get install chromium")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_LIBRARY")}
    command = [path, *_FLAGS.split(), f"--user-data-dir={folder / 'profile'}", "about:blank"]
    with (folder / "chromium.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        yield f"http://127.0.0.1:{_port(process, folder)}"
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _port(process: subprocess.Popen[bytes], folder: Path) -> str:
    file, end_s = folder / "profile" / "DevToolsActivePort", time.monotonic() + _START_LIMIT_S
    while not (file.exists() and file.read_text().strip()):
        if process.poll() is not None or time.monotonic() > end_s:
            words = (folder / "chromium.log").read_text()[-500:]
            raise TaktError(f"Chromium did not open its DevTools port: {words}", "start it by hand and see")
        time.sleep(0.05)
    return file.read_text().split()[0]


class PageChanged(RuntimeError):
    """The page that was asked gave way to another one meanwhile."""


class Tab:
    """One tab; commands of the DevTools protocol. ``limit_s`` is what an answer may take."""

    def __init__(self, connection: Any, limit_s: float = 200.0) -> None:
        self._connection = connection
        self._limit_s = limit_s
        self._number = 0
        self.events: list[dict[str, Any]] = []  # what the browser told meanwhile, such as console messages

    async def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send one command and wait for its result; RuntimeError for a refusal."""
        self._number += 1
        await self._connection.send_json({"id": self._number, "method": method, "params": parameters})
        while True:
            answer = await self._connection.receive_json(timeout=self._limit_s)
            if answer.get("id") != self._number:
                self.events.append(answer)
            elif "error" in answer:
                told = f"{method}: {answer['error']}"
                raise PageChanged(told) if any(word in told for word in _PAGE_CHANGED) else RuntimeError(told)
            else:
                return dict(answer["result"])

    async def evaluate(self, expression: str) -> Any:
        """Value of an expression in the page; RuntimeError where it throws."""
        answer = await self.ask(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    async def until(self, expression: str, limit_s: float | None = None) -> Any:
        """The expression's value once it is true, also of a page that loads meanwhile; TimeoutError at the limit."""
        end_s = time.monotonic() + (limit_s or self._limit_s)
        while time.monotonic() < end_s:
            with contextlib.suppress(PageChanged):
                if value := await self.evaluate(expression):
                    return value
            await asyncio.sleep(0.05)
        raise TimeoutError(f"never true: {expression}")


@asynccontextmanager
async def tab(devtools: str) -> AsyncIterator[Tab]:
    """A new tab of the Chromium at ``devtools``."""
    async with aiohttp.ClientSession() as session:
        made = await (await session.put(f"{devtools}/json/new?about:blank")).json()
        async with session.ws_connect(made["webSocketDebuggerUrl"], max_msg_size=0) as connection:
            yield Tab(connection)
