"""A process that has its slow start behind it and waits: `python -m takt.supervision.spare MODULE PREPARE`.

Interpreter, imports and models are most of a node's start. A spare does them ahead of time, in the idle class where it
may come back from it, and then waits for one line on its standard input: the arguments as JSON. From then on it is that
node. End of file there means that it was never needed.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import sys
from pathlib import Path

_NICE_OF_NORMAL = 20  # RLIMIT_NICE that allows nice 0, and with it the way back from the idle class


def module_of(executable: str) -> str:
    """The module behind a node's console script, by the house's naming: takt_detector is takt.nodes.detector."""
    return f"takt.nodes.{executable.removeprefix('takt_')}"


def main(argv: list[str]) -> int:
    """``argv``: the module, and what its ``prepare`` gets, as JSON. Returns when the node ends, or was never needed."""
    name, parameters = argv
    idle = _may_come_back()
    if idle:
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    module = importlib.import_module(name)
    if hasattr(module, "prepare"):
        module.prepare(json.loads(parameters))
    line = sys.stdin.readline()
    if not line:
        return 0
    if idle:
        _into_normal_class()
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    sys.argv = [name, *json.loads(line)]
    module.main()
    return 0


def _may_come_back() -> bool:
    return os.geteuid() == 0 or resource.getrlimit(resource.RLIMIT_NICE)[0] >= _NICE_OF_NORMAL


def _into_normal_class() -> None:
    """Every thread: libraries made some of their own meanwhile."""
    for thread in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
