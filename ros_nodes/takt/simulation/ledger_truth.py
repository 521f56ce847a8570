"""What misses were made: `Truth` follows the injected times of every cycle and says which records must come of them.

It knows the rules of docs/firmware.md and nothing of the firmware's code. One `Truth` is one life of a board's retained
memory: it ends when power is lost.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

CAUSES = ("own_overrun", "late_release", "preempted", "skipped")


@dataclass(frozen=True)
class Miss:
    """One missed deadline. ``identity``: boot count << 32 | sequence."""

    identity: int
    cycle: int
    cause: str
    release_ns: int
    late_ns: int


class Truth:
    """Misses of one life, in order."""

    def __init__(self, period_ns: int) -> None:
        self.misses: list[Miss] = []
        self._period_ns = period_ns
        self._boot = 0
        self._sequence = 0
        self._first_release_ns: int | None = None
        self._last_release_ns = 0

    def boot(self, boot_count: int) -> None:
        """A reset, or the life's first start: cycles and sequences begin anew."""
        self._boot, self._sequence, self._first_release_ns = boot_count, 0, None

    def cycle(self, release_ns: int, late_start_ns: int, execution_ns: int, cpu_ns: int) -> None:
        """A cycle ran for this release, started so late, and took this long of time and of processor."""
        period_ns = self._period_ns
        if self._first_release_ns is None:
            self._first_release_ns = release_ns
        else:
            for at_ns in range(self._last_release_ns + period_ns, release_ns, period_ns):
                self._add("skipped", at_ns, release_ns - at_ns)
        self._last_release_ns = release_ns
        late_ns = late_start_ns + execution_ns - period_ns
        if late_ns > 0:
            released = "late_release" if late_start_ns + cpu_ns > period_ns else "preempted"
            self._add("own_overrun" if cpu_ns > period_ns else released, release_ns, late_ns)

    def next_release(self, end_ns: int) -> int:
        """The first place of the grid not yet passed at the end of the last cycle."""
        places = -(-(end_ns - self._last_release_ns) // self._period_ns)
        return self._last_release_ns + max(places, 1) * self._period_ns

    def _add(self, cause: str, release_ns: int, late_ns: int) -> None:
        assert self._first_release_ns is not None
        self._sequence += 1
        cycle = (release_ns - self._first_release_ns) // self._period_ns
        self.misses.append(Miss(self._boot << 32 | self._sequence, cycle, cause, release_ns, late_ns))


@dataclass
class Account:
    """The outcome of a comparison."""

    records: int = 0
    gaps: int = 0
    misses_in_records: int = 0
    misses_in_gaps: int = 0
    lost_with_power: int = 0  # behind the host's last record when the memory lost its power
    by_cause: dict[str, int] | None = None


def compare(
    truth: Truth, records: Sequence[Mapping[str, str]], power_was_lost: bool
) -> tuple[Account, list[str]]:
    """Hold the host's records of one life against what happened. Returns the account and what is wrong, at most 5."""
    account, wrong = Account(by_cause=dict.fromkeys(CAUSES, 0)), []
    order = [miss.identity for miss in truth.misses]
    at, previous = 0, 0
    for record in records:
        first, last = _range_of(record)
        if int(record["previous"]) != previous:
            wrong.append(
                f"record {last:#x} names {int(record['previous']):#x} before it and not {previous:#x}"
            )
        previous = last
        low, high = bisect_left(order, first), bisect_right(order, last)
        if low != at or high == low or (order[low], order[high - 1]) != (first, last):
            wrong.append(f"record {last:#x} covers misses {low} to {high}; {at} is next")
        wrong += _differences(record, truth.misses[low:high], account)
        at = high
    account.lost_with_power = len(order) - at
    if account.lost_with_power and not power_was_lost:
        wrong.append(f"{account.lost_with_power} misses never arrived")
    return account, wrong[:5]


def _range_of(record: Mapping[str, str]) -> tuple[int, int]:
    last = int(record["boot"]) << 32 | int(record["sequence"])
    if "first_sequence" not in record:
        return last, last
    return int(record["first_boot"]) << 32 | int(record["first_sequence"]), last


def _differences(record: Mapping[str, str], inside: Sequence[Miss], account: Account) -> list[str]:
    """Compares one record with the misses that it stands for, and books them."""
    account.records += 1
    counts = {cause: sum(miss.cause == cause for miss in inside) for cause in CAUSES}
    for cause, count in counts.items():
        account.by_cause[cause] += count  # type: ignore[index]
    if not inside:
        return [f"record {record['sequence']} stands for nothing"]
    told: dict[str, object] = {"cycle": int(record["cycle"]), "late_ns": int(record["late_ns"])}
    true: dict[str, object] = {"cycle": inside[0].cycle, "late_ns": max(miss.late_ns for miss in inside)}
    if "first_sequence" in record:
        account.gaps += 1
        account.misses_in_gaps += len(inside)
        told |= {cause: int(record[cause]) for cause in CAUSES}
        true |= counts
    else:
        account.misses_in_records += 1
        told |= {"cause": record["cause"], "release_ns": int(record["release_ns"])}
        true |= {"cause": inside[0].cause, "release_ns": inside[0].release_ns}
    return [] if told == true else [f"record {record['boot']}/{record['sequence']}: {told} is not {true}"]
