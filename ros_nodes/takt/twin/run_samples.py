"""What is compared between a run in real time and the same run in the twin, read from either."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.contract import Contract
from takt.contract.generated.messages import TimeReference
from takt.deadlines import Rung
from takt.errors import TaktError
from takt.link.ros_port import ENCAPSULATION
from takt.report.run_folder import read_run
from takt.report.run_record import RungStep
from takt.simulation import plant_log
from takt.twin.body import BoardTraits
from takt.twin.episode import MS, SECOND, Episode
from takt.twin.run import Result, run
from takt.twin.world import World, table

_PROCESS_START_NS = 150 * MS  # measured: from a reset of the posix port's process to its first control cycle
_PROCESS_WATCHDOG_NS = 150 * MS  # DEFAULT_WATCHDOG_MS of the posix port
_FROM_S = 5.0  # the robot may find its distance first
_EVERY_S = 0.1


@dataclass(frozen=True)
class RunSamples:
    """``error_m``: distance to the target less the one wanted, ten a second. ``age_ms``: photon to motor, one for each
    observation that was applied. ``down_ms``: from the first fault until the board left NOMINAL; ``recovery_s``: from
    the last fault's beginning until board and host stood on NOMINAL for good. None where there is none.
    """

    scenario: str
    seed: int
    error_m: NDArray[np.float64]
    age_ms: NDArray[np.float64]
    down_ms: float | None
    recovery_s: float | None


def of_twin(library: Path, contract: Contract, episode: Episode) -> RunSamples:
    """Live the episode in the twin. Raises TaktError if its robot is never armed."""
    ages = _Ages(contract)
    posix_port = BoardTraits(  # the board of the demo
        _PROCESS_START_NS, contract.safety.miss_limit_posix, _PROCESS_WATCHDOG_NS
    )
    result = run(library, contract, episode, watcher=ages.see, traits=posix_port)
    if not result.mission["armed"]:
        raise TaktError(f"the twin of {episode.name} seed {episode.seed} never arms", "see takt twin")
    rows = _armed(table(result.rows))
    at_s = (rows["time_ns"] - rows["time_ns"][0]) / SECOND
    gap_m = np.hypot(rows["robot_x_m"] - rows["target_x_m"], rows["robot_y_m"] - rows["target_y_m"])
    bad = (rows["rung"] != Rung.NOMINAL) | (rows["host_rung"] != Rung.NOMINAL)
    starts = [fault.at_s for fault in episode.faults]
    return RunSamples(
        episode.name,
        episode.seed,
        _sampled(at_s, gap_m - contract.planning.follow_distance_m, episode.seconds),
        ages.since(_armed_ns(result)),
        _down_ms(at_s, rows["rung"] != Rung.NOMINAL, starts),
        _recovery_s(at_s, bad, starts),
    )


def of_folder(folder: Path, contract: Contract, episode: Episode) -> RunSamples:
    """Read a finished run of the demo. Raises TaktError if it is none, or was never armed."""
    log = plant_log.records_of(folder / "plant.log")
    if not log["armed"].any():
        raise TaktError(f"the robot of {folder} was never armed", "run it again on a quiet machine")
    record = read_run(folder)
    rows = _armed(log)
    begun_ns = int(rows["stamp_ns"][0])
    at_s = (rows["stamp_ns"] - begun_ns) / SECOND
    gap_m = np.hypot(rows["robot_x_m"] - rows["target_x_m"], rows["robot_y_m"] - rows["target_y_m"])
    starts = [(fault.at_ns - begun_ns) / SECOND for fault in record.faults]
    within = at_s <= (record.results.get("ended_ns", log["stamp_ns"][-1]) - begun_ns) / SECOND
    host = _host_bad(record.rungs, rows["stamp_ns"])
    board = rows["rung"] != Rung.NOMINAL
    ages = [ms for stamp, ms in record.photon_to_motor_ms() if stamp >= begun_ns]
    return RunSamples(
        episode.name,
        episode.seed,
        _sampled(at_s[within], gap_m[within] - contract.planning.follow_distance_m, episode.seconds),
        np.array(ages, np.float64),
        _down_ms(at_s[within], board[within], starts),
        _recovery_s(at_s[within], (board | host)[within], starts),
    )


class _Ages:
    """Overhears what the twin's board told of applied commands."""

    def __init__(self, contract: Contract) -> None:
        topic = contract.topics["applied"].ros_name
        self._head = f"publish rt/{topic}".encode()
        self._told: dict[int, tuple[int, float]] = {}
        self._world: World | None = None

    def see(self, world: World, _cycled: bool) -> None:
        if self._world is None:
            self._world, hashed = world, world.messenger.log

            def both(data: bytes) -> None:
                hashed(data)
                self._hear(data)

            world.messenger.log = both

    def _hear(self, data: bytes) -> None:
        if not data.startswith(self._head) or self._world is None:
            return
        told = TimeReference.from_cdr(data[len(self._head) + len(ENCAPSULATION) :])
        stamp_ns = told.time_ref.sec * SECOND + told.time_ref.nanosec
        applied_ns = told.header.stamp.sec * SECOND + told.header.stamp.nanosec
        if told.source == "applied" and stamp_ns not in self._told:
            self._told[stamp_ns] = (self._world.now_ns, (applied_ns - stamp_ns) / MS)

    def since(self, now_ns: int) -> NDArray[np.float64]:
        return np.array([age for at_ns, age in self._told.values() if at_ns >= now_ns], np.float64)


def _armed(rows: NDArray[np.void]) -> Any:
    return rows[int(np.argmax(rows["armed"] > 0)) :]


def _armed_ns(result: Result) -> int:
    return int(_armed(table(result.rows))["time_ns"][0])


def _sampled(at_s: Any, values: Any, seconds: float) -> NDArray[np.float64]:
    """Ten values a second, from the fifth second on."""
    grid = np.arange(_FROM_S, min(seconds, float(at_s[-1])), _EVERY_S)
    return np.asarray(values[np.searchsorted(at_s, grid)], np.float64)


def _down_ms(at_s: Any, bad: Any, starts: Sequence[float]) -> float | None:
    if not starts:
        return None
    after = np.flatnonzero(bad & (at_s >= starts[0]))
    return round((float(at_s[after[0]]) - starts[0]) * 1e3, 1) if len(after) else None


def _recovery_s(at_s: Any, bad: Any, starts: Sequence[float]) -> float | None:
    if not starts:
        return None
    after = np.flatnonzero(bad & (at_s >= starts[-1]))
    if len(after) == 0 or after[-1] + 1 >= len(at_s):
        return None
    return round(float(at_s[after[-1] + 1]) - starts[-1], 3)


def _host_bad(steps: Sequence[RungStep], stamps: Any) -> NDArray[np.bool_]:
    """Whether the host stood below NOMINAL at each stamp; before its first word it did not stand there."""
    told = [step for step in steps if step.computer == "host"]
    if not told:
        return np.zeros(len(stamps), np.bool_)
    bad = np.array([True, *(step.rung != "NOMINAL" for step in told)])
    return np.asarray(bad[np.searchsorted([step.at_ns for step in told], stamps, side="right")])
