"""A twin's day lived again from its recording, cycle by cycle: the whole robot, the firmware included."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.errors import TaktError
from takt.replay.difference import Comparison, Difference
from takt.twin.episode import SECOND, Arena, Episode, FaultPlan, LineQuality, Sight
from takt.twin.run import run
from takt.twin.world import table


def episode_values(episode: Episode) -> dict[str, Any]:
    """Plain values from which :func:`episode_of` makes the same episode."""
    return asdict(episode)


def episode_of(values: Mapping[str, Any]) -> Episode:
    """Raises TaktError where the values are of another version of the twin."""
    try:
        parts = {
            "arena": Arena(**values["arena"]),
            "sight": Sight(**values["sight"]),
            "line": LineQuality(**values["line"]),
            "faults": tuple(FaultPlan(**fault) for fault in values["faults"]),
        }
        return Episode(**{**values, **parts})
    except (KeyError, TypeError) as error:
        raise TaktError(
            f"the recording's episode does not fit this twin ({error})", "record it anew"
        ) from None


def live_again(library: Path, contract: Contract, episode: Episode, rows: bytes, log_hash: str) -> Comparison:
    """The recorded rows beside those of the same episode with the code and the firmware as they are now."""
    result = run(library, contract, episode)
    comparison = Comparison("twin")
    old, new = table([rows]), table(result.rows)
    for place in range(min(len(old), len(new))):
        if old[place] == new[place]:
            comparison.ticks += 1
        else:
            comparison.take(_differences(old[place], new[place], comparison))
    if len(old) != len(new):
        end_s = float(max(old["time_ns"].max(initial=0), new["time_ns"].max(initial=0))) / SECOND
        comparison.take([Difference(end_s, "control cycles", str(len(old)), str(len(new)))])
    elif comparison.agrees and result.log_hash != log_hash:
        comparison.take([Difference(0.0, "log hash", log_hash[:12], result.log_hash[:12])])
    return comparison


def _differences(old: Any, new: Any, comparison: Comparison) -> list[Difference]:
    at_s, found = float(old["time_ns"]) / SECOND, []
    for name in old.dtype.names:
        before, after = np.atleast_1d(old[name]), np.atleast_1d(new[name])
        if not np.array_equal(before, after):
            comparison.widen(name, float(np.max(np.abs(_numbers(after) - _numbers(before)))))
            found.append(Difference(at_s, name, _text(before), _text(after)))
    return found


def _numbers(values: NDArray[Any]) -> NDArray[np.float64]:
    return np.asarray(values, np.float64)


def _text(values: NDArray[Any]) -> str:
    return ", ".join(f"{value:.9g}" for value in values.tolist())
