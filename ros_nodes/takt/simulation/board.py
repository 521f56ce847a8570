"""The firmware's core as a shared library: a board in this process, on a clock that the caller sets.

It is the C that ships, on its in-memory port (``firmware/twin``). Nothing here reads a clock, starts a thread or opens
a device; equal calls in equal order give equal bits. Any number of boards may live in one process.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path

from takt.errors import TaktError

MISS_CAUSES = ("own_overrun", "late_release", "preempted", "skipped")
RUNGS = ("NOMINAL", "REDUCED", "HOLD", "SAFE")
CAUSES = (
    "none",
    "power_up",
    "disarmed",
    "link_silence",
    "encoder_silence",
    "wheels_turning",
    "e_stop",
    "motor_fault",
    "encoder_fault",
    "brown_out",
    "miss_limit",
    "watchdog_reset",
)
WHEEL_FAULTS = ("ok", "stall", "broken_wire", "wrong_sign", "runaway", "impossible_speed")
VERDICTS = ("applied", "no_command", "nan", "clock", "zero", "future", "stale", "silence")
CLIENT_STATES = ("disconnected", "connecting", "creating", "connected")

_NOMINAL_SUPPLY_MV = 12_000
_TAKE_BYTES = 8192


class _View(ctypes.Structure):
    """takt_twin_view_t in firmware/twin/twin.c."""

    _fields_ = [
        ("position_counts", ctypes.c_int64 * 2),
        ("clock_bound_ns", ctypes.c_uint64),
        ("ros_offset_ns", ctypes.c_int64),
        ("duty", ctypes.c_float * 2),
        ("setpoint_rad_s", ctypes.c_float * 2),
        ("speed_rad_s", ctypes.c_float * 2),
        ("photon_to_motor_p50_us", ctypes.c_float),
        ("photon_to_motor_p99_us", ctypes.c_float),
        ("cycle", ctypes.c_uint32),
        ("cycles", ctypes.c_uint32),
        ("misses", ctypes.c_uint32 * len(MISS_CAUSES)),
        ("window_misses", ctypes.c_uint32),
        ("refused", ctypes.c_uint32 * len(VERDICTS)),
        ("conditions", ctypes.c_uint32),
        ("ledger_pending", ctypes.c_uint32),
        ("boot_count", ctypes.c_uint32),
        ("photon_to_motor_count", ctypes.c_uint32),
        ("watchdog_feeds", ctypes.c_uint32),
        ("client_state", ctypes.c_uint32),
        ("clock_epoch", ctypes.c_uint32),
        ("rung", ctypes.c_uint8),
        ("cause", ctypes.c_uint8),
        ("fault", ctypes.c_uint8),
        ("hold_reason", ctypes.c_uint8),
        ("armed", ctypes.c_uint8),
        ("driver_enabled", ctypes.c_uint8),
        ("clock_locked", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8),
    ]


class _Record(ctypes.Structure):
    """takt_ledger_record_t in firmware/core/include/takt/ledger.h."""

    _fields_ = [
        ("previous", ctypes.c_uint64),
        ("first", ctypes.c_uint64),
        ("last", ctypes.c_uint64),
        ("release_ns", ctypes.c_uint64),
        ("late_ns", ctypes.c_uint64),
        ("cycle", ctypes.c_uint32),
        ("counts", ctypes.c_uint32 * len(MISS_CAUSES)),
        ("reserved", ctypes.c_uint16),
        ("crc", ctypes.c_uint16),
    ]


@dataclass(frozen=True)
class BoardState:
    """What the board's control loop knew after its last cycle, and the state of its link."""

    rung: str
    reason: str  # "ok", the gate's verdict in HOLD, the cause in SAFE
    armed: bool
    fault: str  # "none" or what clear_fault would clear
    cycle: int
    cycles: int
    misses: dict[str, int]
    refused: dict[str, int]
    position_counts: tuple[int, int]
    speed_rad_s: tuple[float, float]
    conditions: int
    ledger_pending: int
    boot_count: int
    watchdog_feeds: int
    photon_to_motor_count: int
    photon_to_motor_p50_us: float
    photon_to_motor_p99_us: float
    client: str  # one of CLIENT_STATES
    clock_locked: bool
    clock_bound_ns: int
    ros_offset_ns: int  # ROS time minus board time; 0 while not locked
    clock_epoch: int


@dataclass(frozen=True)
class LedgerRecord:
    """One miss, or one gap that stands for several. Identities are boot count << 32 | sequence."""

    previous: int
    first: int
    last: int
    cycle: int
    release_ns: int
    late_ns: int
    counts: dict[str, int]  # misses by cause, zeroes left out

    @property
    def is_gap(self) -> bool:
        return self.first != self.last


