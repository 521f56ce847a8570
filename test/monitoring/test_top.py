"""The command: one view for scripts, a live one on a terminal, one clear line when no robot answers."""

from __future__ import annotations

import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from unittest.mock import Mock

import pytest

from takt.dashboard import Access, DashboardServer, PictureTaker, RobotState, listen
from takt.errors import TaktError
from takt.monitoring import top

LIMIT_S = 200.0


@pytest.fixture
def server(contract, robot_speaks) -> Iterator[DashboardServer]:
    state, now_ns = RobotState(contract), time.time_ns()
    for name, heard in robot_speaks(9, now_ns).items():
        state.set_status(name, heard.level, heard.message, heard.values, now_ns)
    made = DashboardServer(state, PictureTaker("takt_test_no_ring"), listen(0), Mock())
    made.start()
    yield made
    made.stop()


def test_once_prints_one_view(server, capsys):
    assert top.main(["--once", "--url", server.url]) == 0
    printed = capsys.readouterr().out
    assert "photon_to_motor" in printed and "link, agent" in printed and "\x1b" not in printed


def test_without_a_terminal_it_says_so(server, capsys):
    with pytest.raises(TaktError, match="--once"):
        top.main(["--url", server.url])


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "file:///etc/passwd"])
def test_what_is_no_page_is_refused(url):
    with pytest.raises(TaktError, match="no address"):
        top.main(["--once", "--url", url])


def test_no_robot_is_one_clear_line():
    with socket.socket() as held:  # bound, so that nobody else has the port, and deaf
        held.bind(("127.0.0.1", 0))
        with pytest.raises(TaktError, match="no robot answers"):
            top.main(["--once", "--url", f"http://127.0.0.1:{held.getsockname()[1]}/"])


def test_another_page_is_no_robot(server):
    with pytest.raises(TaktError, match="no robot"):
        top.ask(server.url)


def test_live_on_a_terminal_until_interrupted(server):
    """Also as a shell's background job, which is born with that signal ignored."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "takt.cli", "top", "--url", server.url]
    with subprocess.Popen(
        command,
        stdout=theirs,
        stderr=theirs,
        env=os.environ | {"TERM": "xterm"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN),
    ) as process:
        os.close(theirs)
        seen, end = b"", time.monotonic() + LIMIT_S
        while seen.count(b"photon_to_motor") < 3 and time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536)
        process.send_signal(signal.SIGINT)
        while b"\x1b[?1049l" not in seen and time.monotonic() < end:
            if select.select([ours], [], [], 0.2)[0]:
                seen += os.read(ours, 65536)
        try:
            assert process.wait(timeout=LIMIT_S) == 0
        finally:
            process.kill()  # one that does not end would hold up the tests
    os.close(ours)
    assert seen.count(b"photon_to_motor") >= 3
    assert seen.startswith(b"\x1b[?1049h") and b"\x1b[?1049l" in seen and b"Traceback" not in seen


def test_a_page_beyond_loopback_is_asked_with_its_token(contract, tmp_path, capsys) -> None:
    access = Access.for_address("0.0.0.0", "a-token-that-is-long-enough")
    made = DashboardServer(RobotState(contract), PictureTaker("takt_test_no_ring"), listen(0), Mock(), access)
    made.start()
    file = tmp_path / "token"
    file.write_text("a-token-that-is-long-enough\n")
    try:
        with pytest.raises(TaktError) as refused:
            top.main(["--once", "--url", made.url])
        assert "--token-file" in refused.value.fix
        with pytest.raises(TaktError, match="cannot be read"):
            top.main(["--once", "--url", made.url, "--token-file", str(tmp_path / "none")])
        assert top.main(["--once", "--url", made.url, "--token-file", str(file)]) == 0
    finally:
        made.stop()
    assert "host ladder" in capsys.readouterr().out
