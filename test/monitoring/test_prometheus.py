"""A real Prometheus scrapes the dashboard's server until every query of the Grafana dashboard has data."""

from __future__ import annotations

import json
import math
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from takt.contract import Contract
from takt.dashboard import DashboardServer, PictureTaker, RobotState, listen
from takt.deadlines import Miss
from takt.monitoring import alerts, panels

PROMETHEUS = shutil.which("prometheus")
LIMIT_S = 240.0  # a busy machine; seconds are enough elsewhere


class TalkingRobot:
    """The server, and a state that hears all statuses ten times a second."""

    def __init__(self, contract: Contract, speak: Callable[[int, int], Any]) -> None:
        self.state = RobotState(contract)
        self._speak = speak
        self.server = DashboardServer(self.state, PictureTaker("takt_test_no_ring"), listen(0), Mock())
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._talk)

    def start(self) -> None:
        self.server.start()
        self._thread.start()

    def close(self) -> None:
        self._end.set()
        self._thread.join()
        self.server.stop()

    def _talk(self) -> None:
        step = 0
        while not self._end.wait(0.1):
            step += 1
            now_ns = time.time_ns()
            miss = Miss("planner", 1, step, "plan", now_ns, 0, 4_000_000, "gc_pause", {"gc_pause_ms": 4.0})
            self.state.misses.add(miss, now_ns)
            for name, heard in self._speak(step, now_ns).items():
                self.state.set_status(name, heard.level, heard.message, heard.values, now_ns)


@pytest.fixture
def robot(contract, robot_speaks) -> Iterator[TalkingRobot]:
    made = TalkingRobot(contract, robot_speaks)
    made.start()
    yield made
    made.close()


def get(url: str) -> tuple[str, str]:
    with urllib.request.urlopen(url, timeout=LIMIT_S) as answer:
        return answer.read().decode(), answer.headers["Content-Type"]


def test_the_server_answers_a_scrape(robot):
    end = time.monotonic() + LIMIT_S
    while True:
        body, kind = get(robot.server.url + "metrics")
        if "takt_board_cycles_total" in body or time.monotonic() > end:
            break
        time.sleep(0.05)
    assert kind.startswith("text/plain; version=0.0.4")
    assert '\ntakt_ladder_rung{computer="host"} 0.0\n' in body


def test_another_host_name_is_refused_a_scrape_too(robot):
    request = urllib.request.Request(robot.server.url + "metrics", headers={"Host": "robot.example"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request, timeout=LIMIT_S)
    assert refusal.value.code == 403


class Prometheus:
    def __init__(self, folder: Path, contract: Contract, target: str) -> None:
        (folder / alerts.RULES_FILE).write_text(alerts.rules_text(contract))
        (folder / alerts.CONFIG_FILE).write_text(alerts.config_text(target, "250ms"))
        self._log = (folder / "log").open("w+")
        for _ in range(5):
            self._start(folder)
            if self._is_up() or "address already in use" not in self._said():
                return

    def _start(self, folder: Path) -> None:
        assert PROMETHEUS is not None
        with socket.create_server(
            ("127.0.0.1", 0)
        ) as free:  # somebody else may take it before Prometheus does
            self.url = f"http://127.0.0.1:{free.getsockname()[1]}"
        arguments = [
            f"--config.file={folder / alerts.CONFIG_FILE}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address={self.url.removeprefix('http://')}",
        ]
        self._process = subprocess.Popen([PROMETHEUS, *arguments], stdout=self._log, stderr=self._log)

    def _is_up(self) -> bool:
        end = time.monotonic() + LIMIT_S
        while self._process.poll() is None and time.monotonic() < end:
            try:
                get(f"{self.url}/-/ready")
                return True
            except OSError:
                time.sleep(0.1)
        return False

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def api(self, path: str, **query: str) -> Any:
        """None while it does not answer yet."""
        assert self._process.poll() is None, self._said()
        try:
            return json.loads(get(f"{self.url}/api/v1/{path}?{urllib.parse.urlencode(query)}")[0])["data"]
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return None

    def _said(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:]


@pytest.fixture
def prometheus(robot, contract, tmp_path) -> Iterator[Prometheus]:
    if PROMETHEUS is None:
        pytest.skip("needs prometheus (Debian package prometheus)")
    target = robot.server.url.removeprefix("http://").rstrip("/")
    made = Prometheus(tmp_path, contract, target)
    yield made
    made.close()


def until_empty(left: Callable[[], list[Any]]) -> list[Any]:
    """What is still left at the limit; nothing, hopefully."""
    end = time.monotonic() + LIMIT_S
    while (remaining := left()) and time.monotonic() < end:
        time.sleep(0.2)
    return remaining


def test_every_panel_has_data_and_every_rule_works(prometheus):
    model = json.loads((Path(__file__).parents[2] / "config/generated" / panels.DASHBOARD_FILE).read_text())
    waiting = [(panel["title"], one["expr"]) for panel in model["panels"] for one in panel["targets"]]
    assert len(waiting) > 30

    def without_data() -> list[Any]:
        waiting[:] = [one for one in waiting if not _has_data(prometheus.api("query", query=one[1]))]
        return waiting

    assert until_empty(without_data) == []

    def ill_rules() -> list[Any]:
        groups = (prometheus.api("rules") or {"groups": []})["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [rule["name"] for rule in rules if rule["health"] != "ok"] if rules else ["no rules yet"]

    assert until_empty(ill_rules) == []
    target = prometheus.api("targets")["activeTargets"][0]
    assert target["health"] == "up" and target["lastError"] == ""


def _has_data(answer: Any) -> bool:
    """A figure, not only a row: 0/0 is a row too, and draws nothing."""
    rows = answer["result"] if answer else []
    return any(math.isfinite(float(row["value"][1])) for row in rows)
