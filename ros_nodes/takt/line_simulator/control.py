"""The control socket of a running line: one JSON object a datagram, one answered.

    {"cut": true}  {"mend": true}  {"cut_in_frame": ["b_to_a", 20]}
    {"noise_s": 10, "seed": 3, "directions": ["a_to_b"]}
    {"unplug": "a"}  {"plug": "a"}  {"rates": {"drop": 0.01}}  {"delay_ms": ["a_to_b", 50]}  {"baud": 115200}
    {"status": true}

The answer holds the counters of both directions, or ``error`` with cause and fix.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.line_simulator.line import DIRECTIONS, LineSimulator

_ANSWER_BYTES = 65536


def obey(line: LineSimulator, order: dict[str, Any]) -> None:
    """Do what one order says. Raises TaktError for one that means nothing."""
    acts: dict[str, Callable[[Any], None]] = {
        "cut": lambda value: line.cut(),
        "mend": lambda value: line.mend(),
        "cut_in_frame": lambda value: line.cut_in_frame(_direction(value[0]), int(value[1])),
        "noise_s": lambda value: line.noise(
            int(order.get("seed", 1)),
            float(value),
            tuple(map(_direction, order.get("directions", DIRECTIONS))),
        ),
        "unplug": line.unplug,
        "plug": line.plug,
        "rates": line.set_rates,
        "baud": lambda value: line.set_baud(int(value)),
        "delay_ms": lambda value: line.set_delay(_direction(value[0]), float(value[1])),
        "status": lambda value: None,
        "seed": lambda value: None,
        "directions": lambda value: None,
    }
    for name, value in order.items():
        if name not in acts:
            raise TaktError(f"a line knows no order {name!r}", f"one of: {', '.join(acts)}")
        try:
            acts[name](value)
        except (TypeError, ValueError, IndexError, KeyError) as error:
            raise TaktError(f"{name}: {value!r} ({error})", "see `takt line --help`") from None


def _direction(name: object) -> str:
    if name not in DIRECTIONS:
        raise TaktError(f"no direction {name!r}", f"one of: {', '.join(DIRECTIONS)}")
    return str(name)


class ControlServer:
    """Listens at ``path`` (replaced if it is a dead socket); :meth:`serve` answers what waits."""

    def __init__(self, line: LineSimulator, path: Path) -> None:
        self._line, self._path = line, path
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)

    def serve(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                data, sender = self._socket.recvfrom(_ANSWER_BYTES)
                answer = self._answer(data)
                if sender:
                    with contextlib.suppress(OSError):  # it did not wait
                        self._socket.sendto(json.dumps(answer).encode(), sender)

    def _answer(self, data: bytes) -> dict[str, Any]:
        try:
            order = json.loads(data)
            if not isinstance(order, dict):
                raise TaktError("an order is a JSON object", "see `takt line --help`")
            obey(self._line, order)
        except (TaktError, ValueError) as error:
            return {"error": str(error)}
        return self._line.status()

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def send_order(path: Path, order: dict[str, Any], timeout_s: float = 2.0) -> dict[str, Any]:
    """Give a running line one order and return its answer. Raises TaktError if none comes or it refuses."""
    with tempfile.TemporaryDirectory() as folder, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
        own.bind(os.path.join(folder, "answer"))
        own.settimeout(timeout_s)
        try:
            own.sendto(json.dumps(order).encode(), str(path))
            answer: dict[str, Any] = json.loads(own.recv(_ANSWER_BYTES))
        except OSError as error:
            raise TaktError(
                f"no line answers at {path} ({error})", "start `takt line --control PATH`"
            ) from None
    if "error" in answer:
        raise TaktError(answer["error"], "see `takt line --help`")
    return answer
