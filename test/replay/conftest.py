from __future__ import annotations

from pathlib import Path

import pytest

from takt.twin.episode import Episode, FaultPlan
from takt.twin.flight_recorder import FlightRecorder
from takt.twin.run import Result, run

DAY = Episode("day", seed=4, seconds=20.0, faults=(FaultPlan("planner_kill", 4.0, 1.0),))


@pytest.fixture(scope="session")
def recorded(library, shipped_contract, tmp_path_factory) -> tuple[Path, Result]:
    """A day in which the planner is killed once, as a recording."""
    path = tmp_path_factory.mktemp("replay") / "day.mcap"
    recorder = FlightRecorder(path, shipped_contract)
    result = run(library, shipped_contract, DAY, watcher=recorder.see)
    recorder.finish(result)
    return path, result
