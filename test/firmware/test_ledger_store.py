"""The ledger's retained memory byte by byte: what each call leaves there, and what a start makes of any state of it."""

from __future__ import annotations

import ctypes
import struct
from typing import Any

import pytest
from core_headers import Core

MS = 1_000_000
PERIOD = 10 * MS
RING = 64
LAYOUT = 0x5401  # every CRC of the store starts with it
BOOT, CONFIRMED, GAP, RECORDS, SIZE = 0, 8, 40, 104, 104 + 64 * RING


def crc16(data: bytes, crc: int = LAYOUT) -> int:
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
    return crc


class Ledger:
    """One ledger over memory that outlives it; `start` is a reset."""

    def __init__(self, core: Core, memory: bytes = b"\xa5" * SIZE) -> None:
        self.core = core
        self.memory = ctypes.create_string_buffer(memory, SIZE + 64)  # with somebody else's memory behind it
        self.start()

    def start(self) -> None:
        self.state = self.core.new("ledger")
        ctypes.memset(ctypes.byref(self.state), 0xFF, ctypes.sizeof(self.state))
        self.core.takt_ledger_open(ctypes.byref(self.state), self.memory, 0)

    @property
    def boots(self) -> int:
        return int(self.core.takt_ledger_boots(ctypes.byref(self.state)))

    def append(self, cause: int = 1, cycle: int = 7, late_ns: int = 3, release_ns: int = 5) -> None:
        miss = self.core.new(
            "miss", missed=True, cause=cause, cycle=cycle, late_ns=late_ns, release_ns=release_ns
        )
        self.core.takt_ledger_append(ctypes.byref(self.state), ctypes.byref(miss))

    def skip(self, count: int, resumed_ns: int) -> None:
        skipped = self.core.new("skipped", count=count, first=100, first_release_ns=1000 * MS)
        self.core.takt_ledger_append_skipped(
            ctypes.byref(self.state), ctypes.byref(skipped), resumed_ns, PERIOD
        )

    def confirm(self, identity: int) -> int:
        return int(self.core.takt_ledger_confirm(ctypes.byref(self.state), identity))

    def settle(self) -> None:
        self.core.takt_ledger_settle(ctypes.byref(self.state))

    def identity(self, sequence: int, boot: int | None = None) -> int:
        return (boot or self.state.boot_count) << 32 | sequence

    def record_at(self, offset: int) -> Any:
        return self.core.types["takt_ledger_record_t"].from_buffer_copy(self.memory.raw, offset)

    def waiting(self) -> list[Any]:
        """Copies of the waiting records, oldest first."""
        count = self.core.takt_ledger_pending(ctypes.byref(self.state))
        kind = self.core.types["takt_ledger_record_t"]
        places = [self.core.takt_ledger_at(ctypes.byref(self.state), n) for n in range(count)]
        return [kind.from_buffer_copy(ctypes.string_at(place, ctypes.sizeof(kind))) for place in places]

    def sequences(self) -> list[int]:
        return [record.last & 0xFFFFFFFF for record in self.waiting()]

    def whole(self, offset: int, size: int) -> bool:
        raw = self.memory.raw[offset : offset + size]
        return crc16(raw[:-2]) == struct.unpack("<H", raw[-2:])[0]

    def spoil(self, offset: int) -> None:
        self.memory[offset] = bytes([self.memory.raw[offset] ^ 0xFF])

    def confirmed_slots(self) -> list[int]:
        found = []
        for slot in (0, 1):
            at = CONFIRMED + 16 * slot
            found.append(struct.unpack_from("<Q", self.memory.raw, at)[0] if self.whole(at, 16) else -1)
        return found


@pytest.fixture
def ledger(core: Core) -> Ledger:
    return Ledger(core)


# ---- memory


def test_the_layout_is_the_one_that_this_test_reads(core: Core, ledger: Ledger) -> None:
    ledger.append()
    assert ctypes.sizeof(core.types["takt_ledger_record_t"]) == 64
    assert struct.unpack_from("<IH", ledger.memory.raw, BOOT) == (1, 0)
    assert ledger.whole(BOOT, 8) and ledger.whole(RECORDS, 64)


