"""Ctrl-C ends the demo cleanly: every process is gone and no shared memory stays."""

import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.system


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
    status, _, err = run.finish(limit_s=30)
    assert status == 130, err
    assert [pid for pid in pids if alive(pid)] == []
    assert list(Path("/dev/shm").glob(f"*takt_{run.popen.pid}_*")) == []
    assert not (run.run_dir / "link").is_symlink()
