"""Lets the tests of this folder import constant_model.py, and keeps their process alive.

A node ends its process where its work fails or hangs. Here the node's threads run in the process of the tests: what
ends a node is a failed test, and a machine that stands still for a second is no model that hangs.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from takt.vision import perception

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(autouse=True)
def failed_work_is_a_failed_test(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def ended(_number: int, _frame: object) -> None:
        raise AssertionError("a worker's work failed, its traceback is on stderr")

    monkeypatch.setattr(perception, "_HOPELESS_S", 300.0)
    former = signal.signal(signal.SIGTERM, ended)
    yield
    signal.signal(signal.SIGTERM, former)
