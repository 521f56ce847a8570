"""The simulated camera: pictures of the plant's newest state, stamped with that state's time."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

import takt.contract
from takt.errors import TaktError
from takt.simulation.camera import MujocoCamera
from takt.simulation.plant import Plant
from takt.simulation.plant_protocol import DutyFrame
from takt.simulation.plant_state import PlantState
from takt.simulation.scenario import Scenario

CONTRACT = takt.contract.load()
NAME = f"takt_test_camera_{os.getpid()}"


@pytest.fixture
def state() -> Iterator[PlantState]:
    created = PlantState.create(NAME, seed=2)
    yield created
    created.close()


def publish(state: PlantState, plant: Plant, stamp_ns: int) -> None:
    plant.write_record(state.next_record(), stamp_ns)
    state.publish()


def picture(camera: MujocoCamera) -> tuple[int, np.ndarray]:
    pixels = np.empty((camera.height, camera.width, 3), np.uint8)
    return camera.read_into(pixels), pixels


def test_stamp_is_that_of_the_state_shown_and_the_fault_turns_pictures_black(state: PlantState) -> None:
    plant = Plant(Scenario.from_seed(2, CONTRACT), CONTRACT)
    publish(state, plant, 1_000)
    camera = MujocoCamera(NAME, CONTRACT, blank_after_s=0.5)
    try:
        stamp_ns, still = picture(camera)
        assert stamp_ns == 1_000 and still.std() > 10.0
        assert np.array_equal(picture(camera)[1], still)
        plant.receive(DutyFrame(True, True, 0, 0, 0, (0.3, 0.6), (0.0, 0.0)))
        for _ in range(100):
            plant.advance()
        publish(state, plant, 2_000)
        stamp_ns, moved = picture(camera)
        assert stamp_ns == 2_000 and not np.array_equal(moved, still)
        for _ in range(200):
            plant.advance()
        publish(state, plant, 3_000)
        stamp_ns, black = picture(camera)
        assert stamp_ns == 3_000 and not black.any()
    finally:
        camera.close()


def test_camera_without_a_plant_says_so() -> None:
    with pytest.raises(TaktError, match="no plant state"):
        MujocoCamera(f"{NAME}_none", CONTRACT, wait_s=0.05)


def test_plant_that_never_runs_is_told(state: PlantState) -> None:
    with pytest.raises(TaktError, match="does not run"):
        MujocoCamera(NAME, CONTRACT, wait_s=0.05)
