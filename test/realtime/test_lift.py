"""Who may hold the interpreter is given the lowest real-time class, and keeps a higher one."""

import contextlib
import os
import sys
import threading

import pytest

from takt.realtime.policy import lift_other_threads


def may_fifo():
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        return True
    except PermissionError:
        return False


@pytest.mark.skipif(not may_fifo(), reason="SCHED_FIFO is not granted here")
def test_a_thread_of_the_normal_class_is_lifted_and_a_stage_is_left_where_it_is():
    switch_s, go, ready = sys.getswitchinterval(), threading.Event(), threading.Barrier(3)
    ids = {}
    os.sched_setscheduler(
        0, os.SCHED_OTHER, os.sched_param(0)
    )  # threads begin in the class of who makes them

    def stand(name, priority):
        if priority:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
        ids[name] = threading.get_native_id()
        ready.wait()
        go.wait()

    threads = [threading.Thread(target=stand, args=row) for row in (("soft", 0), ("stage", 3))]
    try:
        for thread in threads:
            thread.start()
        ready.wait()
        assert lift_other_threads() >= 2  # this one and the soft one
        assert os.sched_getparam(ids["soft"]).sched_priority == 1
        assert os.sched_getparam(ids["stage"]).sched_priority == 3
    finally:
        go.set()
        for thread in threads:
            thread.join()
        for one in map(int, os.listdir("/proc/self/task")):
            with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
                os.sched_setscheduler(one, os.SCHED_OTHER, os.sched_param(0))
        sys.setswitchinterval(switch_s)