class Board:
    """One board. Set ``now_ns`` (board time), then call :meth:`control_cycle` or :meth:`link_poll`.

    ``retained``: memory that survives a reset; give the same object to the next Board to model one.
    ``nonce``: tells one loss of retained memory from another (takt_platform_t).
    ``miss_limit``: missed cycles in the contract's window that mean SAFE; 0 takes the contract's for a board.
    Raises TaktError if the library is missing or was built from other sources.
    """

    def __init__(
        self,
        library_path: Path | str,
        *,
        retained: ctypes.Array[ctypes.c_char] | None = None,
        key: int = 0x54414B54,
        domain: int = 255,
        watchdog_reset: bool = False,
        miss_limit: int = 0,
        now_ns: int = 0,
        nonce: int = 0,
    ) -> None:
        self._lib = _load(Path(library_path))
        self.retained = retained if retained is not None else make_retained(library_path)
        self._twin = ctypes.create_string_buffer(self._lib.takt_twin_size())
        self._at = ctypes.addressof(self._twin)  # a number goes into a call faster than a buffer does
        self._view = _View()
        self._view_at = ctypes.addressof(self._view)
        self._viewed_ns = -1  # when the view was read; -1: what it shows has changed since
        self._out = ctypes.create_string_buffer(_TAKE_BYTES)
        self.now_ns = now_ns
        self._lib.takt_twin_init(
            self._twin, self.retained, key, domain, watchdog_reset, miss_limit, ctypes.c_uint64(now_ns), nonce
        )

    def next_release(self, now_ns: int | None = None) -> int:
        """The first grid point that has not passed, in board ns: when to call :meth:`control_cycle` next."""
        return int(self._lib.takt_twin_next_release(self._at, self.now_ns if now_ns is None else now_ns))

    def control_cycle(self, release_ns: int, *, execution_ns: int = 0, cpu_ns: int | None = None) -> None:
        """Run the cycle released at ``release_ns``; it starts at ``now_ns``, or at the release if that is later.

        The cycle is made to take ``execution_ns`` and ``cpu_ns`` of processor time (default: as much); ``now_ns`` is
        moved on to its end.
        """
        start_ns = max(self.now_ns, release_ns)
        spent_ns = execution_ns if cpu_ns is None else cpu_ns
        self._lib.takt_twin_control_cycle(self._at, release_ns, start_ns, execution_ns, spent_ns)
        self.now_ns = start_ns + execution_ns
        self._viewed_ns = -1

    def link_poll(self, now_ns: int | None = None) -> None:
        """Let the link side read its line, publish what is due and run its timers."""
        if now_ns is not None:
            self.now_ns = now_ns
        self._lib.takt_twin_link_poll(self._at, self.now_ns)
        self._viewed_ns = -1

    def link_turn(self, received: bytes) -> bytes:
        """:meth:`feed_link`, :meth:`link_poll` and :meth:`take_link` in one."""
        self._viewed_ns = -1
        if self._lib.takt_twin_link_turn(self._at, self.now_ns, received, len(received)):
            return self.take_link()
        return b""

    def feed_link(self, data: bytes) -> int:
        """Bytes from the agent; returns how many the line took."""
        return int(self._lib.takt_twin_feed_link(self._twin, data, len(data)))

    def take_link(self) -> bytes:
        """Bytes for the agent."""
        count = self._lib.takt_twin_take_link(self._at, self._out, _TAKE_BYTES)
        return ctypes.string_at(self._out, count)

    def set_encoders(
        self,
        counts: tuple[int, int],
        plant_ns: int,
        *,
        supply_mv: int = _NOMINAL_SUPPLY_MV,
        e_stop: bool = False,
        motor_fault: bool = False,
    ) -> None:
        """A new sample (left, right; wraps at 32 bits), taken at ``plant_ns``, there at ``now_ns``."""
        left, right = (((count + 0x80000000) & 0xFFFFFFFF) - 0x80000000 for count in counts)
        self._lib.takt_twin_set_encoders(
            self._at, left, right, plant_ns, self.now_ns, supply_mv, e_stop, motor_fault
        )

    @property
    def view(self) -> _View:
        """The C struct itself, valid until the next call: for those who look at every cycle."""
        return self._view if self._viewed_ns == self.now_ns else self._read()

    @property
    def duty(self) -> tuple[float, float, bool]:
        """Left, right (-1 to 1 of the supply) and whether the driver is enabled, as of the last cycle."""
        view = self._read()
        return view.duty[0], view.duty[1], bool(view.driver_enabled)

    @property
    def setpoint(self) -> tuple[float, float]:
        """Wheel speeds that the loops follow, left and right, rad/s."""
        view = self._read()
        return view.setpoint_rad_s[0], view.setpoint_rad_s[1]

    @property
    def state(self) -> BoardState:
        view = self._read()
        return BoardState(
            rung=RUNGS[view.rung],
            reason=_reason(view),
            armed=bool(view.armed),
            fault=CAUSES[view.fault],
            cycle=view.cycle,
            cycles=view.cycles,
            misses=dict(zip(MISS_CAUSES, view.misses, strict=True)),
            refused=dict(zip(VERDICTS, view.refused, strict=True)),
            position_counts=(view.position_counts[0], view.position_counts[1]),
            speed_rad_s=(view.speed_rad_s[0], view.speed_rad_s[1]),
            conditions=view.conditions,
            ledger_pending=view.ledger_pending,
            boot_count=view.boot_count,
            watchdog_feeds=view.watchdog_feeds,
            photon_to_motor_count=view.photon_to_motor_count,
            photon_to_motor_p50_us=view.photon_to_motor_p50_us,
            photon_to_motor_p99_us=view.photon_to_motor_p99_us,
            client=CLIENT_STATES[view.client_state],
            clock_locked=bool(view.clock_locked),
            clock_bound_ns=view.clock_bound_ns,
            ros_offset_ns=view.ros_offset_ns,
            clock_epoch=view.clock_epoch,
        )

    def ledger(self) -> list[LedgerRecord]:
        """Records that wait for confirmation, oldest first."""
        record = _Record()
        pending = self._lib.takt_twin_ledger(self._twin, 0, ctypes.byref(record))
        records = []
        for index in range(pending):
            self._lib.takt_twin_ledger(self._twin, index, ctypes.byref(record))
            records.append(_to_record(record))
        return records

    @property
    def ledger_boot(self) -> int:
        """What stands above the sequence in the identity of this boot's records."""
        return int(self._read().boot_count)

    def confirm(self, identity: int) -> int:
        """As a ``ledger_ack`` from the host would; returns how many records that released."""
        self._viewed_ns = -1
        return int(self._lib.takt_twin_confirm(self._twin, identity))

    def _read(self) -> _View:
        self._lib.takt_twin_view(self._at, self.now_ns, self._view_at)
        self._viewed_ns = self.now_ns
        return self._view


