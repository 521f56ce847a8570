"""Which rung each fault must lead to on either computer, and within what time: the ladder's promise, fault by fault.

Times count from the fault's beginning, in ms, and follow from the contract: a command may rest on an observation
``max_age_ms`` old; the board waits ``command_silence_ms`` for a command and ``link_silence_ms`` for the agent; the
planner repeats every 20 ms, the board looks every 10, the supervisor every 50, and what the board tells at a change is
there within 60.
"""

from __future__ import annotations

from dataclasses import dataclass

from takt.contract import Contract
from takt.deadlines import Rung

_CYCLE_MS, _PLANNER_MS, _TICK_MS, _TELL_MS = 10.0, 20.0, 50.0, 60.0
_TRIP_MS = 3 * _CYCLE_MS
_WHEEL_MS = 150.0  # encoder_fault_ms, and the turning of a wheel that the check needs
_BOOT_MS = (
    500.0  # a posix board's new process and its line to the plant; the driver is off after motor_silence_ms
)
_REFUSED_MS = 100.0  # a stranger's command comes within some 20 ms, and drops the one that held
_FALTER_MS = 60.0  # a planner that falters may get one more command out
_STOP_MS = 150.0  # a person's STOP: service, supervisor, service
_LOOK_S = 2.0


@dataclass(frozen=True)
class Reaction:
    """``board`` and ``host``: the rung, and within what time; a host of None cannot tell. ``strength``, ``seconds``: of
    the fault. ``live``: whether the running demo can show it. ``driven_duty``: the time counts from when a wheel is
    driven so hard, if that comes after the fault; a wheel that is not driven cannot tell that its encoder is dead."""

    kind: str
    board: Rung
    board_ms: float
    host: Rung | None
    host_ms: float
    strength: float = 1.0
    seconds: float = _LOOK_S
    live: bool = True
    driven_duty: float = 0.0


def reactions(contract: Contract) -> list[Reaction]:
    """The table."""
    return [
        *_perception(contract),
        *_commands(contract),
        *_link(contract),
        *_board_faults(),
        *_wheel_faults(contract),
        *_stays(),
    ]


def _perception(contract: Contract) -> list[Reaction]:
    """Pictures or results that stay away, or are old when they come."""
    board_ms = contract.topics["cmd_vel"].max_age_ms + 2 * _CYCLE_MS
    host_ms = contract.ladder.hold_perception_age_ms + _TICK_MS + _CYCLE_MS
    cameras = ("camera_kill", "camera_freeze", "camera_unplugged", "camera_slow")
    detectors = ("detector_kill", "detector_freeze", "detector_slow")
    return [
        # a real camera's slowness is a factor of its own time, which may leave a result just young enough
        Reaction(kind, Rung.HOLD, board_ms, Rung.HOLD, host_ms, live=kind != "camera_slow")
        for kind in (*cameras, *detectors)
    ]


def _commands(contract: Contract) -> list[Reaction]:
    """Commands that stay away, or are spoiled by somebody else's."""
    silence_ms = contract.safety.command_silence_ms + _PLANNER_MS + _CYCLE_MS
    heard_ms = _TELL_MS + _TICK_MS
    late = (("planner_kill", 0.0), ("planner_freeze", 0.0), ("planner_slow", _FALTER_MS))
    spoiled = (("absurd_commands", 0.1), ("old_commands", 0.5))
    return [
        *(
            Reaction(kind, Rung.HOLD, silence_ms + more_ms, Rung.HOLD, silence_ms + more_ms + heard_ms)
            for kind, more_ms in late
        ),
        *(
            Reaction(kind, Rung.HOLD, _REFUSED_MS, Rung.HOLD, _REFUSED_MS + heard_ms, strength)
            for kind, strength in spoiled
        ),
        Reaction("host_clock_step", Rung.HOLD, _REFUSED_MS, Rung.HOLD, _REFUSED_MS + heard_ms, live=False),
    ]


