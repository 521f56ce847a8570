"""The shipped control tick over arrays of recorded cycles: `Replay`. Layouts mirror firmware/replay/replay.h."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError

RESET, WATCHDOG, LOCKED, AGENT_HEARD = 0x01, 0x02, 0x04, 0x08
SAMPLE, E_STOP, MOTOR_FAULT, MISS_LIMIT = 0x10, 0x20, 0x40, 0x80
DISARM, CLEAR_FAULT, ARM = 0, 1, 2  # places in `requests`

CYCLE = np.dtype(
    [
        ("now_ns", "<u8"),
        ("ros_now_ns", "<i8"),
        ("ros_bound_ns", "<u8"),
        ("stamp_ns", "<i8"),
        ("received_ns", "<u8"),
        ("agent_heard_ns", "<u8"),
        ("sample_ns", "<u8"),
        ("counts", "<i4", (2,)),
        ("command_sequence", "<u4"),
        ("sample_sequence", "<u4"),
        ("requests", "<u4", (3,)),
        ("dt_s", "<f4"),
        ("speed_m_s", "<f4"),
        ("yaw_rate_rad_s", "<f4"),
        ("supply_mv", "<u2"),
        ("flags", "<u2"),
        ("reserved", "<u4"),
    ]
)
RESULT = np.dtype(
    [
        ("applied_stamp_ns", "<i8"),
        ("duty", "<f4", (2,)),
        ("setpoint_rad_s", "<f4", (2,)),
        ("refused", "<u4", (8,)),
        ("conditions", "<u4"),
        ("rung", "u1"),
        ("cause", "u1"),
        ("fault", "u1"),
        ("hold_reason", "u1"),
        ("armed", "?"),
        ("driver_enabled", "?"),
        ("applied_present", "?"),
        ("applied_disarmed", "?"),
        ("applied_verdict", "u1"),
        ("encoder_fault", "u1", (2,)),
        ("reserved", "u1"),
    ]
)
assert (CYCLE.itemsize, RESULT.itemsize) == (104, 72)


class Replay:
    """One controller. Raises TaktError when the library is missing or of other sources."""

    def __init__(self, library_path: Path | str) -> None:
        try:
            self._library = ctypes.CDLL(str(Path(library_path).resolve()))
            self._init, self._run = self._library.takt_replay_init, self._library.takt_replay_run
            size = int(self._library.takt_replay_size())
        except (OSError, AttributeError) as error:
            raise TaktError(
                f"the firmware's core library cannot be used: {error}",
                "build it with: cmake -S firmware -B build/firmware && cmake --build build/firmware",
            ) from error
        self._init.argtypes, self._init.restype = (ctypes.c_void_p,), None
        self._run.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p)
        self._run.restype = None
        self._state = ctypes.create_string_buffer(size)
        self._init(self._state)

    def run(self, cycles: NDArray[np.void]) -> NDArray[np.void]:
        """CYCLE records (n,) in, RESULT records (n,) out; the controller goes on from where it was."""
        given = np.ascontiguousarray(cycles, CYCLE).reshape(-1)
        results = np.zeros(len(given), RESULT)
        self._run(self._state, given.ctypes.data, len(given), results.ctypes.data)
        return results
