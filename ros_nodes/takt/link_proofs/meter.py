"""The link meter: the board's client with numbered samples, as a shared library (firmware/link_meter)."""

from __future__ import annotations

import ctypes
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.resources import path as resource_path

CONNECTED = 3
_TAKE_BYTES = 16384
TOPICS = ("ping_best_effort", "pong_best_effort", "ping_reliable", "pong_reliable")


class Count(ctypes.Structure):
    """takt_meter_count_t: samples of one kind of stream."""

    _fields_ = [(name, ctypes.c_uint64) for name in ("published", "refused", "heard", "wrong", "next")]


class View(ctypes.Structure):
    """takt_meter_view_t."""

    _fields_ = [
        ("counts", Count * 2),  # best effort, reliable
        ("clock_ros_ns", ctypes.c_int64),
        ("clock_bound_ns", ctypes.c_uint64),
        ("clock_epoch", ctypes.c_uint32),
        ("clock_locked", ctypes.c_uint32),
        ("state", ctypes.c_uint32),
        ("reconnects", ctypes.c_uint32),
        ("retransmits", ctypes.c_uint32),
        ("unconfirmed", ctypes.c_uint32),
    ]


class Plan(ctypes.Structure):
    """takt_meter_plan_t: what :meth:`Meter.loop` is to do."""

    _fields_ = [
        ("fd", ctypes.c_int),
        ("reliable", ctypes.c_uint32),
        ("count", ctypes.c_uint32),
        ("size", ctypes.c_uint32),
        ("window", ctypes.c_uint32),
        ("period_ns", ctypes.c_uint64),
        ("limit_ns", ctypes.c_uint64),
        ("drift_ppb", ctypes.c_int64),
        ("clock_from_ns", ctypes.c_uint64),
    ]


class Result(ctypes.Structure):
    """takt_meter_result_t."""

    _fields_ = [
        ("round_trips", ctypes.c_size_t),
        ("clocks", ctypes.c_size_t),
        ("elapsed_ns", ctypes.c_uint64),
        ("backward_steps", ctypes.c_uint64),
        ("first_pong_ns", ctypes.c_uint64),
    ]


class Run:
    """What a loop measured: round trips (us, float32), clock errors and bounds (ns, int64), seconds it took."""

    def __init__(self, result: Result, trips: NDArray[np.float32], clocks: NDArray[np.int64]) -> None:
        self.round_trips_us = trips[: result.round_trips].copy()
        self.clock_errors_ns = clocks[: result.clocks, 0].copy()
        self.clock_bounds_ns = clocks[: result.clocks, 1].copy()
        self.seconds = result.elapsed_ns / 1e9
        self.backward_steps = int(result.backward_steps)
        self.first_pong_s = result.first_pong_ns / 1e9 if result.first_pong_ns else None


class Meter:
    """One client. By hand in any time (:meth:`receive`, :meth:`run`, :meth:`take`) or in real time (:meth:`loop`)."""

    def __init__(
        self, *, key: int = 0x4D455445, domain: int = 255, now_ns: int = 0, any_order: bool = False
    ) -> None:
        self._library = load()
        self._memory = ctypes.create_string_buffer(self._library.takt_meter_size())
        self._library.takt_meter_init(self._memory, key, domain, ctypes.c_uint64(now_ns))
        if any_order:
            self._library.takt_meter_allow_gaps(self._memory)
        self._out = ctypes.create_string_buffer(_TAKE_BYTES)
        self._view = View()

    def receive(self, data: bytes, now_ns: int) -> None:
        self._library.takt_meter_receive(self._memory, data, len(data), now_ns)

    def run(self, now_ns: int) -> None:
        self._library.takt_meter_run(self._memory, now_ns)

    def take(self) -> bytes:
        """The bytes for the line."""
        count = self._library.takt_meter_take(self._memory, self._out, _TAKE_BYTES)
        return self._out.raw[:count] if count else b""

    def publish(self, reliable: bool, count: int, size: int, now_ns: int) -> int:
        """Publish up to ``count`` numbered samples; returns how many were taken."""
        return int(self._library.takt_meter_publish(self._memory, reliable, count, size, now_ns))

    def view(self, now_ns: int) -> View:
        """Counters and clock; the same object each time."""
        self._library.takt_meter_read(self._memory, now_ns, ctypes.byref(self._view))
        return self._view

    def loop(
        self,
        fd: int,
        *,
        seconds: float,
        count: int = 0,
        hz: float = 0.0,
        reliable: bool = False,
        size: int = 64,
        window: int = 0,
        drift_ppm: float = 0.0,
        clock_from_s: float = 0.0,
    ) -> Run:
        """Publish ``count`` pings at ``hz`` (0: as fast as the stream takes them) and take all that comes, in C.

        ``window``: pings that may be without their pong, 0 for any number.
        """
        period_ns = int(1e9 / hz) if hz else 0
        times = (period_ns, int(seconds * 1e9), int(drift_ppm * 1e3), int(clock_from_s * 1e9))
        plan = Plan(fd, int(reliable), count, size, window, *times)
        trips = np.zeros(max(count, 1), np.float32)
        clocks = np.zeros((max(count, 1), 2), np.int64)
        result = Result()
        self._library.takt_meter_loop(
            self._memory,
            ctypes.byref(plan),
            trips.ctypes.data,
            len(trips),
            clocks.ctypes.data,
            len(clocks),
            ctypes.byref(result),
        )
        return Run(result, trips, clocks)


def now_ns(drift_ppm: float = 0.0) -> int:
    """The meter's board clock."""
    return int(load().takt_meter_now_ns(int(drift_ppm * 1e3)))


_U64, _SIZE, _P = ctypes.c_uint64, ctypes.c_size_t, ctypes.c_void_p
_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "takt_meter_size": (_SIZE, ()),
    "takt_meter_view_size": (_SIZE, ()),
    "takt_meter_init": (None, (_P, ctypes.c_uint32, ctypes.c_uint16, _U64)),
    "takt_meter_allow_gaps": (None, (_P,)),
    "takt_meter_receive": (None, (_P, ctypes.c_char_p, _SIZE, _U64)),
    "takt_meter_run": (None, (_P, _U64)),
    "takt_meter_take": (_SIZE, (_P, _P, _SIZE)),
    "takt_meter_publish": (ctypes.c_uint32, (_P, ctypes.c_bool, ctypes.c_uint32, _SIZE, _U64)),
    "takt_meter_read": (None, (_P, _U64, _P)),
    "takt_meter_now_ns": (_U64, (ctypes.c_int64,)),
    "takt_meter_loop": (None, (_P, _P, _P, _SIZE, _P, _SIZE, _P)),
}
_loaded: dict[Path, ctypes.CDLL] = {}


def load(path: Path | None = None) -> ctypes.CDLL:
    """The library, from build/firmware unless told. Raises TaktError if it is missing or of other sources."""
    path = path or resource_path("package.xml").parent / "build/firmware/libtakt_meter.so"
    if path in _loaded:
        return _loaded[path]
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise TaktError(f"the link meter cannot be used: {error}", "./run firmware") from error
    if library.takt_meter_view_size() != ctypes.sizeof(View):
        raise TaktError(f"{path} was built from other sources than this package", "./run firmware")
    _loaded[path] = library
    return library
