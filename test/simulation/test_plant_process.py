"""The real-time shell: a board's port that comes and goes, a run over a pty, and bad input."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
import tty
from pathlib import Path

import pytest

from takt.simulation import plant_log, plant_process
from takt.simulation.board_port import BoardPort
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_duty, encode_encoder

LIMIT_S = 60.0
DUTY = DutyFrame(True, True, 0, 1, 2, (0.25, 0.25), (5.0, 5.0))


def open_board(link: Path) -> int:
    """A pty whose far end stands at ``link``, as the firmware makes it. Returns its master."""
    master, slave = pty.openpty()
    tty.setraw(master)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(slave))
    os.close(slave)
    return master


def read_all(port: BoardPort, count: int) -> bytes:
    """So many bytes, or what came of them in a long time: a pty hands on what is written a little later."""
    data, end_s = b"", time.monotonic() + LIMIT_S
    while len(data) < count and time.monotonic() < end_s:
        data += port.read()
        time.sleep(0.001)
    return data


def read_when_open(master: int) -> bytes:
    """What the plant sent; a pty's master reads an error for as long as nobody has its far end open."""
    try:
        return os.read(master, 4096)
    except OSError:
        time.sleep(0.01)
        return b""


def test_port_waits_for_its_device_and_opens_it_again(tmp_path: Path) -> None:
    link, port, now_ns = tmp_path / "plant", BoardPort(str(tmp_path / "plant")), 0
    assert not port.open_when_due(now_ns) and port.read() == b""
    port.write(b"nobody there")
    for _ in range(2):  # the firmware dies and comes back under the same name
        board = open_board(link)
        now_ns += 1_000_000_000
        assert port.open_when_due(now_ns)
        os.write(board, b"\x7e duty")
        assert read_all(port, 6) == b"\x7e duty" and port.read() == b""
        port.write(b"\x7e\x7d encoder\x11\x13")
        assert os.read(board, 100) == b"\x7e\x7d encoder\x11\x13"  # a raw line: nothing is changed on the way
        os.close(board)
        port.read()
        assert not port.is_open
        assert not port.open_when_due(now_ns + 1)


def test_port_never_blocks_on_a_board_that_does_not_read(tmp_path: Path) -> None:
    board, port = open_board(tmp_path / "plant"), BoardPort(str(tmp_path / "plant"))
    port.open_when_due(1_000_000_000)
    frame = encode_encoder(EncoderFrame(False, False, 12000, 0, 0, (0, 0)))
    for _ in range(5000):
        port.write(frame)
    assert port.dropped > 0 and port.is_open
    os.close(board)
    port.close()


def test_run_over_a_pty_from_start_to_a_clean_end(tmp_path: Path) -> None:
    board, name = open_board(tmp_path / "plant"), f"takt_test_process_{os.getpid()}"
    command = [sys.executable, "-m", "takt.simulation.plant_process", "--fifo", "0", "--seed", "3"]
    command += ["--plant", str(tmp_path / "plant"), "--state", name, "--log", str(tmp_path / "plant.log")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        line, frames = PlantLine(), []
        while len(frames) < 200 and process.poll() is None:
            frames += line.encoders(read_when_open(board))
            if Path(f"/dev/shm/{name}").exists():
                os.write(board, encode_duty(DUTY))
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        said = process.stderr.read()
    os.close(board)
    assert process.returncode == 0, said
    assert "board connected" in said and "batches" in said
    assert not Path(f"/dev/shm/{name}").exists()
    steps = {after.plant_ns - before.plant_ns for before, after in zip(frames, frames[1:], strict=False)}
    assert steps == {2_000_000} and line.crc_errors == 0
    assert frames[-1].counts[0] > frames[0].counts[0]
    log = plant_log.read(tmp_path / "plant.log")
    assert log["armed"].any() and log["target_in_motion"].any()
    assert (log["stamp_ns"][1:] > log["stamp_ns"][:-1]).all()
    assert log["plant_ns"][-1] == len(log["plant_ns"]) * 2_000_000


def test_bad_input_ends_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch) -> None:  # type: ignore[no-untyped-def]
    arguments = ["takt_plant", "--plant", "none", "--state", "s", "--log", str(tmp_path / "no/dir/plant.log")]
    monkeypatch.setattr(sys, "argv", arguments)
    with pytest.raises(SystemExit) as ended:
        plant_process.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("error: the plant's log") and said.count("\n") == 1
