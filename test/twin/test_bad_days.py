"""Every day that once broke an invariant is lived again: what chaos found stays mended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from takt.twin.episode import Episode, FaultPlan, LineQuality
from takt.twin.run import run

DAYS = yaml.safe_load(Path(__file__).with_name("bad_days.yaml").read_text())


@pytest.mark.parametrize("day", DAYS, ids=lambda day: str(day["seed"]))
def test_a_bad_day_is_a_bad_day_no_more(library, shipped_contract, day: dict[str, Any]):
    episode = Episode(
        name="chaos",
        seed=day["seed"],
        seconds=20.0,
        arena_seed=day["arena_seed"],
        board_drift_ppm=day["board_drift_ppm"],
        line=LineQuality(**day["line"]),
        faults=tuple(FaultPlan(**fault) for fault in day["faults"]),
    )
    result = run(library, shipped_contract, episode)
    assert result.violations == [], day["found"]
    assert sum(result.felt.values()) >= 1
