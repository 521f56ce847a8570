"""Whether the host's ledger file tells every miss once, as far as the board's own counters can say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_BOOT_MASK = 0xFFF  # TAKT_LEDGER_BOOT_BITS: what stands above them names the memory's life
_CAUSES = ("own_overrun", "late_release", "preempted", "skipped")


def faults_of(records: Sequence[Mapping[str, str]], loop: Mapping[str, str]) -> list[str]:
    """What is wrong, one line each. ``records``: the file's, in order; ``loop``: the board's last ``base: loop``.

    Each record names the one before it; 0 begins a chain, when the board's memory had lost its power. Of the board's
    last boot the counts by cause must be the board's, unless a gap record reaches over boots. A boot that counted
    nothing is not compared: after a power loss another life's boot may have had its number.
    """
    wrong: list[str] = []
    chain: list[Mapping[str, str]] = []
    for record in records:
        previous = int(record["previous"])
        if previous == 0:
            chain = []
        elif not chain or previous != _identity(chain[-1]):
            before = f"{_identity(chain[-1]):#x}" if chain else "nothing"
            wrong.append(f"record {_identity(record):#x} follows {before} and names {previous:#x}")
        chain.append(record)
    if int(loop.get("ledger_pending", 0)) > 0:
        wrong.append(f"{loop['ledger_pending']} records are still on the board")
    boot = int(loop.get("boot_count", 0))
    if any("first_boot" in record and record["first_boot"] != record["boot"] for record in chain):
        return wrong
    written = dict.fromkeys(_CAUSES, 0)
    for record in chain:
        if int(record["boot"]) & _BOOT_MASK == boot:
            for cause in _CAUSES:
                written[cause] += int(record.get(cause, 0)) + (record.get("cause") == cause)
    counted = {cause: int(loop.get(f"miss_{cause}", 0)) for cause in _CAUSES}
    if any(counted.values()) and written != counted:
        wrong.append(f"of boot {boot} the board counted {counted}, the file holds {written}")
    return wrong


def _identity(record: Mapping[str, str]) -> int:
    return int(record["boot"]) << 32 | int(record["sequence"])
