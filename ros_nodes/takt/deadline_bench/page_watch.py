"""When each miss came to a viewer of the dashboard, over the page's own connection.

``python -m takt.deadline_bench.page_watch URL`` takes every view, as the page in a browser does, and says each row of
the ledger on standard output: a line of JSON with its identity and ROS time in ns; also each view's time. It ends with
SIGTERM.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

_AGAIN_S = 0.2
Identity = tuple[str, int, int]


class PageWatch:
    """A viewer of the page at ``port`` from now until ``stop``."""

    def __init__(self, port: int, folder: Path) -> None:
        self._told = folder / "page_views"
        url = f"http://127.0.0.1:{port}/"
        command = [sys.executable, "-m", "takt.deadline_bench.page_watch", url]
        with self._told.open("wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out)

    def stop(self) -> tuple[dict[Identity, int], list[int]]:
        """When each miss first stood on the page, and when each view came; ROS ns."""
        self._process.terminate()
        self._process.wait()
        return read(self._told.read_text())


def free_port() -> int:
    """One that nobody has now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def read(told: str) -> tuple[dict[Identity, int], list[int]]:
    """What the viewer said; a last line that was cut off is left out. Pure."""
    shown: dict[Identity, int] = {}
    views = []
    for line in told.splitlines(keepends=True):
        if not line.endswith("\n"):
            continue
        view = json.loads(line)
        views.append(view["at_ns"])
        for source, epoch, sequence in view["rows"]:
            shown.setdefault((source, epoch, sequence), view["at_ns"])
    return shown, views


async def _look(url: str) -> None:
    while True:
        try:
            await _look_once(url)
        except (aiohttp.ClientError, ConnectionError, TypeError):
            await asyncio.sleep(_AGAIN_S)  # it is not there yet, or not any more


async def _look_once(url: str) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(url + "api/live", headers={"Origin": url.rstrip("/")}, max_msg_size=0) as viewer,
    ):
        while True:
            message = await viewer.receive_bytes()
            at_ns = time.time_ns()
            view = json.loads(message[4 : 4 + int.from_bytes(message[:4], "little")])
            print(json.dumps({"at_ns": at_ns, "rows": _rows(view)}), flush=True)
            await viewer.send_str("shown")
            await viewer.send_str("next")


def _rows(view: Mapping[str, Any]) -> list[Identity]:
    rows = view.get("misses", {}).get("rows", [])
    return [(row["source"], row["epoch"], row["sequence"]) for row in rows]


if __name__ == "__main__":
    asyncio.run(_look(sys.argv[1]))