def make_retained(library_path: Path | str) -> ctypes.Array[ctypes.c_char]:
    """Retained memory as after power loss: all zero."""
    size = _load(Path(library_path)).takt_twin_retained_size()
    return ctypes.create_string_buffer(size)


def _to_record(record: _Record) -> LedgerRecord:
    return LedgerRecord(
        previous=record.previous,
        first=record.first,
        last=record.last,
        cycle=record.cycle,
        release_ns=record.release_ns,
        late_ns=record.late_ns,
        counts={cause: count for cause, count in zip(MISS_CAUSES, record.counts, strict=True) if count},
    )


def _reason(view: _View) -> str:
    if RUNGS[view.rung] == "SAFE":
        return CAUSES[view.cause]
    return VERDICTS[view.hold_reason] if RUNGS[view.rung] == "HOLD" else "ok"


_U64, _U32, _SIZE = ctypes.c_uint64, ctypes.c_uint32, ctypes.c_size_t
_POINTER, _BYTES = ctypes.c_void_p, ctypes.c_char_p
_SIGNATURES: dict[str, tuple[object, tuple[object, ...]]] = {
    "takt_twin_size": (_SIZE, ()),
    "takt_twin_view_size": (_SIZE, ()),
    "takt_twin_retained_size": (_SIZE, ()),
    "takt_twin_init": (
        None,
        (_POINTER, _POINTER, _U32, ctypes.c_uint16, ctypes.c_bool, _U32, _U64, _U32),
    ),
    "takt_twin_control_cycle": (None, (_POINTER, _U64, _U64, _U64, _U64)),
    "takt_twin_next_release": (_U64, (_POINTER, _U64)),
    "takt_twin_link_poll": (None, (_POINTER, _U64)),
    "takt_twin_link_turn": (_SIZE, (_POINTER, _U64, _BYTES, _SIZE)),
    "takt_twin_feed_link": (_SIZE, (_POINTER, _BYTES, _SIZE)),
    "takt_twin_take_link": (_SIZE, (_POINTER, _POINTER, _SIZE)),
    "takt_twin_set_encoders": (
        None,
        (
            _POINTER,
            ctypes.c_int32,
            ctypes.c_int32,
            _U64,
            _U64,
            ctypes.c_uint16,
            ctypes.c_bool,
            ctypes.c_bool,
        ),
    ),
    "takt_twin_view": (None, (_POINTER, _U64, _POINTER)),
    "takt_twin_ledger": (_U32, (_POINTER, _U32, _POINTER)),
    "takt_twin_confirm": (_U32, (_POINTER, _U64)),
}


def _load(path: Path) -> ctypes.CDLL:
    fix = "build it with: cmake -S firmware -B build/firmware && cmake --build build/firmware"
    try:
        library = ctypes.CDLL(str(path.resolve()))
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise TaktError(f"the firmware's core library cannot be used: {error}", fix) from error
    if library.takt_twin_view_size() != ctypes.sizeof(_View):
        raise TaktError(f"{path} was built from other sources than this package", fix)
    return library
