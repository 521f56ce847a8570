"""What tests of many parts need: a ROS domain of their own, the firmware built, the contract, and time forbidden.

Every test process gets its own domain on this computer, so that runs beside each other do not meet.
"""

from __future__ import annotations

import fcntl
import gc
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

import takt.contract

_CLOCKS = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "sleep", "localtime",
    "gmtime", "strftime", "ctime",
)  # fmt: skip
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


def _build(folder: Path, *options: str) -> None:
    if shutil.which("cmake") is None:
        pytest.fail("cmake is not installed; tests of and with the firmware need it (apt install cmake)")
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs must not build at the same time
        for step in (["-S", _ROOT / "firmware", "-B", folder], ["--build", folder, "-j2", *options]):
            subprocess.run(["cmake", *step], check=True, stdout=subprocess.DEVNULL)


@pytest.fixture(scope="session")
def firmware_build() -> Path:
    """The build folder, up to date: ``TAKT_FIRMWARE_BUILD`` or build/firmware."""
    folder = Path(os.environ.get("TAKT_FIRMWARE_BUILD", _ROOT / "build" / "firmware"))
    _build(folder)
    return folder


@pytest.fixture(scope="session")
def library() -> Path:
    """The C core, up to date, in the build folder that all tests share."""
    folder = _ROOT / "build" / "firmware"
    _build(folder, "--target", "takt_core")
    return folder / "libtakt_core.so"


@pytest.fixture(scope="session")
def shipped_contract() -> takt.contract.Contract:
    return takt.contract.load()


@pytest.fixture(scope="session")
def clocks() -> tuple[str, ...]:
    """Names in ``time`` of every way to the time of day or to waiting."""
    return _CLOCKS


@pytest.fixture
def no_clock(clocks: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of them raise. Whoever times the collector (Hypothesis does) is not called meanwhile."""

    def forbidden(*_arguments: object, **_options: object) -> None:
        raise AssertionError("a clock was read")

    timers = gc.callbacks[:]
    gc.callbacks.clear()
    with monkeypatch.context() as patch:
        for name in clocks:
            patch.setattr(time, name, forbidden)
        yield
    gc.callbacks.extend(timers)
