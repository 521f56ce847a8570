"""Every test process gets a ROS domain of its own on this computer, so that runs beside each other do not meet."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

_ROOT = Path(__file__).resolve().parents[1]
_DOMAINS = range(1, 102)  # above 101 the DDS ports reach into Linux's ephemeral range
_held: list[IO[str]] = []  # open for the life of the process; the kernel drops the lock with it


def _hold_domain() -> int:
    """Lock the first free domain, starting at one that depends on the process id."""
    folder = Path(tempfile.gettempdir()) / "takt-ros-domains"
    folder.mkdir(exist_ok=True)
    for step in _DOMAINS:
        domain = 1 + (os.getpid() + step) % len(_DOMAINS)
        lock = (folder / f"{domain}.lock").open("w")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        _held.append(lock)
        return domain
    raise RuntimeError(
        f"all ROS domains {_DOMAINS[0]}..{_DOMAINS[-1]} are held by other test runs on this computer"
    )


def pytest_configure() -> None:
    """Set before any test module imports rclpy; child processes inherit it."""
    os.environ["ROS_DOMAIN_ID"] = str(_hold_domain())
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = (
        "SUBNET"  # the profile confines it to the loopback interface
    )
    os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(_ROOT / "config" / "fastdds.xml")


@pytest.fixture(scope="session", autouse=True)
def no_outbox_is_left() -> Iterator[None]:
    """Nodes keep what the supervisor has not confirmed, also behind their own end; no supervisor comes for a test's."""
    yield
    for pattern in (f"takt_test_{os.getpid()}.*", f"takt_test_*_{os.getpid()}.*"):
        for left in Path("/dev/shm").glob(pattern):
            left.unlink(missing_ok=True)
