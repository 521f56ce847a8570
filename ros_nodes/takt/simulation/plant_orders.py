"""Faults that a running plant is told to show: one JSON object a datagram.

{"fault": "e_stop", "seconds": 1.0}   {"fault": "motor_weak_left", "seconds": 2.0, "strength": 0.8}
"""

from __future__ import annotations

import contextlib
import json
import socket
import sys
from pathlib import Path

from takt.errors import TaktError
from takt.simulation.plant_faults import NAMES, Fault, PlantFaults

_MOST_BYTES = 512


class PlantOrders:
    """Listens at ``path``; a socket that an earlier run left there is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind(str(path))
        except OSError as error:
            raise TaktError(
                f"no orders can be taken at {path} ({error})", "name a socket in a folder"
            ) from None

    def give(self, faults: PlantFaults, motion_s: float) -> None:
        """Add what has come, beginning now; an order that means nothing is told on stderr. Never waits."""
        with contextlib.suppress(BlockingIOError):
            data = self._socket.recv(_MOST_BYTES)
            try:
                faults.add(parse(data, motion_s))
            except TaktError as error:
                print(error, file=sys.stderr, flush=True)

    def close(self) -> None:
        self._socket.close()
        self._path.unlink(missing_ok=True)


def parse(data: bytes, motion_s: float) -> Fault:
    """The fault of one order, by the plant's clock. Raises TaktError."""
    try:
        order = json.loads(data)
        name, seconds, strength = (
            str(order["fault"]),
            float(order["seconds"]),
            float(order.get("strength", 0.5)),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TaktError(
            f"an order to the plant is not understood ({error!r})", "give fault and seconds"
        ) from None
    if name not in NAMES or not 0.0 <= strength <= 1.0 or not seconds > 0.0:
        raise TaktError(f"the plant knows no order {order}", f"fault is one of {', '.join(NAMES)}")
    return Fault(name, motion_s, motion_s + seconds, strength)
