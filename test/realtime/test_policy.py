"""The real-time policy: granted or refused, it never stops the program; run in processes of its own."""

import os
import subprocess
import sys

import pytest

from takt.realtime import apply_policy

ASK = "import os\nfrom takt.realtime import apply_policy\ng = apply_policy(10)\nprint(g.fifo_priority, os.sched_getscheduler(0) == os.SCHED_FIFO, len(g.warnings))"
DROP = "import resource, ctypes\nresource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))\nresource.setrlimit(resource.RLIMIT_MEMLOCK, (0, 0))\nctypes.CDLL(None).setgroups(0, None)\nimport os\nos.setgid(65534)\nos.setuid(65534)\n"


def answer(script):
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_it_says_is_what_the_kernel_says():
    priority, is_fifo, _ = answer(ASK)
    assert (int(priority) == 10) == (is_fifo == "True")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to give up its rights")
def test_a_refusal_is_a_warning_with_its_fix():
    script = (
        "from takt.realtime import apply_policy\n"
        + DROP
        + "g = apply_policy(10)\nprint(g.fifo_priority, g.memory_locked, *g.warnings)"
    )
    words = answer(script)
    assert words[:2] == ["0", "False"]
    assert words.count("Fix:") == 2


@pytest.mark.parametrize("priority", [-1, 100])
def test_a_priority_out_of_range_is_refused(priority):
    with pytest.raises(ValueError, match="priority"):
        apply_policy(priority)