@pytest.mark.parametrize("garbage", [b"\x00", b"\xff", b"\xa5"])
def test_memory_without_power_reads_as_empty(core: Core, garbage: bytes) -> None:
    ledger = Ledger(core, garbage * SIZE)
    assert ledger.waiting() == [] and ledger.state.boot_count == 1
    state = ledger.state
    assert (state.sequence, state.previous, state.confirmed, state.gap_open) == (0, 0, 0, False)
    assert ledger.memory.raw[CONFIRMED:SIZE] == bytes(SIZE - CONFIRMED), "old parts cannot come back later"


def test_each_start_counts(ledger: Ledger) -> None:
    for boot in (2, 3, 4):
        ledger.start()
        assert ledger.state.boot_count == boot
        assert struct.unpack_from("<IH", ledger.memory.raw, BOOT) == (boot, 0) and ledger.whole(BOOT, 8)
    ledger.spoil(BOOT)
    ledger.start()
    assert ledger.state.boot_count == 1


def test_a_record_says_all_and_names_the_one_before(ledger: Ledger) -> None:
    ledger.append(cause=0, cycle=11, late_ns=22, release_ns=33)
    ledger.append(cause=2, cycle=12)
    first, second = ledger.waiting()
    assert (first.previous, first.first, first.last) == (0, ledger.identity(1), ledger.identity(1))
    assert (first.cycle, first.late_ns, first.release_ns, list(first.counts)) == (11, 22, 33, [1, 0, 0, 0])
    assert (second.previous, second.first, list(second.counts)) == (
        first.last,
        ledger.identity(2),
        [0, 0, 1, 0],
    )
    assert not any(ledger.core.takt_ledger_is_gap(ctypes.byref(record)) for record in (first, second))


# ---- starts


def test_what_waits_is_found_again_in_order_and_the_chain_goes_on(ledger: Ledger) -> None:
    for _ in range(RING):
        ledger.append()
    assert ledger.confirm(ledger.identity(10)) == 10
    for _ in range(10):
        ledger.append()
    assert ledger.sequences() == list(range(11, 75))
    ledger.start()
    assert ledger.sequences() == list(range(11, 75)), "also where the ring has gone round"
    assert ledger.state.previous == ledger.identity(74, boot=1)
    assert ledger.confirm(ledger.identity(12, boot=1)) == 2
    ledger.append()
    newest = ledger.waiting()[-1]
    assert (newest.previous, newest.last) == (ledger.identity(74, boot=1), ledger.identity(1))


def test_a_start_with_nothing_waiting_goes_on_behind_what_was_confirmed(ledger: Ledger) -> None:
    ledger.append()
    ledger.append()
    ledger.confirm(ledger.identity(2))
    ledger.start()
    assert ledger.waiting() == [] and ledger.state.confirmed == ledger.identity(2, boot=1)
    ledger.append()
    assert [record.previous for record in ledger.waiting()] == [ledger.identity(2, boot=1)]
    ledger.start()
    assert ledger.sequences() == [1], "the first slot is the first of the ring again"


@pytest.mark.parametrize(("torn", "left"), [(4, [1, 2, 3, 4]), (0, [2, 3, 4, 5]), (2, [1, 2])])
def test_a_torn_record_ends_what_is_handed_over(ledger: Ledger, torn: int, left: list[int]) -> None:
    for _ in range(5):
        ledger.append()
    ledger.spoil(RECORDS + 64 * torn)
    ledger.start()
    assert ledger.sequences() == left
    assert ledger.state.previous == ledger.identity(left[-1], boot=1)


def test_a_record_is_whole_only_with_a_range_that_can_be(core: Core, ledger: Ledger) -> None:
    def put(first: int, last: int) -> None:
        body = struct.pack("<5QI4IH", 0, first, last, 0, 0, 0, 1, 0, 0, 0, 0)
        ledger.memory[RECORDS : RECORDS + 64] = body + struct.pack("<H", crc16(body))
        ledger.start()

    put(1, 1)
    assert ledger.sequences() == [1]
    put(0, 1)
    assert ledger.sequences() == []
    put(2, 1)
    assert ledger.sequences() == []


# ---- confirmations


