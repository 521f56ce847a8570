"""The planner's loop tells work that outlasts its tick as a late wake-up of the tick that it ran over."""

import time

from takt.deadlines import StageClock
from takt.nodes.planner_loop import LOOK_NS, PlannerLoop

MS = 1_000_000


class Told(StageClock):
    """Keeps how late each wake-up was said to be."""

    __slots__ = ("late_ns",)

    def __init__(self):
        super().__init__("plan", 10.0)
        self.late_ns = []

    def wake_late(self, due_ns, woke_ns, facts=None):
        self.late_ns.append(woke_ns - due_ns)


def run(work):
    """Lateness by turn; ``work`` is done in the second turn only."""
    stage, turns = Told(), []

    def listen():
        turns.append(time.monotonic_ns())
        if len(turns) == 2:
            work()

    loop = PlannerLoop("no_such_ring", 20 * MS, lambda seen, new: None, listen=listen, stage=stage)
    loop.start()
    while len(turns) < 4:
        time.sleep(0.001)
    loop.stop()
    return loop, stage


def test_work_of_40_ms_is_a_wake_up_that_came_35_ms_late_though_the_grid_goes_on():
    loop, stage = run(lambda: time.sleep(0.04))
    assert stage.late_ns[2] >= 40 * MS - LOOK_NS
    assert loop.skipped >= 6


def test_lateness_may_be_counted_anew():
    loop, _ = run(lambda: None)
    assert loop.late.count >= 4
    loop.count_anew()
    assert loop.late.count == 0
