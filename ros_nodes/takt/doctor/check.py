"""What a check is and what it may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from takt.doctor.machine import Machine
from takt.errors import TaktError

ROBOT, SIMULATION = "robot", "simulation"
NOT_LOOKED_AT = "does not matter in a simulation"


class State(str, Enum):
    """How a check ended. ``UNKNOWN``: it could not be read here, which is neither good nor bad."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIP = "skip"
    UNKNOWN = "unknown"


class InSimulation(Enum):
    """What a robot's failure means where nothing moves: the same, a warning at most, or nothing (not looked at)."""

    SAME = "the same"
    ADVICE = "a warning at most"
    NOTHING = "not looked at"


@dataclass(frozen=True)
class Finding:
    """``found`` is what was seen; ``fix`` the command or action that mends it, empty where nothing needs mending."""

    state: State
    found: str
    fix: str = ""


Examine = Callable[[Machine], Finding]


@dataclass(frozen=True)
class Check:
    """One question to the computer. ``why`` is one sentence: what a bad answer does to the robot."""

    name: str
    theme: str
    why: str
    in_simulation: InSimulation
    examine: Examine

    def run(self, machine: Machine, profile: str) -> Finding:
        """The answer, weighed for ``profile``. What cannot be read is UNKNOWN, never an exception."""
        if profile == SIMULATION and self.in_simulation is InSimulation.NOTHING:
            return skip(NOT_LOOKED_AT)
        try:
            finding = self.examine(machine)
        except TaktError as error:
            finding = fail(error.cause, error.fix)
        except Exception as error:  # one check that stumbles must not hide the others
            finding = unknown(f"could not be read ({type(error).__name__}: {error})")
        advice = profile == SIMULATION and self.in_simulation is InSimulation.ADVICE
        return replace(finding, state=State.WARN) if advice and finding.state is State.FAIL else finding


def check(
    theme: str, why: str, in_simulation: InSimulation = InSimulation.SAME
) -> Callable[[Examine], Check]:
    """Make a check of a function; its name is the check's, ``why`` the reason that people read."""
    return lambda examine: Check(examine.__name__, theme, why, in_simulation, examine)


def ok(found: str) -> Finding:
    return Finding(State.OK, found)


def warn(found: str, fix: str) -> Finding:
    return Finding(State.WARN, found, fix)


def fail(found: str, fix: str) -> Finding:
    return Finding(State.FAIL, found, fix)


def skip(found: str) -> Finding:
    return Finding(State.SKIP, found)


def unknown(found: str, fix: str = "") -> Finding:
    return Finding(State.UNKNOWN, found, fix)
