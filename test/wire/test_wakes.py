"""What wakes an agent, and what it does when woken: nothing for time alone while input comes, nothing for no output."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from scripted_client import ScriptedClient

from takt.link.agent import BEAT_NS, AgentCore
from takt.link.ros_port import MemoryRos
from takt.link.transports.driver import LineDriver
from takt.link.transports.reactor import Reactor

MS = 1_000_000


class PipeLine:
    """A line of which only the descriptor is real."""

    name = "pipe"

    def __init__(self) -> None:
        self.ends = os.pipe()
        self.incoming = b""
        self.written = b""

    def open(self) -> None:
        pass

    def fileno(self) -> int:
        return self.ends[0]

    def read(self) -> bytes:
        data, self.incoming = self.incoming, b""
        return data

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)

    def moved(self) -> bool:
        return False

    def close(self) -> None:
        pass


class CountingCore(AgentCore):
    """Counts what is asked of it."""

    runs = transmissions = 0

    def run(self, now_ns: int) -> None:
        self.runs += 1
        super().run(now_ns)

    def transmit(self, now_ns: int | None = None) -> bytes:
        self.transmissions += 1
        return super().transmit(now_ns)


class Desk:
    """A driver whose clock is ours."""

    def __init__(self) -> None:
        self.now_ns = 10**9
        self.reactor = Reactor()
        self.line, self.core = PipeLine(), CountingCore(MemoryRos())
        self.driver = LineDriver(self.core, self.line, self.reactor, clock_ns=lambda: self.now_ns)
        self.driver.push()

    def hear(self, data: bytes) -> None:
        self.line.incoming = data
        self.driver.on_events(1)
        self.driver.push()


@pytest.fixture
def desk() -> Iterator[Desk]:
    made = Desk()
    yield made
    made.driver.close()
    made.reactor.close()
    for end in made.line.ends:
        os.close(end)


def test_input_every_10_ms_leaves_nothing_for_a_timer_to_wake_for(desk):
    woken_by_time = 0
    desk.core.runs = 0
    for _ in range(300):
        woken_by_time += desk.driver.due_ns <= desk.now_ns + 10 * MS
        desk.now_ns += 10 * MS
        desk.hear(b"~\x01\0\3rubbish")
    assert woken_by_time <= 300 * 10 * MS // (500 * MS) + 1, "only the look after a port that moved"
    assert abs(desk.core.runs - 300 * 10 * MS // BEAT_NS) <= 1, "and what time asks for is done all the same"


def test_a_silent_line_is_looked_after_in_time(desk):
    for _ in range(20):
        before_ns = desk.now_ns
        desk.now_ns = desk.driver.due_ns
        desk.driver.push()
        assert 0 < desk.now_ns - before_ns <= BEAT_NS + 10 * MS


def test_nothing_is_built_where_nothing_is_to_be_said(desk):
    client = ScriptedClient()
    client.hello()
    desk.hear(client.take())
    said = len(desk.line.written)
    assert said and desk.core.transmissions == 1 and not desk.core.pending.output
    desk.hear(b"~\x01\0\3rubbish")
    assert desk.core.transmissions == 1 and len(desk.line.written) == said
