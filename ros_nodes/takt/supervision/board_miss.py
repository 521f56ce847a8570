"""What the board wrote down about a missed cycle, as a Miss: when it was, and whether the host stood still then."""

from __future__ import annotations

from collections.abc import Mapping

from takt.deadlines import Miss
from takt.deadlines.blame import ENOUGH
from takt.deadlines.miss import BOARD, UNKNOWN_BOUND_NS

Record = Mapping[str, str]
STAGE = "control"
_MS = 1e6
_BOOT_BITS = 12  # TAKT_LEDGER_BOOT_BITS
_BOOTS = (1 << _BOOT_BITS) - 1
_HOSTS_DOING = ("late_release", "preempted", "skipped")


class BoardClock:
    """The board's own word on ROS time against its counter, for each boot that it told of.

    A record's boot is the count of boots, and above it the number of the memory's life; the status tells the count.
    """

    def __init__(self) -> None:
        self._boot = 0
        self._offsets: dict[int, tuple[int, int]] = {}  # count of boots -> offset and bound, ns
        self._lives: dict[int, int] = {}  # count of boots -> life in which a record was first asked about

    def learn(self, status: str, values: Mapping[str, str]) -> None:
        """``base: loop`` names the boot, ``base: clock`` the offset; others are of no interest."""
        if status == "base: loop" and values.get("boot_count", "").isdigit():
            self._boot = int(values["boot_count"]) & _BOOTS
        elif status == "base: clock" and values.get("locked") == "true" and self._boot:
            self._offsets[self._boot] = int(values["offset_ns"]), int(values["bound_us"]) * 1000
            for old in sorted(self._offsets)[:-8]:
                del self._offsets[old]

    def ros_ns(self, boot: int, board_ns: int) -> tuple[int, int] | None:
        """(ROS time, its bound), or None when that boot never had a clock that we heard of."""
        count, life = boot & _BOOTS, boot >> _BOOT_BITS
        found = self._offsets.get(count)
        if found is None:
            return None
        if self._lives.setdefault(count, life) != life:  # counts begin anew after a loss of power
            self._lives = {count: life}
            self._offsets.clear()
            return None
        return board_ns + found[0], found[1]


def miss_of(
    record: Record, clock: BoardClock, period_ns: int, heard_ns: int, stall_ms: float | None = None
) -> Miss:
    """``heard_ns``: ROS time at which the record came. ``stall_ms``: the bystander's lateness around the miss where the
    board is a process of this host, else None; what it shares with the bystander is the host's doing."""
    late_ns = int(record["late_ns"])
    at = (
        clock.ros_ns(int(record["boot"]), int(record["release_ns"]) + period_ns)
        if "release_ns" in record
        else None
    )
    at_ns, bound_ns = at if at is not None else (heard_ns, UNKNOWN_BOUND_NS)
    evidence = {"cycle": float(record["cycle"])}
    if "first_sequence" in record:
        evidence |= {
            key: float(value) for key, value in record.items() if key in ("first_boot", "first_sequence")
        }
        evidence |= {key: float(record[key]) for key in ("own_overrun", *_HOSTS_DOING) if key in record}
    cause = record["cause"]
    if stall_ms is not None:
        evidence["host_stall_ms"] = stall_ms
        if cause in _HOSTS_DOING and stall_ms * _MS >= ENOUGH * late_ns:
            cause = "host_stall"
    return Miss(
        BOARD, int(record["boot"]), int(record["sequence"]), STAGE, at_ns, bound_ns, late_ns, cause, evidence
    )


def missed_ns(record: Record, clock: BoardClock, period_ns: int) -> int | None:
    """ROS time at which the record's deadline passed; None when it is not known (a gap, another boot)."""
    at = (
        clock.ros_ns(int(record["boot"]), int(record["release_ns"]) + period_ns)
        if "release_ns" in record
        else None
    )
    return None if at is None else at[0]
