"""The whole road in one process on a virtual clock: equal seeds give equal bytes, and no clock can be read."""

from __future__ import annotations

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
from takt.twin import messenger
from takt.twin.episode import Episode, LineQuality
from takt.twin.run import Result, run
from takt.twin.world import World

SECONDS = 30.0
PURE = (
    "takt.link",
    "takt.planning",
    "takt.contract",
    "takt.twin",
    "takt.simulation.board",
    "simple_pid",
)


def drive(library: Path, seed: int, seconds: float = SECONDS) -> tuple[Result, World]:
    """A day with nothing wrong but a bad line and a board whose clock runs fast."""
    line = LineQuality(drop_rate=0.002, flip_rate=0.002)
    episode = Episode("parity", seed, seconds, line=line, board_drift_ppm=40.0)
    worlds: list[World] = []
    result = run(
        library,
        contract.load(),
        episode,
        watcher=lambda world, _cycled: None if worlds else worlds.append(world),
    )
    return result, worlds[0]


def test_equal_seeds_give_equal_bytes_and_the_robot_follows(library, no_clock):
    (first, world), (second, _) = drive(library, 1), drive(library, 1)
    assert first.rows == second.rows
    assert first.log_hash == second.log_hash
    assert first.violations == []
    state = world.body.board.state
    assert (state.rung, state.armed, state.client) == ("NOMINAL", True, "connected")
    assert state.cycles == pytest.approx(first.simulated_s * 100, abs=8)  # it boots for 50 ms
    assert sum(state.misses.values()) == 0
    assert first.mission["distance_error_m"]["p95"] <= 0.35
    assert state.photon_to_motor_count >= 28 * SECONDS
    assert 0.0 < state.photon_to_motor_p99_us <= 100_000.0
    assert world.messenger.line_errors > 0, "the line was meant to be bad"
    truth_ns = world.ros_ns - world.body.board_ns(world.now_ns)
    assert abs(state.ros_offset_ns - truth_ns) <= state.clock_bound_ns


def advance(world: World, seconds: float) -> None:
    for _ in range(round(seconds * 1000)):
        world.step()


def test_another_seed_gives_another_run(library, no_clock):
    hashes = set()
    for seed in (1, 2):
        world = World(library, contract.load(), Episode("parity", seed))
        advance(world, 2.0)
        hashes.add(world.log_hash)
        world.close()
    assert len(hashes) == 2


def test_arming_goes_over_the_line(library, no_clock):
    """Nothing but the service call arms the board, and its answer comes back to ROS's side."""
    world = World(library, contract.load(), Episode("parity", 4))
    while not world.arm_calls and world.now_ns < 8_000_000_000:
        assert not world.body.board.view.driver_enabled, "the driver is on without a call"
        world.step()
    advance(world, 0.1)
    assert world.supervisor.watch.arming._granted_ns, "no answer came back"
    assert world.body.board.view.armed and world.body.board.view.driver_enabled
    world.close()


def test_another_contract_never_moves(library, no_clock, monkeypatch):
    """The same road with a host whose contract differs from the board's: it does not arm, it does not drive."""
    ours = of_contract(contract.load())
    other = Handshake(lambda _told: ["limits"], ours.topics, ours.services)
    monkeypatch.setattr(messenger, "of_contract", lambda _contract: other)
    world = World(library, contract.load(), Episode("parity", 5))
    before = world.plant.robot_pose()
    advance(world, 5.0)
    core, after = world.messenger.core, world.plant.robot_pose()
    assert core.sessions[0].mismatches == ("limits",)
    assert not world.body.board.view.armed
    assert core.stats.drops["contract"] > 5, "it was asked to arm, which must not reach the board"
    assert (
        core.stats.drops["contract"] + core.stats.drops["stop"] >= world.commands_sent + world.arm_calls > 200
    )
    assert (after.x_m, after.y_m) == pytest.approx((before.x_m, before.y_m), abs=1e-3)
    world.close()


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


def test_no_pure_module_holds_a_clock(clocks):
    """Patching ``time`` misses what was taken out of it before; so nothing here may hold one of its functions."""
    forbidden = {id(getattr(time, name)) for name in clocks}
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
        if id(value) in forbidden
    }
    assert holding == set()
