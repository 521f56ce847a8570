"""The bystander writes down how late it woke; whoever asks for a window hears of what came near it."""

import pytest

from takt.frames.journal import Journal
from takt.realtime import machine
from takt.realtime.bystander import PERIOD_NS, Bystander
from takt.realtime.machine import MachineView

MS = 1_000_000


class World:
    """A clock that goes on by what is slept, and by what is taken from the bystander."""

    def __init__(self):
        self.now_ns = 5 * MS
        self.taken_ns = 0
        self.waited_ns = 0

    def sleep(self, seconds):
        self.now_ns += round(seconds * 1e9) + self.taken_ns
        self.taken_ns = 0


@pytest.fixture
def world(tmp_path, monkeypatch):
    monkeypatch.setattr("takt.frames.segment.SHM", tmp_path)
    return World()


def bystander(world, fifo=True, counters=lambda: (0, 0, 0)):
    stalls = Journal.create("robot.stalls", machine.STALL_WIDTH, machine.STALL_ROWS)
    samples = Journal.create("robot.samples", machine.SAMPLE_WIDTH, machine.SAMPLE_ROWS)
    return Bystander(stalls, samples, counters, fifo, lambda: world.now_ns, world.sleep)


def test_a_stall_is_found_by_the_windows_that_it_touched_and_by_no_other(world):
    one = bystander(world)
    for taken_ms in (0, 0, 37, 0):
        world.taken_ns = taken_ms * MS
        one.turn()
    view = MachineView("robot")
    assert Journal.attach("robot.stalls").since(0) == [(67 * MS, 37 * MS)]
    assert view.longest_stall_ns(40 * MS, 50 * MS) == 37 * MS
    assert view.longest_stall_ns(87 * MS, 90 * MS) == 37 * MS  # within 20 ms of it
    assert view.longest_stall_ns(88 * MS, 90 * MS) == 0
    assert view.longest_stall_ns(1 * MS, 9 * MS) == 0


def test_the_grid_is_kept_after_a_stall(world):
    one = bystander(world)
    world.taken_ns = 37 * MS
    one.turn()
    one.turn()
    assert world.now_ns == 50 * MS
    assert world.now_ns % PERIOD_NS == 0


def test_without_fifo_what_other_programs_took_is_no_stall(world):
    one = bystander(world, fifo=False)
    world.taken_ns = 30 * MS
    waits = iter((0, 30 * MS))
    one.turn(lambda: next(waits))
    assert Journal.attach("robot.stalls").since(0) == []


def test_counters_are_told_as_what_they_grew_by_in_the_window(world):
    stolen = iter(range(0, 1000 * MS, 4 * MS))
    one = bystander(world, counters=lambda: (next(stolen), 0, 7))
    for _ in range(20):  # a sample every fifth turn: at 50, 100, 150, 200 ms
        one.turn()
    evidence = MachineView("robot").between(110 * MS, 140 * MS)
    assert evidence == {"host_stall_ms": 0.0, "steal_ms": 4.0}


def test_without_a_bystander_there_is_nothing_to_tell(world):
    assert MachineView("robot").between(1, 2) == {"host_stall_ms": 0.0}


def test_a_new_bystander_is_found(world):
    first = bystander(world)
    first.turn()
    view = MachineView("robot")
    assert view.longest_stall_ns(0, 10 * MS) == 0
    for path in machine_files():
        path.unlink()
    again = bystander(world)
    world.taken_ns = 9 * MS
    again.turn()
    woke_ns = world.now_ns
    assert (
        view.longest_stall_ns(woke_ns + 2_000 * MS, woke_ns + 2_000 * MS) == 0
    )  # looks for its journals anew
    assert view.longest_stall_ns(woke_ns, woke_ns) == 9 * MS


def machine_files():
    from takt.frames import segment

    return [segment.SHM / "robot.stalls", segment.SHM / "robot.samples"]


def test_the_kernels_counters_are_numbers_that_do_not_fall():
    counters = machine.MachineCounters()
    first, second = counters.read(), counters.read()
    assert all(0 <= a <= b for a, b in zip(first, second, strict=True))
