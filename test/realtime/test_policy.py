"""The real-time policy: granted or refused, it never stops the program; run in processes of its own."""

import os
import subprocess
import sys

import pytest

from takt.realtime import apply_policy

ASK = """
import os
from takt.realtime import apply_policy
granted = apply_policy(10)
print(granted.fifo_priority, os.sched_getscheduler(0) == os.SCHED_FIFO, len(granted.warnings))
"""
ASK_WITHOUT_RIGHTS = """
from takt.realtime import apply_policy
import os, resource
resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
resource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
granted = apply_policy(10)
print(granted.fifo_priority, granted.memory_locked, *granted.warnings)
"""


def answer(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_it_says_is_what_the_kernel_says():
    priority, is_fifo, _ = answer(ASK)
    assert (int(priority) == 10) == (is_fifo == "True")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give up its rights")
def test_a_refusal_is_a_warning_with_its_fix():
    words = answer(ASK_WITHOUT_RIGHTS)
    assert words[:2] == ["0", "False"]
    assert words.count("Fix:") == 2


@pytest.mark.parametrize("priority", [-1, 100])
def test_a_priority_out_of_range_is_refused(priority):
    with pytest.raises(ValueError, match="priority"):
        apply_policy(priority)