def _link(contract: Contract) -> list[Reaction]:
    """The two computers do not hear each other."""
    board_ms = contract.safety.link_silence_ms + _PLANNER_MS + 2 * _CYCLE_MS
    host_ms = contract.ladder.safe_link_silence_ms + _TICK_MS + _PLANNER_MS + _CYCLE_MS
    kinds = ("line_cut", "line_noise", "agent_kill", "agent_freeze", "board_link_blocked")
    paused_ms = _LOOK_S * 1e3 + _TICK_MS + 2 * _TELL_MS  # the host tells when it runs again
    return [
        *(Reaction(kind, Rung.SAFE, board_ms, Rung.SAFE, host_ms) for kind in kinds),
        Reaction("host_pause", Rung.SAFE, board_ms, Rung.SAFE, paused_ms),
    ]


def _board_faults() -> list[Reaction]:
    """What the board finds wrong with itself and its power, and what a person does."""
    heard_ms = _TELL_MS + _TICK_MS
    off_ms = 1000.0 + _BOOT_MS
    return [
        *(
            Reaction(kind, Rung.SAFE, _TRIP_MS, Rung.SAFE, _TRIP_MS + heard_ms)
            for kind in ("e_stop", "motor_fault")
        ),
        Reaction("supply_low", Rung.SAFE, _WHEEL_MS, Rung.SAFE, _WHEEL_MS + heard_ms),
        *(
            Reaction(kind, Rung.SAFE, 2 * _TRIP_MS, Rung.SAFE, 2 * _TRIP_MS + heard_ms, live=False)
            for kind in (
                "board_overrun",
                "board_preempted",
                "board_late",
            )  # three misses; a host's board may have ten
        ),
        Reaction("board_reset", Rung.SAFE, _BOOT_MS, Rung.SAFE, 600.0),
        Reaction("board_watchdog", Rung.SAFE, _BOOT_MS, Rung.SAFE, 600.0),
        Reaction("power_cycle", Rung.SAFE, off_ms, Rung.SAFE, 600.0, seconds=1.0),
        Reaction("stop_pressed", Rung.SAFE, _STOP_MS, Rung.SAFE, _STOP_MS),
    ]


def _wheel_faults(contract: Contract) -> list[Reaction]:
    """What the board finds wrong with its encoders."""
    heard_ms = _TELL_MS + _TICK_MS
    driven = {"encoder_broken": contract.safety.encoder_dead_duty}
    kinds = ("encoder_broken", "encoder_reversed", "encoder_silent", "encoder_jump")
    return [
        Reaction(
            kind, Rung.SAFE, _WHEEL_MS, Rung.SAFE, _WHEEL_MS + heard_ms, driven_duty=driven.get(kind, 0.0)
        )
        for kind in kinds
    ]


def _stays() -> list[Reaction]:
    """Faults that the robot has to live with: it drives on, or waits for its target, on NOMINAL."""
    gentle = (
        ("lens_covered", 1.0),
        ("detector_blind", 1.0),
        ("line_duplicates", 0.5),
        ("board_overrun", 0.2),
        ("board_preempted", 0.2),
        ("board_late", 0.2),
    )
    return [
        Reaction(kind, Rung.NOMINAL, 0.0, Rung.NOMINAL, 0.0, strength, seconds=1.0)
        for kind, strength in gentle
    ]


def table(contract: Contract) -> str:
    """The promise as Markdown, for docs/ladder.md."""
    lines = ["| fault | board | within ms | host | within ms | shown in |", "|---|---|---|---|---|---|"]
    for one in reactions(contract):
        name = f"`{one.kind}`" + ("" if one.strength in (1.0,) else f" at {one.strength:g}")
        host = "cannot tell" if one.host is None else one.host.name
        times = ["" if ms == 0.0 else f"{ms:.0f}" for ms in (one.board_ms, one.host_ms)]
        where = "twin, demo" if one.live else "twin"
        lines.append(f"| {name} | {one.board.name} | {times[0]} | {host} | {times[1]} | {where} |")
    return "\n".join(lines) + "\n"
