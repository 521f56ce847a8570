"""What tests of many parts need: a ROS domain of their own, the firmware built, the contract, and time forbidden.

Every test process gets its own domain on this computer, so that runs beside each other do not meet.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import gc
import itertools
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import takt.contract
from takt.frames import FrameRing

_CLOCKS = (
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "sleep", "localtime",
    "gmtime", "strftime", "ctime",
)  # fmt: skip
_ROOT = Path(__file__).resolve().parents[1]
_DOMAINS = range(1, 102)  # above 101 the DDS ports reach into Linux's ephemeral range
_rings = itertools.count(1)
_held: dict[int, socket.socket] = {}


def _hold(domain: int) -> bool:
    """Take a domain for this process, unless another one has it.

    A name in the kernel: gone with the process however that ends, the same for every user and, as the ports of DDS
    are, for every container of one network.
    """
    name = socket.socket(socket.AF_UNIX)
    try:
        name.bind(f"\0takt-ros-domain-{domain}")
    except OSError:
        name.close()
        return False
    _held[domain] = name
    return True


def _hold_row(count: int) -> int:
    """The first of ``count`` free domains in a row; looked for from one on that depends on the process id."""
    for step in _DOMAINS:
        first = 1 + (os.getpid() + step) % len(_DOMAINS)
        row, before = range(first, first + count), set(_held)
        if row[-1] in _DOMAINS and all(_hold(domain) for domain in row):
            return first
        _release(set(_held) - before)
    raise RuntimeError(f"no {count} ROS domains in a row of {_DOMAINS} are free: too many test runs here")


def _release(domains: set[int]) -> None:
    for domain in domains:
        _held.pop(domain).close()


def pytest_configure() -> None:
    """Set before any test module imports rclpy; child processes inherit it."""
    os.environ["ROS_DOMAIN_ID"] = str(_hold_row(1))
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = (
        "SUBNET"  # the profile confines it to the loopback interface
    )
    os.environ["FASTDDS_DEFAULT_PROFILES_FILE"] = str(_ROOT / "config" / "fastdds.xml")
    # The same examples in every run, however slow the machine: what is tried at random is the long proofs' to try.
    settings.register_profile(
        "takt", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
    )
    settings.load_profile("takt")


@pytest.fixture
def more_domains() -> Iterator[Callable[[int], int]]:
    """``more_domains(count)``: the first of so many ROS domains in a row that nobody else has until the test ends."""
    before = set(_held)
    yield _hold_row
    _release(set(_held) - before)


@pytest.fixture(scope="session", autouse=True)
def nobody_is_nice() -> Iterator[None]:
    """Soft work steps back behind everybody for good; done in this process, all later tests would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "nice", lambda step: 0)
        yield


@pytest.fixture(autouse=True)
def nobody_stays_realtime() -> Iterator[None]:
    """A node that works in this process asks for SCHED_FIFO and locked memory; all later tests would have them."""
    before, switch_s = os.sched_getscheduler(0), sys.getswitchinterval()
    yield
    if os.sched_getscheduler(0) == before:
        return
    for thread in map(int, os.listdir("/proc/self/task")):
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setscheduler(thread, before, os.sched_param(0))
    ctypes.CDLL(None).munlockall()
    gc.unfreeze()
    sys.setswitchinterval(switch_s)


@pytest.fixture(scope="session", autouse=True)
def no_outbox_is_left() -> Iterator[None]:
    """Nodes keep what the supervisor has not confirmed, also behind their own end; no supervisor comes for a test's."""
    yield
    for pattern in (f"takt_test_{os.getpid()}.*", f"takt_test_*_{os.getpid()}.*"):
        for left in Path("/dev/shm").glob(pattern):
            left.unlink(missing_ok=True)


@pytest.fixture
def ring_name() -> Iterator[str]:
    """Of a FrameRing that no other test has, and that is gone afterwards."""
    name = f"takt_test_ring{next(_rings)}_{os.getpid()}"
    yield name
    FrameRing.remove(name)


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
