"""Every cell of the ladder on both computers, against its rules written down a second time.

Host: each rung x each set of conditions, down at once, up after ``recover_ms`` and not before. Board: each state x each
set of conditions x each verdict on the command x each request.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from takt.deadlines import Conditions, Ladder, Rung
from takt.deadlines.ladder import Limits
from takt.simulation.core_headers import Core

_MS = 1_000_000
_FAULTS = ("e_stop", "motor_fault", "encoder_fault", "brown_out", "miss_limit", "watchdog_reset")
_PASSING = ("power_up", "disarmed", "link_silence", "encoder_silence")
# What each condition does to a board: the cause it is told as, whether a board at rest is tripped by it too.
_TRIPS = (
    ("E_STOP", "e_stop", True),
    ("MOTOR_FAULT", "motor_fault", True),
    ("ENCODER_FAULT", "encoder_fault", False),
    ("BROWN_OUT", "brown_out", False),
    ("MISS_LIMIT", "miss_limit", False),
    ("ENCODER_SILENT", "encoder_silence", False),
    ("LINK_SILENT", "link_silence", False),
)
_CONDITIONS = (*(name for name, _, _ in _TRIPS), "WHEELS_TURNING")
_GATES = ("OPEN", "EMPTY", "NAN", "CLOCK", "ZERO", "FUTURE", "STALE", "SILENCE")
_REQUESTS = (None, "ARM", "DISARM", "CLEAR_FAULT")


@dataclass
class Account:
    """How many cells were looked at, and the first that were wrong."""

    cells: int = 0
    wrong: list[str] | None = None

    def add(self, cell: object, got: object, wanted: object) -> None:
        self.cells += 1
        if got != wanted:
            self.wrong = [*(self.wrong or []), f"{cell}: {got}, must be {wanted}"][:5]


# ------------------------------------------------------------------------------------------------- the host


def host(limits: Limits) -> Account:
    """The supervisor's ladder."""
    account = Account()
    ages = (0.0, limits.hold_perception_age_ms, limits.hold_perception_age_ms + 1.0, float("inf"))
    silences = (0.0, limits.safe_link_silence_ms, limits.safe_link_silence_ms + 1.0, float("inf"))
    skips = (0.0, limits.reduced_skip_ratio, 1.0)
    for start, age, silence, skip, board, stop in product(Rung, ages, silences, skips, Rung, (False, True)):
        conditions = Conditions(age, silence, skip, board, stop)
        account.add(
            (start.name, conditions), _walked(start, conditions, limits), _expected(start, conditions, limits)
        )
    return account


def _walked(start: Rung, conditions: Conditions, limits: Limits) -> tuple[str, str, str]:
    """Rungs at once, just before and at the end of the waiting time."""
    ladder = Ladder(limits, 0)
    ladder.rung = start
    wait_ns = round(limits.recover_ms) * _MS
    at_once = ladder.update(conditions, _MS)
    before = ladder.update(conditions, wait_ns + _MS - 1)
    return at_once.name, before.name, ladder.update(conditions, wait_ns + _MS).name


def _expected(start: Rung, conditions: Conditions, limits: Limits) -> tuple[str, str, str]:
    asked = [Rung.NOMINAL]
    if conditions.stop_requested or conditions.link_age_ms > limits.safe_link_silence_ms:
        asked.append(Rung.SAFE)
    if conditions.board_rung in (Rung.HOLD, Rung.SAFE):
        asked.append(conditions.board_rung)
    if conditions.perception_age_ms > limits.hold_perception_age_ms:
        asked.append(Rung.HOLD)
    if conditions.skip_ratio > limits.reduced_skip_ratio:
        asked.append(Rung.REDUCED)
    down = max(asked)
    waits = max(down, start)
    return waits.name, waits.name, down.name


# ------------------------------------------------------------------------------------------------ the board


@dataclass(frozen=True)
class State:
    """A board's: its rung, why it is SAFE, and the latched fault."""

    rung: str
    cause: str = "none"
    fault: str = "none"


STATES = (
    State("HOLD"),
    State("NOMINAL"),
    *(State("SAFE", cause) for cause in _PASSING),
    *(State("SAFE", fault, fault) for fault in _FAULTS),
)


def board(core: Core, every: int = 1) -> Account:
    """The core's safety table; ``every``: only each n-th cell."""
    account = Account()
    table = _Table(core)
    for number, cell in enumerate(_cells()):
        if number % every == 0:
            account.add(cell, table.step(*cell), expected(*cell))
    return account


def _cells() -> Iterator[tuple[State, frozenset[str], str, str | None]]:
    for state, bits, gate, request in product(STATES, range(1 << len(_CONDITIONS)), _GATES, _REQUESTS):
        held = frozenset(name for place, name in enumerate(_CONDITIONS) if bits >> place & 1)
        yield state, held, gate, request


class _Table:
    """The real one: a state is set, one update made, and the outcome read."""

    def __init__(self, core: Core) -> None:
        self._core, self._values = core, core.values
        self._causes = {
            f"{core.takt_cause_name(n).decode()}": n for n in range(int(core.values["TAKT_CAUSE_COUNT"]))
        }
        self._names = {number: name for name, number in self._causes.items()}

    def step(self, state: State, held: frozenset[str], gate: str, request: str | None) -> State:
        values = self._values
        safety = self._core.new(
            "safety",
            armed=state.rung != "SAFE",
            rung=values[f"TAKT_RUNG_{state.rung}"],
            cause=self._causes[state.cause],
            fault=self._causes[state.fault],
        )
        requests = self._core.new("requests")
        if request is not None:
            requests.newest[int(values[f"TAKT_REQUEST_{request}"])] = 1
        bits = sum(int(values[f"TAKT_CONDITION_{name}"]) for name in held)
        self._core.takt_safety_update(
            ctypes.byref(safety), ctypes.byref(requests), bits, values[f"TAKT_GATE_{gate}"]
        )
        return self._read(safety)

    def _read(self, safety: Any) -> State:
        rung = Rung(int(safety.rung)).name
        if bool(safety.armed) != (rung != "SAFE"):
            return State("armed on SAFE or disarmed elsewhere")
        return State(rung, self._names[int(safety.cause)], self._names[int(safety.fault)])


def expected(state: State, held: frozenset[str], gate: str, request: str | None) -> State:
    """The rules of docs/firmware.md: request first, then what trips, then the command."""
    state = _requested(state, held, request)
    for condition, cause, at_rest in _TRIPS:
        if condition in held and (at_rest or state.rung != "SAFE"):
            fault = state.fault if state.fault != "none" or cause not in _FAULTS else cause
            return State("SAFE", cause, fault)
    if state.rung == "SAFE":
        return state
    return State("NOMINAL" if gate == "OPEN" else "HOLD")


def _requested(state: State, held: frozenset[str], request: str | None) -> State:
    if request == "ARM" and state.rung == "SAFE" and state.fault == "none" and not held:
        return State("HOLD")
    if request == "DISARM" and state.rung != "SAFE":
        return State("SAFE", "disarmed", state.fault)
    if request == "CLEAR_FAULT" and state.fault != "none":
        lasting = {cause for condition, cause, _ in _TRIPS if condition in held}
        if state.fault not in lasting:
            return State("SAFE", "disarmed")
    return state
