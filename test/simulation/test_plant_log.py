"""The log gives back what was put in, whole records only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from takt.errors import TaktError
from takt.simulation import plant_log
from takt.simulation.plant_log import PlantLog
from takt.simulation.plant_record import RECORD


def write(path: Path, count: int) -> np.ndarray:
    rng = np.random.default_rng(count)
    records = np.frombuffer(rng.bytes(count * RECORD.itemsize), RECORD).copy()
    for field in ("driver_enabled", "armed", "in_collision", "target_in_motion"):
        records[field] = rng.random(count) < 0.5
    log = PlantLog(path, seed=11)
    for index in range(count):
        log.append(records[index : index + 1])
    log.close()
    return records


@pytest.mark.parametrize("count", [0, 1, 250, 777])
def test_round_trip(tmp_path: Path, count: int) -> None:
    records = write(tmp_path / "plant.log", count)
    assert plant_log.records_of(tmp_path / "plant.log").tobytes() == records.tobytes()
    fields = plant_log.read(tmp_path / "plant.log")
    assert fields["duty"].shape == (count, 2) and fields["qpos"].shape == (count, 9)
    assert {
        "stamp_ns",
        "robot_x_m",
        "wheel_speed_rad_s",
        "driver_enabled",
        "rung",
        "duty_age_ms",
    } <= fields.keys()
    assert plant_log.seed_of(tmp_path / "plant.log") == 11


def test_record_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    records = write(tmp_path / "plant.log", 10)
    raw = (tmp_path / "plant.log").read_bytes()
    (tmp_path / "plant.log").write_bytes(raw[:-5])
    assert plant_log.records_of(tmp_path / "plant.log").tobytes() == records[:9].tobytes()


def test_missing_foreign_and_unwritable_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="cannot be read"):
        plant_log.read(tmp_path / "none.log")
    (tmp_path / "other.log").write_bytes(b"something else entirely, and long enough")
    with pytest.raises(TaktError, match="of this version"):
        plant_log.read(tmp_path / "other.log")
    with pytest.raises(TaktError, match="cannot be written"):
        PlantLog(tmp_path / "no" / "such" / "plant.log", seed=1)
