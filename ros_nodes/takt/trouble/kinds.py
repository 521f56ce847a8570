"""The faults that can be brought into the running demo, by the names that they have in the twin.

What cannot be done to a running host without harming it, or has no counterpart there, stands in ``NOT_LIVE`` with its
reason. Strength runs from 0 to 1 and means what it means in the twin.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from takt.trouble.hands import HOST, Hands

Begin = Callable[[Hands, float, float], None]  # strength, seconds


def _nothing(_hands: Hands) -> None:
    """Over by itself."""


@dataclass(frozen=True)
class LiveKind:
    """``begin(hands, strength, seconds)`` and ``end(hands)``. ``moves_freely``: a motor or an encoder lies."""

    name: str
    begin: Begin
    end: Callable[[Hands], None] = _nothing
    moves_freely: bool = False


def _kill(name: str) -> LiveKind:
    return LiveKind(f"{name}_kill", lambda hands, _strength, _seconds: hands.kill(name))


def _freeze(name: str) -> LiveKind:
    return LiveKind(f"{name}_freeze", lambda hands, _strength, _seconds: hands.freeze(name), Hands.thaw)


def _parameter(kind: str, node: str, fault: Callable[[float], str], moves_freely: bool) -> LiveKind:
    return LiveKind(
        kind,
        lambda hands, strength, _seconds: hands.robot.set_fault(node, fault(strength)),
        lambda hands: hands.robot.set_fault(node, "none"),
        moves_freely,
    )


def _model(kind: str, fault: Callable[[float], str], moves_freely: bool = False) -> LiveKind:
    """A model that errs; ``fault`` as takt.vision.faults names it."""
    return _parameter(kind, "detector", fault, moves_freely)


def _camera(kind: str, fault: Callable[[float], str]) -> LiveKind:
    """A camera that errs; ``fault`` as takt.vision.sources.faulty names it."""
    return _parameter(kind, "camera", fault, False)


def _slow_planner(hands: Hands, strength: float, _seconds: float) -> None:
    hands.stutter("planner", 0.005, 0.050 + 0.200 * strength)


# ------------------------------------------------------------------------------------------------- the line


def _line(name: str, begin: Begin) -> LiveKind:
    return LiveKind(name, begin, Hands.mend_line)


def _harm(rate: str) -> Begin:
    return lambda hands, strength, _seconds: hands.line(rates={rate: 0.02 + 0.25 * strength})


def _noise(hands: Hands, strength: float, seconds: float) -> None:
    hands.line(noise_s=seconds, seed=round(strength * 1e6))


def _slow_line(hands: Hands, strength: float, _seconds: float) -> None:
    hands.line(baud=round(460_800 / (1.0 + 7.0 * strength)))


def _delay(low_ms: float, high_ms: float, *ways: str) -> Begin:
    return lambda hands, strength, _seconds: hands.delay_line(low_ms + (high_ms - low_ms) * strength, *ways)


# -------------------------------------------------------------------------------------- board, plant, people


def _stretch_ms(strength: float) -> int:
    return round(11.0 + 17.0 * strength)


def _board(name: str, order: Callable[[float, float], str]) -> LiveKind:
    return LiveKind(name, lambda hands, strength, seconds: hands.board(order(strength, seconds)))


def _plant(name: str, fault: Callable[[float], str], moves_freely: bool = False) -> LiveKind:
    """``fault`` names it for the plant, which ends it by itself."""

    def begin(hands: Hands, strength: float, seconds: float) -> None:
        hands.plant(fault=fault(strength), seconds=seconds, strength=strength)

    return LiveKind(name, begin, moves_freely=moves_freely)


def _side(wire: str) -> Callable[[float], str]:
    return lambda strength: f"{wire}_{'left' if strength < 0.5 else 'right'}"


def _odd_side(strength: float) -> str:
    """By the digits of the strength, which here says how weak."""
    return f"motor_weak_{'left' if round(strength * 1e6) % 2 else 'right'}"


def _absurd(hands: Hands, strength: float, _seconds: float) -> None:
    """Not a number, infinite, stamped zero, or from the future."""
    commands = ((math.nan, 0.0, -1), (0.0, math.inf, -1), (0.5, 0.0, 0), (0.5, 0.0, 5_000_000_000))
    hands.robot.intrude(commands[min(int(strength * len(commands)), len(commands) - 1)])


def _old(hands: Hands, strength: float, _seconds: float) -> None:
    hands.robot.intrude((0.6, 0.5, -round((0.25 + strength) * 1e9)))


def _silence(hands: Hands) -> None:
    hands.robot.intrude(None)


_LIST = (
    *(_kill(name) for name in HOST),
    *(_freeze(name) for name in HOST),
    LiveKind("host_pause", lambda hands, _strength, _seconds: hands.freeze(*HOST), Hands.thaw),
    LiveKind("planner_slow", _slow_planner, Hands.thaw),
    _camera("camera_slow", lambda strength: f"slow:{8.0 + 26.0 * strength:.1f}"),
    _camera("camera_unplugged", lambda _strength: "unplugged"),
    _camera("lens_covered", lambda _strength: "covered"),
    _model("detector_blind", lambda _strength: "blind"),
    _model("ghost_target", lambda _strength: "ghost", moves_freely=True),
    _model("detector_slow", lambda strength: f"slow:{55.0 + 95.0 * strength:.0f}"),
    _model("model_slow", lambda _strength: "slow"),
    _model("model_fails", lambda _strength: "fail"),
    _model("model_nan", lambda _strength: "nan"),
    _model("model_crash", lambda _strength: "crash"),
    _model("model_hangs", lambda _strength: "hang"),
    _line("line_cut", lambda hands, _strength, _seconds: hands.line(cut=True)),
    _line("line_noise", _noise),
    _line("line_drops", _harm("drop")),
    _line("line_flips", _harm("flip")),
    _line("line_duplicates", _harm("duplicate")),
    _line("line_slow", _slow_line),
    _line("line_delay", _delay(5.0, 80.0, "a_to_b", "b_to_a")),
    _line("line_lopsided", _delay(5.0, 60.0, "a_to_b")),
    LiveKind("board_reset", lambda hands, _strength, _seconds: hands.kill("firmware")),
    _board("board_watchdog", lambda _strength, _seconds: "stretch 400"),
    _board("board_overrun", lambda strength, _seconds: f"stretch {_stretch_ms(strength)}"),
    _board("board_preempted", lambda strength, _seconds: f"nap {_stretch_ms(strength)}"),
    _board("board_late", lambda strength, _seconds: f"late {_stretch_ms(strength)}"),
    _board("board_link_blocked", lambda _strength, seconds: f"block {round(seconds * 1e3)}"),
    _plant("encoder_broken", _side("encoder_broken"), moves_freely=True),
    _plant("encoder_reversed", _side("encoder_reversed"), moves_freely=True),
    _plant("encoder_silent", lambda _strength: "encoder_silent", moves_freely=True),
    _plant("encoder_jump", lambda _strength: "encoder_jump_left", moves_freely=True),
    _plant("motor_weak", _odd_side, moves_freely=True),
    _plant("motor_fault", lambda _strength: "motor_fault"),
    _plant("supply_low", lambda _strength: "supply_sag", moves_freely=True),
    _plant("e_stop", lambda _strength: "e_stop"),
    LiveKind("power_cycle", lambda hands, _strength, seconds: hands.cut_power(seconds)),
    LiveKind(
        "stop_pressed",
        lambda hands, _strength, _seconds: hands.robot.press_stop(),
    ),
    LiveKind("absurd_commands", _absurd, _silence),
    LiveKind("old_commands", _old, _silence),
)
KINDS = {kind.name: kind for kind in _LIST}

NOT_LIVE = {
    "host_clock_step": "it would set the clock of this host",
    "board_drift": "the posix board's clock keeps the rate that it was started with",
}
