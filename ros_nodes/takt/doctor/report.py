"""What the doctor found, as text for a person and as JSON for a program."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from takt.doctor.check import NOT_LOOKED_AT, Check, Finding, State

CLOSING = "Linux is soft real time, whatever stands above; hard deadlines are the board's alone."
_WIDTH = 110
_LOUD = (State.WARN, State.FAIL)


@dataclass(frozen=True)
class Examined:
    """One check and what it found."""

    check: Check
    finding: Finding


def exit_status(results: Sequence[Examined]) -> int:
    """1 when anything failed, else 0."""
    return int(any(result.finding.state is State.FAIL for result in results))


def as_text(results: Sequence[Examined], profile: str) -> str:
    """A line a check, below a heading a theme; why and fix only where something is to be done.

    What does not matter in this profile is counted, not listed.
    """
    lines, theme = [f"takt doctor, profile {profile}"], ""
    for result in results:
        if result.finding.found == NOT_LOOKED_AT:
            continue
        if result.check.theme != theme:
            theme = result.check.theme
            lines += ["", theme]
        lines += _rows(result)
    return "\n".join([*lines, "", _summary(results), CLOSING])


def _rows(result: Examined) -> list[str]:
    state = result.finding.state
    mark = state.value.upper() if state in _LOUD else state.value
    rows = _wrapped(f"  {mark:7s} {result.check.name:22s} ", result.finding.found)
    if state in _LOUD:
        rows += _wrapped(" " * 10 + "why: ", result.check.why)
    if result.finding.fix:
        rows.append(" " * 10 + "fix: " + result.finding.fix)  # in one piece, to be copied
    return rows


def _wrapped(head: str, text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head)) or [head]


def counts(results: Sequence[Examined]) -> dict[str, int]:
    """How many checks ended in each state."""
    found = Counter(result.finding.state.value for result in results)
    return {state.value: found[state.value] for state in State}


def _summary(results: Sequence[Examined]) -> str:
    found = counts(results)
    told = f"{len(results)} checks: " + ", ".join(f"{number} {state}" for state, number in found.items())
    aside = sum(result.finding.found == NOT_LOOKED_AT for result in results)
    return told + (f" ({aside} of them matter on a robot only: takt doctor --robot)" if aside else "")


def as_json(results: Sequence[Examined], profile: str) -> dict[str, Any]:
    """Everything, as plain data."""
    return {
        "profile": profile,
        "ok": exit_status(results) == 0,
        "counts": counts(results),
        "claim": CLOSING,
        "checks": [
            {
                "name": result.check.name,
                "theme": result.check.theme,
                "state": result.finding.state.value,
                "found": result.finding.found,
                "why": result.check.why,
                "fix": result.finding.fix,
            }
            for result in results
        ],
    }