def test_confirmations_go_to_two_slots_in_turn(ledger: Ledger) -> None:
    for _ in range(6):
        ledger.append()
    number = ledger.identity
    ledger.confirm(number(1))
    assert number(1) in ledger.confirmed_slots()
    ledger.confirm(number(2))
    assert sorted(ledger.confirmed_slots()) == [number(1), number(2)]
    ledger.confirm(number(3))
    assert sorted(ledger.confirmed_slots()) == [number(2), number(3)]
    ledger.start()
    ledger.confirm(ledger.identity(4, boot=1))
    assert sorted(ledger.confirmed_slots()) == [ledger.identity(n, boot=1) for n in (3, 4)], (
        "the older one goes"
    )


def test_a_start_takes_the_newest_whole_confirmation(ledger: Ledger) -> None:
    for _ in range(6):
        ledger.append()
    for sequence in (2, 3, 4):
        ledger.confirm(ledger.identity(sequence))
    newest = ledger.confirmed_slots().index(ledger.identity(4))
    ledger.start()
    assert (ledger.sequences(), ledger.state.confirmed_slot) == ([5, 6], newest)
    ledger.spoil(CONFIRMED + 16 * newest)
    ledger.start()
    assert (ledger.sequences(), ledger.state.confirmed_slot) == ([4, 5, 6], 1 - newest)
    ledger.spoil(CONFIRMED + 16 * (1 - newest))
    ledger.start()
    assert (ledger.state.confirmed, ledger.state.confirmed_slot) == (0, 0)


def test_only_what_was_written_can_be_confirmed(ledger: Ledger) -> None:
    assert ledger.confirm(ledger.identity(1)) == 0, "nothing waits"
    for _ in range(3):
        ledger.append()
    assert ledger.confirm(ledger.identity(4)) == 0 and ledger.confirm(2**64 - 1) == 0
    assert ledger.confirm(0) == 0 and ledger.confirmed_slots() == [-1, -1], "nothing is written for nothing"
    assert ledger.confirm(ledger.identity(2)) == 2 and ledger.confirm(ledger.identity(2)) == 0
    assert ledger.confirm(ledger.identity(3)) == 1
    assert ledger.waiting() == [] and ledger.state.confirmed == ledger.identity(3)


def test_what_lies_beside_the_parts_is_none_of_them(ledger: Ledger) -> None:
    """A whole confirmation in the gap's place, and a whole record behind the last one."""
    for _ in range(20):
        ledger.append()
    ledger.confirm(ledger.identity(10))
    behind = ledger.memory.raw[RECORDS + 64 * 14 : RECORDS + 64 * 15]
    ledger.confirm(ledger.identity(20))
    ledger.start()
    ledger.memory[RECORDS : RECORDS + 64 * RING] = bytes(64 * RING)
    for _ in range(20):
        ledger.append()
    ledger.confirm(ledger.identity(10))
    for slot in (0, 1):
        ledger.memory[CONFIRMED + 16 * slot : CONFIRMED + 16 * slot + 16] = bytes(16)
    body = struct.pack("<QIH", ledger.identity(15), 0, 0)
    ledger.memory[GAP : GAP + 16] = body + struct.pack("<H", crc16(body))
    ledger.memory[RECORDS : RECORDS + 64 * 10] = bytes(64 * 10)
    ledger.memory[SIZE : SIZE + 64] = behind
    ledger.start()
    assert ledger.sequences() == list(range(11, 21)) and ledger.state.confirmed == 0


def test_a_confirmation_heals_what_its_slot_has_lost(ledger: Ledger) -> None:
    for _ in range(4):
        ledger.append()
    for sequence, place in ((1, 8), (2, 8), (3, 12), (4, 12)):
        for slot in (0, 1):
            ledger.spoil(CONFIRMED + 16 * slot + place)
        ledger.confirm(ledger.identity(sequence))
        assert ledger.identity(sequence) in ledger.confirmed_slots()


def test_boots_are_counted_below_what_tells_one_loss_of_power_from_another(core: Core) -> None:
    ledger = Ledger(core)
    state, bits = ledger.state, 0
    core.takt_ledger_open(ctypes.byref(state), ctypes.create_string_buffer(SIZE + 64), 3)
    bits = state.boot_count.bit_length() - 2
    assert state.boot_count == (3 << bits) + 1 and ledger.boots == 1
    for boot in range(2, 6):
        core.takt_ledger_open(ctypes.byref(state), ledger.memory, 0)
        state.boot_count += 3 << bits
        assert ledger.boots == boot


