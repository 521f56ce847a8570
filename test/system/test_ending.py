"""Ctrl-C ends the demo cleanly: every process is gone and no shared memory stays."""

import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
LIMIT_S = 60.0


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_ctrl_c_leaves_nothing_behind(start_demo):
    run = start_demo("--seconds", "120")
    run.wait_for_line("board armed")
    pids = run.everything()
    assert len(pids) >= 7
    assert all(alive(pid) for pid in pids)
    run.popen.send_signal(signal.SIGINT)
    status, _, err = run.finish()
    assert status == 130, err
    end_s = time.monotonic() + LIMIT_S
    while any(alive(pid) for pid in pids) and time.monotonic() < end_s:
        time.sleep(0.05)  # whom the kernel kills with their supervisor need their turn for it
    assert [pid for pid in pids if alive(pid)] == []
    assert list(Path("/dev/shm").glob(f"*takt_{run.popen.pid}_*")) == []
    assert not (run.run_dir / "link").is_symlink()
