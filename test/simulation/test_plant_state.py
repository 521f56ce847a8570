"""Shared memory: the newest state or none, never half of two."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import numpy as np
import pytest

from takt.errors import TaktError
from takt.simulation.plant_record import RECORD
from takt.simulation.plant_state import SLOTS, PlantState, wait_for

NAME = f"takt_test_state_{os.getpid()}"
FIELDS = ("stamp_ns", "plant_ns", "robot_x_m", "target_y_m")


def put(writer: PlantState, value: int) -> None:
    record = writer.next_record()
    for field in FIELDS:
        record[field] = value
    record["qpos"] = value
    writer.publish()


def value_of(record: np.ndarray) -> int:
    """The one value that every field has; fails when they differ."""
    values = {float(record[field][0]) for field in FIELDS} | set(record["qpos"][0].tolist())
    assert len(values) == 1, f"torn: {values}"
    return int(values.pop())


@pytest.fixture
def writer() -> Iterator[PlantState]:
    state = PlantState.create(NAME, seed=42)
    yield state
    state.close()


def test_reader_finds_seed_and_newest_state(writer: PlantState) -> None:
    reader, out = PlantState.attach(NAME), np.zeros(1, RECORD)
    assert reader.seed == 42
    assert not reader.read(out)
    for value in range(1, 3 * SLOTS):
        put(writer, value)
        assert reader.read(out) and value_of(out) == value


def test_unfinished_state_is_not_seen(writer: PlantState) -> None:
    reader, out = PlantState.attach(NAME), np.zeros(1, RECORD)
    put(writer, 1)
    writer.next_record()["stamp_ns"] = 99
    assert reader.read(out) and value_of(out) == 1


def test_reader_that_is_overtaken_while_it_copies_takes_the_newer_state(writer: PlantState) -> None:
    """The writer laps a whole round between a reader's look at the number and its copy."""
    reader, out = PlantState.attach(NAME), np.zeros(1, RECORD)
    put(writer, 1)
    plain = reader._records

    class Overtaken(list):  # type: ignore[type-arg]
        laps = 0

        def __getitem__(self, slot: int) -> np.ndarray:  # type: ignore[override]
            if self.laps == 0:
                self.laps = 1
                half = plain[slot].copy()
                for value in range(2, SLOTS + 2):
                    put(writer, value)
                half["stamp_ns"] = plain[slot]["stamp_ns"]
                return half
            return plain[slot]

    reader._records = Overtaken(plain)
    assert reader.read(out) and value_of(out) == SLOTS + 1


def test_no_read_is_torn_while_the_writer_runs_as_fast_as_it_can(writer: PlantState) -> None:
    reader, out = PlantState.attach(NAME), np.zeros(1, RECORD)
    put(writer, 1)
    stop = threading.Event()

    def write() -> None:
        value = 1
        while not stop.is_set():
            value += 1
            put(writer, value)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        seen = []
        for _ in range(3000):
            assert reader.read(out)
            seen.append(value_of(out))
    finally:
        stop.set()
        thread.join()
    assert seen == sorted(seen)


def test_a_new_plant_replaces_what_an_earlier_one_left(writer: PlantState) -> None:
    old = PlantState.attach(NAME)
    put(writer, 5)
    newer = PlantState.create(NAME, seed=7)
    out = np.zeros(1, RECORD)
    assert PlantState.attach(NAME).seed == 7
    assert not PlantState.attach(NAME).read(out)
    assert old.read(out) and value_of(out) == 5
    newer.close()


def test_absent_state_and_bad_names_are_told_in_a_line(writer: PlantState) -> None:
    writer.close()
    with pytest.raises(TaktError, match="no plant state"):
        wait_for(NAME, timeout_s=0.05)
    with pytest.raises(TaktError, match="no name for a plant state"):
        PlantState.attach("../etc/passwd")
    foreign = f"/dev/shm/{NAME}_foreign"
    with open(foreign, "wb") as file:
        file.write(b"x" * 65536)
    try:
        with pytest.raises(TaktError, match="of this version"):
            PlantState.attach(f"{NAME}_foreign")
    finally:
        os.unlink(foreign)