# ---- gaps


def full(core: Core) -> Ledger:
    ledger = Ledger(core)
    for _ in range(RING):
        ledger.append()
    return ledger


def test_a_full_ring_opens_one_gap_that_counts_by_cause(core: Core) -> None:
    ledger = full(core)
    assert not ledger.state.gap_open
    ledger.append(cause=0, cycle=70, late_ns=5, release_ns=700)
    ledger.append(cause=1, cycle=71, late_ns=9, release_ns=701)
    ledger.append(cause=1, cycle=72, late_ns=4, release_ns=702)
    gap = ledger.record_at(GAP)
    assert ledger.state.gap_open and ledger.whole(GAP, 64) and ledger.sequences() == list(range(1, 65))
    assert (gap.first, gap.last) == (ledger.identity(65), ledger.identity(67))
    assert (gap.cycle, gap.release_ns, gap.late_ns, list(gap.counts)) == (70, 700, 9, [1, 2, 0, 0])


def test_a_gap_enters_the_ring_as_soon_as_there_is_room(core: Core) -> None:
    ledger = full(core)
    ledger.append()
    ledger.append()
    ledger.settle()
    assert ledger.state.gap_open and len(ledger.waiting()) == RING, "no room yet"
    ledger.confirm(ledger.identity(1))
    ledger.settle()
    newest = ledger.waiting()[-1]
    assert not ledger.state.gap_open and not ledger.whole(GAP, 64)
    assert (newest.previous, newest.first, newest.last) == tuple(map(ledger.identity, (64, 65, 66)))
    assert ledger.core.takt_ledger_is_gap(ctypes.byref(newest))
    ledger.confirm(ledger.identity(3))
    ledger.append()
    assert ledger.sequences()[-2:] == [66, 67]
    ledger.start()
    assert not ledger.state.gap_open and ledger.sequences()[-2:] == [66, 67]


def test_a_gap_lives_through_a_reset_and_takes_the_next_boots_misses(core: Core) -> None:
    ledger = full(core)
    ledger.append(late_ns=8)
    ledger.start()
    assert ledger.state.gap_open
    ledger.append(cause=2, late_ns=2)
    gap = ledger.record_at(GAP)
    assert (gap.first, gap.last) == (ledger.identity(65, boot=1), ledger.identity(1))
    assert (gap.late_ns, list(gap.counts)) == (8, [0, 1, 1, 0])


def test_a_gap_that_is_in_the_ring_already_is_not_opened_again(core: Core) -> None:
    """The reset came between the copy into the ring and the end of the open gap."""
    ledger = full(core)
    ledger.append()
    open_gap = ledger.memory.raw[GAP:RECORDS]
    ledger.confirm(ledger.identity(1))
    ledger.settle()
    ledger.memory[GAP:RECORDS] = open_gap
    ledger.start()
    assert not ledger.state.gap_open and ledger.sequences()[-1] == 65


def test_skipped_releases_are_a_record_each(ledger: Ledger) -> None:
    ledger.skip(3, resumed_ns=1050 * MS)
    found = [(r.cycle, r.release_ns // MS, r.late_ns // MS, list(r.counts)) for r in ledger.waiting()]
    assert found == [(100 + n, 1000 + 10 * n, 50 - 10 * n, [0, 0, 0, 1]) for n in range(3)]


def test_a_long_stretch_of_skipped_releases_ends_in_a_gap_at_once(ledger: Ledger) -> None:
    ledger.skip(1_000_000, resumed_ns=1000 * MS + 1_000_000 * PERIOD)
    gap = ledger.record_at(GAP)
    assert ledger.sequences() == list(range(1, 65)) and ledger.state.sequence == 1_000_000
    assert (gap.first, gap.last) == (ledger.identity(65), ledger.identity(1_000_000))
    assert (gap.cycle, list(gap.counts)) == (164, [0, 0, 0, 999_936])
    assert gap.late_ns == 999_936 * PERIOD, "the first of them waited longest"


def test_skipped_releases_find_room_that_a_confirmation_made(core: Core) -> None:
    ledger = full(core)
    ledger.confirm(ledger.identity(64))
    ledger.skip(70, resumed_ns=2000 * MS)
    assert ledger.sequences() == list(range(65, 129))
    assert ledger.record_at(GAP).counts[3] == 6
