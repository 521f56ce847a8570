"""Lines on one reactor: a pty that goes and comes back, also under another name, and boards by UDP."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted_client import ScriptedClient

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.link.transports import serial_line
from takt.link.transports.driver import LineDriver
from takt.link.transports.pty_line import PtyEnd
from takt.link.transports.reactor import Reactor, running
from takt.link.transports.serial_line import SerialLine
from takt.link.transports.udp_line import UdpDriver

DEADLINE_S = 120.0


@pytest.fixture
def reactor() -> Iterator[Reactor]:
    made = Reactor()
    yield made
    made.close()


class Board:
    """A scripted client on the far side of a pty, carried by hand."""

    def __init__(self, reactor: Reactor, end: PtyEnd) -> None:
        self.reactor, self.end = reactor, end
        self.client = ScriptedClient()

    def until(self, condition: Callable[[], object]) -> None:
        limit_s = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < limit_s
            self.end.write(self.client.take())
            self.reactor.turn(5_000_000)
            self.client.give(self.end.read())

    def connect(self) -> None:
        """Greet again and again, as a real client does: opening a port throws away what came before."""
        self.client.heard.clear()
        greeted_s = 0.0

        def answered() -> bool:
            nonlocal greeted_s
            if time.monotonic() - greeted_s > 0.3:
                greeted_s = time.monotonic()
                self.client.hello()
            return any(part.kind == xrce.STATUS_AGENT for part in self.client.heard)

        self.until(answered)


def test_a_port_that_comes_back_under_its_name(reactor, tmp_path):
    end = PtyEnd(tmp_path / "board")
    driver = LineDriver(AgentCore(MemoryRos()), SerialLine(str(tmp_path / "board"), 115200), reactor)
    Board(reactor, end).connect()
    end.hang_up()
    limit_s = time.monotonic() + DEADLINE_S
    while driver.is_open and time.monotonic() < limit_s:
        reactor.turn(5_000_000)
    assert not driver.is_open
    end = PtyEnd(tmp_path / "board")
    Board(reactor, end).connect()
    assert (driver.reopened, len(driver.core.sessions)) == (1, 1), "and the session lived on"
    driver.close()
    end.close()


def test_a_board_that_comes_back_as_another_number(reactor, tmp_path, monkeypatch):
    """udev's name for the adapter leads to it, while the name that was given does not exist any more."""
    by_id = tmp_path / "by-id"
    by_id.mkdir()
    monkeypatch.setattr(serial_line, "_BY_ID", by_id)
    first = PtyEnd(tmp_path / "ttyACM0")
    adapter = by_id / "usb-board-if00"
    adapter.symlink_to(tmp_path / "ttyACM0")
    driver = LineDriver(AgentCore(MemoryRos()), SerialLine(str(tmp_path / "ttyACM0"), 115200), reactor)
    Board(reactor, first).connect()
    first.close()
    adapter.unlink()
    second = PtyEnd(tmp_path / "ttyACM1")
    adapter.symlink_to(tmp_path / "ttyACM1")
    Board(reactor, second).connect()
    assert not Path(tmp_path / "ttyACM0").exists() and driver.reopened == 1
    driver.close()
    second.close()


def test_two_lines_and_a_board_that_changes_from_one_to_the_other(reactor, tmp_path):
    ros = MemoryRos()
    ends = [PtyEnd(tmp_path / name) for name in ("a", "b")]
    drivers = [
        LineDriver(AgentCore(ros), SerialLine(str(tmp_path / name), 115200), reactor) for name in ("a", "b")
    ]
    for driver in drivers:
        driver.core.siblings = [one.core for one in drivers]
    boards = [Board(reactor, end) for end in ends]
    for board in boards:
        board.connect()
        board.client.participant("board")
        board.until(lambda: board.client.statuses)  # noqa: B023
        assert len(ros.nodes) == 1, "the session on the other line ended"
    assert [len(driver.core.sessions) for driver in drivers] == [0, 1]
    for driver, end in zip(drivers, ends, strict=True):
        driver.close()
        end.close()


def test_one_who_is_in_the_way_is_told_and_waited_for(reactor, tmp_path):
    told: list[tuple[bool, str]] = []
    plain = tmp_path / "plain"
    plain.write_text("no port")
    LineDriver(
        AgentCore(MemoryRos()),
        SerialLine(str(plain), 115200),
        reactor,
        on_state=lambda *said: told.append(said),
    )
    reactor.turn(0)
    reactor.turn(0)
    assert len(told) == 1 and not told[0][0] and "not a serial port" in told[0][1]


class UdpBoard(ScriptedClient):
    """The same client, a message a datagram."""

    def __init__(self, port: int, key: bytes) -> None:
        super().__init__(key=key)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(DEADLINE_S)
        self.port = port

    def send(self, body: bytes, stream: int = 0, sequence: int = 0, session: int | None = None) -> None:
        header = xrce.build_header(self.session if session is None else session, stream, sequence, self.key)
        self.socket.sendto(header + body, ("127.0.0.1", self.port))

    def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            self._hear(self.socket.recv(65536), 0)


def test_boards_by_udp(reactor):
    ros = MemoryRos()
    driver = UdpDriver(AgentCore(ros), 0, reactor)
    with running(reactor):
        boards = [UdpBoard(driver.port, bytes((7, 0, 0, number))) for number in (1, 2)]
        for board in boards:
            board.hello()
            board.until(lambda: board.heard)  # noqa: B023
            board.participant(f"board_{board.key[3]}")
            board.until(lambda: board.statuses)  # noqa: B023
            board.send(b"\xff\xff\xff")
        assert {node.name for node in ros.nodes} == {"board_1", "board_2"}
    for board in boards:
        board.socket.close()
    driver.close()


def test_a_port_that_is_taken_is_told(reactor):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("", 0))
        with pytest.raises(TaktError, match="UDP port"):
            UdpDriver(AgentCore(MemoryRos()), other.getsockname()[1], reactor)
