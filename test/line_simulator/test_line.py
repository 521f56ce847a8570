"""The simulator between two ptys: carries, obeys its socket, and comes back as another device."""

from __future__ import annotations

import os
import select
import threading
import time
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.line_simulator import command
from takt.line_simulator.control import ControlServer, obey, send_order
from takt.line_simulator.ends import OfferedEnd
from takt.line_simulator.line import LineSimulator, RunningLine
from takt.link.transports import LineLost
from takt.link.transports.serial_line import SerialLine


@pytest.fixture
def line(tmp_path):
    made = LineSimulator(OfferedEnd(tmp_path / "a"), OfferedEnd(tmp_path / "b"))
    with RunningLine(made):
        yield made


def port(folder: Path, name: str) -> SerialLine:
    opened = SerialLine(str(folder / name), 115_200)
    opened.open()
    return opened


def heard(end: SerialLine, wanted: int, limit_s: float = 120.0) -> bytes:
    data, until_s = b"", time.monotonic() + limit_s
    while len(data) < wanted and time.monotonic() < until_s:
        if select.select([end.fileno()], [], [], 0.05)[0]:
            data += end.read()
    return data


def test_carries_every_byte_value_both_ways(line, tmp_path):
    a, b = port(tmp_path, "a"), port(tmp_path, "b")
    everything = bytes(range(256))
    a.write(everything)
    assert heard(b, 256) == everything
    b.write(everything[::-1])
    assert heard(a, 256) == everything[::-1]


def test_unplugged_and_plugged_in_again_it_is_another_device_behind_the_same_name(line, tmp_path):
    a, b = port(tmp_path, "a"), port(tmp_path, "b")
    line.unplug("a")
    with pytest.raises(LineLost):
        for _ in range(100):
            select.select([a.fileno()], [], [], 0.1)
            a.read()
    blocker = os.openpty()  # takes the freed number
    line.plug("a")
    assert a.moved() or os.path.realpath(tmp_path / "a") != os.ttyname(blocker[1])
    a.open()
    b.write(b"back")
    assert heard(a, 4) == b"back"
    for descriptor in blocker:
        os.close(descriptor)


def test_orders_over_the_socket(tmp_path):
    made = LineSimulator(OfferedEnd(tmp_path / "a"), OfferedEnd(tmp_path / "b"))
    server = ControlServer(made, tmp_path / "sock")

    stop = threading.Event()

    def turn() -> None:
        while not stop.is_set():
            made.turn(0.01)
            server.serve()

    thread = threading.Thread(target=turn)
    thread.start()
    try:
        assert send_order(tmp_path / "sock", {"cut": True})["a_to_b"]["cut"] is True
        assert send_order(tmp_path / "sock", {"mend": True, "rates": {"drop": 0.5}})["b_to_a"]["cut"] is False
        assert made.wires["a_to_b"].faults.rates.drop == 0.5
        with pytest.raises(TaktError, match="no order"):
            send_order(tmp_path / "sock", {"sing": 1})
    finally:
        stop.set()
        thread.join()
        server.close()
        made.close()


@pytest.mark.parametrize(
    "order", [{"plug": "c"}, {"cut_in_frame": ["up", 3]}, {"rates": {"melt": 1}}, {"noise_s": "long"}]
)
def test_orders_that_mean_nothing(line, order):
    with pytest.raises(TaktError):
        obey(line, order)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--a", "/tmp/a"],
        ["--a", "/nowhere/a", "--b", "/nowhere/b"],
        ["--order", "{}"],
        ["--order", "no json", "--control", "/nowhere/sock"],
        ["--order", "{}", "--control", "/nowhere/sock"],
    ],
)
def test_a_command_line_that_cannot_be(arguments):
    with pytest.raises(TaktError):
        command.main(arguments)
