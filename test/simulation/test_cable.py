"""The cable between a device and a pty: it forwards, it is cut, it is mended, and it outlives its device."""

from __future__ import annotations

import select
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.link.transports.pty_line import PtyEnd
from takt.link.transports.serial_line import SerialLine
from takt.simulation.cable import Cable, Cut, run


class Wire:
    """Board - cable - agent, with the cable turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cut = Cut()
        self.board = PtyEnd(folder / "board")
        self.cable = Cable(str(folder / "board"), folder / "cable", self.cut)
        self.agent = SerialLine(str(folder / "cable"), 115200)
        self.agent.open()

    def carry(self, wanted: int, end: PtyEnd | SerialLine) -> bytes:
        """Turn until ``end`` has heard so many bytes; the number of turns is bounded."""
        heard = b""
        for _ in range(200):
            self.cable.turn(0.01)
            if select.select([end.fileno()], [], [], 0.0)[0]:
                heard += end.read()
            if len(heard) >= wanted:
                break
        return heard


@pytest.fixture
def wire(tmp_path):
    made = Wire(tmp_path)
    yield made
    made.agent.close()
    made.cable.close()
    made.board.close()


def test_forwards_every_byte_value_both_ways(wire):
    everything = bytes(range(256))
    wire.cable.turn(0.01)
    wire.board.write(everything)
    assert wire.carry(256, wire.agent) == everything
    wire.agent.write(everything[::-1])
    assert wire.carry(256, wire.board) == everything[::-1]


def test_cut_swallows_both_ways_and_mending_lets_through(wire):
    wire.cable.turn(0.01)
    wire.cut.toggle()
    wire.board.write(b"lost")
    wire.agent.write(b"also")
    for _ in range(200):
        wire.cable.turn(0.01)
        if wire.cable.swallowed == 8:
            break
    wire.cut.toggle()
    wire.board.write(b"whole")
    assert wire.carry(5, wire.agent) == b"whole"


def test_outlives_its_device(wire):
    wire.cable.turn(0.01)
    wire.board.hang_up()
    wire.cable.turn(0.01)
    wire.board = PtyEnd(wire.folder / "board")
    wire.cable.turn(0.01)
    wire.board.write(b"back")
    assert wire.carry(4, wire.agent) == b"back"


def test_the_clock_of_the_cut():
    cut = Cut(cut_at_s=2.0, mend_at_s=5.0)
    assert [cut.advance(t) for t in (0.0, 1.9, 2.0, 4.9, 5.0, 9.0)] == [
        False,
        False,
        True,
        True,
        False,
        False,
    ]
    assert Cut().next_s() is None and Cut(cut_at_s=1.0).next_s() == 1.0


def test_a_far_end_in_no_folder(tmp_path):
    with pytest.raises(TaktError, match="is no folder"):
        run(["--device", "/dev/null", "--far-end", str(tmp_path / "missing" / "cable")])
