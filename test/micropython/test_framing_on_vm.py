"""The C framing's own tests, recorded frames of the official peers included, against MicroPython's on a real VM."""

from __future__ import annotations

from test_framing import *  # noqa: F403
