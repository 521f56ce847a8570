"""The whole road in one process on a virtual clock: equal seeds give equal bytes, and no clock can be read."""

from __future__ import annotations

import fcntl
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import pytest

from takt import contract
from takt.link.handshake import Handshake, of_contract
from takt.simulation.twin import Twin

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 60.0
CLOCKS = [
    "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "process_time",
    "process_time_ns", "thread_time", "thread_time_ns", "clock_gettime", "clock_gettime_ns", "sleep", "localtime",
    "gmtime", "strftime", "ctime",
]  # fmt: skip
PURE = (
    "takt.link",
    "takt.planning",
    "takt.contract",
    "takt.simulation.twin",
    "takt.simulation.board",
    "simple_pid",
)


@pytest.fixture(scope="session")
def library() -> Path:
    """The C core, up to date, in the build folder that all tests share."""
    if shutil.which("cmake") is None:
        pytest.fail("cmake is not installed; the twin needs the firmware's core (apt install cmake)")
    folder = ROOT / "build" / "firmware"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        subprocess.run(
            ["cmake", "-S", ROOT / "firmware", "-B", folder], check=True, stdout=subprocess.DEVNULL
        )
        build = ["cmake", "--build", folder, "-j2", "--target", "takt_core"]
        subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    return folder / "libtakt_core.so"


@pytest.fixture
def no_clock(monkeypatch):
    """Every way to the time of day or to waiting raises."""

    def forbidden(*_arguments, **_options):
        raise AssertionError("a clock was read")

    with monkeypatch.context() as patch:
        for name in CLOCKS:
            patch.setattr(time, name, forbidden)
        yield


def drive(library: Path, seed: int, seconds: float = SECONDS) -> Twin:
    twin = Twin(library, contract.load(), seed=seed, line_error_rate=0.002, board_drift_ppm=40.0)
    twin.run(seconds)
    return twin


def test_equal_seeds_give_equal_bytes_and_the_robot_follows(library, no_clock):
    first, second = drive(library, 1), drive(library, 1)
    assert bytes(first.log) == bytes(second.log)
    assert len(first.log) > 1_000_000
    state = first.board.state
    assert (state.rung, state.armed, state.client) == ("NOMINAL", True, "connected")
    assert state.cycles == pytest.approx(SECONDS * 100, abs=2)
    assert sum(state.misses.values()) == 0
    errors_m = sorted(abs(error) for error in first.distance_errors_m[500:])
    assert errors_m[int(0.95 * len(errors_m))] <= 0.35
    assert state.photon_to_motor_count >= 1500
    assert 0.0 < state.photon_to_motor_p99_us <= 100_000.0
    assert first.agent.crc_errors + first.agent.framing_errors > 0, "the line was meant to be bad"


def test_the_boards_clock_follows_ros_time_over_a_bad_line(library, no_clock):
    twin = drive(library, 3, 20.0)
    truth_ns = twin.ros.clock_ns - twin.board.now_ns
    assert abs(twin.board.state.ros_offset_ns - truth_ns) <= twin.board.state.clock_bound_ns


def test_another_seed_gives_another_run(library, no_clock):
    assert bytes(drive(library, 1, 5.0).log) != bytes(drive(library, 2, 5.0).log)


def test_arming_goes_over_the_line(library, no_clock):
    """Nothing but the service call arms the board, and its answer comes back to ROS's side."""
    twin = Twin(library, contract.load(), seed=4)
    while not twin.arm_replies and twin.seconds < 5.0:
        assert not twin.board.duty[2], "the driver is on without a call"
        twin.run(0.001)
    assert twin.arm_replies[0].success
    twin.run(0.1)
    assert twin.board.state.armed and twin.board.duty[2]


def test_another_contract_never_moves(library, no_clock):
    """The same road with a host whose contract differs from the board's: it does not arm, it does not drive."""
    ours = of_contract(contract.load())
    other = Handshake(lambda _told: ["limits"], ours.topics, ours.services)
    twin = Twin(library, contract.load(), seed=5, handshake=other)
    twin.run(5.0)
    assert twin.agent.sessions[0].mismatches == ("limits",)
    assert not twin.board.state.armed
    assert twin.agent.stats.drops["contract"] > 100
    assert (twin.robot.x_m, twin.robot.y_m) == (0.0, 0.0)


def test_the_core_library_imports_no_clock(library):
    """What the shared library wants of the system: memory, strings and mathematics, nothing that tells or waits."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed (binutils)")
    listed = subprocess.run(
        ["nm", "-D", "--undefined-only", library], check=True, capture_output=True, text=True
    )
    wanted = {line.split()[-1].split("@")[0] for line in listed.stdout.splitlines()}
    assert wanted, "nm listed nothing"
    allowed = re.compile(
        r"mem(cpy|move|set|cmp|chr)|str\w+|__\w+_chk|__stack_chk_fail|_ITM_\w+|__cxa_finalize|__gmon_start__"
        r"|l?l?(round|rint)f?|(sin|cos|tan|atan2?|sqrt|exp|pow|fabs|floor|ceil|fmod|hypot|trunc|fmin|fmax)f?"
        r"|remainderf?|copysignf?|nearbyintf?|lroundf?|llroundf?"
    )
    assert {name for name in wanted if not allowed.fullmatch(name)} == set()


def test_no_pure_module_holds_a_clock():
    """Patching ``time`` misses what was taken out of it before; so nothing here may hold one of its functions."""
    clocks = {id(getattr(time, name)) for name in CLOCKS}
    modules = {
        name: module
        for name, module in sys.modules.items()
        if isinstance(module, ModuleType)
        and name.startswith(PURE)
        and not name.startswith("takt.link.transports.")
    }
    assert {"takt.link.agent", "takt.planning.follower", "simple_pid.pid"} <= set(modules)
    holding = {
        f"{name}.{attribute}"
        for name, module in modules.items()
        for attribute, value in vars(module).items()
        if id(value) in clocks
    }
    assert holding == set()
