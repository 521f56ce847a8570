"""`--clock plant`: board time is the plant's, at whatever speed that passes; it stands still when the plant does."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_encoder

MS = 1_000_000
LIMIT_S = 200.0
PLANT_START_NS = 3_600_000 * MS  # a simulation that has run for an hour


class SlowPlant:
    """A plant whose time moves only when a test says so."""

    def __init__(self, path: Path) -> None:
        end_s = time.monotonic() + LIMIT_S
        while not path.exists():
            assert time.monotonic() < end_s, "the firmware offers no plant stream"
            time.sleep(0.01)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.settimeout(LIMIT_S)
        self.line = PlantLine()
        self.plant_ns = PLANT_START_NS
        self.sequence = 0
        self.unread: list[DutyFrame] = []

    def advance(self, milliseconds: int) -> None:
        self.plant_ns += milliseconds * MS
        self.sequence += 1
        frame = EncoderFrame(False, False, 12_000, self.sequence, self.plant_ns, (0, 0))
        self.socket.sendall(encode_encoder(frame))

    def cycle(self) -> DutyFrame:
        """The next duty frame, however long it takes."""
        while not self.unread:
            self.unread += self.line.duties(self.socket.recv(4096))
        return self.unread.pop(0)


@pytest.fixture
def plant(firmware_build: Path, tmp_path: Path) -> Iterator[SlowPlant]:
    lines = ["--link", f"pty:{tmp_path / 'link'}", "--plant", f"unix:{tmp_path / 'plant'}"]
    command = [firmware_build / "takt_firmware", *lines, "--clock", "plant"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    plant = SlowPlant(tmp_path / "plant")
    yield plant
    process.terminate()
    assert process.wait(LIMIT_S) == 0
    plant.socket.close()


def test_a_cycle_runs_for_each_period_of_the_plants_time_and_none_between(plant: SlowPlant) -> None:
    plant.advance(0)  # board time 0
    first = plant.cycle()
    assert first.board_ns % (10 * MS) == 0
    for count in range(1, 200):
        for _ in range(5):
            plant.advance(2)
        frame = plant.cycle()
        assert frame.board_ns == first.board_ns + count * 10 * MS
        assert frame.cycle == first.cycle + count


def test_it_stands_still_when_the_plant_does_and_goes_on_when_that_begins_anew(plant: SlowPlant) -> None:
    plant.advance(0)
    first = plant.cycle()
    plant.socket.settimeout(0.3)
    plant.advance(8)
    with pytest.raises(TimeoutError):
        plant.cycle()
    plant.plant_ns = 0  # the simulation was started again
    plant.advance(0)
    again = None
    for _ in range(20):  # of samples that come together the board reads the newest: the first may go unseen
        plant.advance(2)
        with contextlib.suppress(TimeoutError):
            again = plant.cycle()
            break
    assert again is not None
    assert again.board_ns == first.board_ns + 10 * MS


def test_a_jump_of_the_plants_time_skips_and_does_not_bunch(plant: SlowPlant) -> None:
    """A board that looks at its clock only behind the jump finds four releases gone: then there is another jump."""
    plant.advance(0)
    first = plant.cycle()
    plant.socket.settimeout(1.0)
    for _ in range(50):
        plant.advance(45)
        late = None
        with contextlib.suppress(TimeoutError):
            late = plant.cycle()
        plant.advance(5)
        plant.socket.settimeout(LIMIT_S)
        after = plant.cycle()
        if late is None and after.cycle == first.cycle + 1:  # very late
            late, after = after, plant.cycle()
        assert after.cycle == first.cycle + 5
        if late is not None:
            assert late.cycle == first.cycle + 1
            return
        plant.socket.settimeout(1.0)
        first = after
    raise AssertionError("no release was late, only gone")


def test_another_clock_is_refused_with_the_fix(firmware_build: Path) -> None:
    said = subprocess.run(
        [firmware_build / "takt_firmware", "--clock", "sundial"],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
    )
    assert (
        said.returncode == 2 and "--clock sundial" in said.stderr and "Fix: give own or plant" in said.stderr
    )
