"""Ledger exactness: what the host receives equals what was injected, record by record, through full rings, lost
confirmations and resets at any moment."""

from __future__ import annotations

import random
from bisect import bisect_left, bisect_right
from pathlib import Path

from takt.simulation.board import Board, LedgerRecord

MS = 1_000_000
PERIOD = 10 * MS
CAPACITY = 64


class Truth:
    """Every miss injected, by identity."""

    def __init__(self) -> None:
        self.misses: dict[int, tuple[int, str, int]] = {}  # identity -> cycle, cause, late ns

    def add(self, boot: int, sequence: int, cycle: int, cause: str, late_ns: int) -> None:
        self.misses[boot << 32 | sequence] = (cycle, cause, late_ns)


class Host:
    """Keeps records as the supervisor's ledger does, drops repeats, and knows the highest contiguous identity."""

    def __init__(self) -> None:
        self.records: dict[int, LedgerRecord] = {}
        self.confirmed = 0

    def receive(self, record: LedgerRecord) -> None:
        assert record.previous <= self.confirmed, "a record between was lost"
        if record.last in self.records:
            assert self.records[record.last] == record, "a repeat differs from what was sent first"
        self.records[record.last] = record
        self.confirmed = max(self.confirmed, record.last)

    def compare(self, truth: Truth) -> None:
        """Every true miss in exactly one record, with its cycle, cause and lateness, or counted in one gap."""
        left, order = dict(truth.misses), sorted(truth.misses)
        for record in self.records.values():
            inside = order[bisect_left(order, record.first) : bisect_right(order, record.last)]
            if record.is_gap:
                causes = [left.pop(identity)[1] for identity in inside]
                assert {cause: causes.count(cause) for cause in set(causes)} == record.counts
                continue
            assert inside == [record.last]
            cycle, cause, late_ns = left.pop(record.last)
            assert (record.cycle, record.counts, record.late_ns) == (cycle, {cause: 1}, late_ns)
        assert left == {}


class Injector:
    """One boot of a board into which misses are put; knows what the monitor must say."""

    def __init__(self, library: Path, retained: object, truth: Truth) -> None:
        self.board = Board(library, retained=retained, miss_limit=3)
        self.truth, self.boot, self.sequence = truth, self.board.state.boot_count, 0
        self.cycle = -1

    def _miss(self, cause: str, cycle: int, late_ns: int) -> None:
        self.sequence += 1
        self.truth.add(self.boot, self.sequence, cycle, cause, late_ns)

    def run(self, late_ns: int = 0, execution_ns: int = 0, cpu_ns: int = 0) -> None:
        board = self.board
        release = board.next_release()
        previous = self.cycle
        self.cycle = release // PERIOD
        for skipped in range(previous + 1, self.cycle):
            self._miss("skipped", skipped, (self.cycle - skipped) * PERIOD)
        board.now_ns = release + late_ns
        board.control_cycle(release, execution_ns=execution_ns, cpu_ns=cpu_ns)
        late = late_ns + execution_ns - PERIOD
        if late > 0:
            own, released = cpu_ns > PERIOD, late_ns + cpu_ns > PERIOD
            self._miss(
                "own_overrun" if own else "late_release" if released else "preempted", self.cycle, late
            )

    def run_at_random(self, rng: random.Random) -> None:
        kind = rng.random()
        stretch = rng.randrange(PERIOD + 1, 6 * PERIOD)
        if kind < 0.80:
            self.run(execution_ns=rng.randrange(PERIOD // 2))
        elif kind < 0.87:
            self.run(execution_ns=stretch, cpu_ns=stretch)
        elif kind < 0.94:
            self.run(late_ns=stretch)
        else:
            self.run(execution_ns=stretch, cpu_ns=rng.randrange(PERIOD // 4))


def drain(board: Board, host: Host, rng: random.Random) -> None:
    """The link carries some records in order; a confirmation may get lost or come late."""
    for record in board.ledger()[: rng.randrange(1, CAPACITY + 2)]:
        host.receive(record)
    if rng.random() < 0.7:
        board.confirm(host.confirmed)


def test_seeded_chaos_leaves_nothing_missing_and_nothing_twice(core_library: Path) -> None:
    rng, truth, host = random.Random(11), Truth(), Host()
    injector = Injector(core_library, None, truth)
    retained = injector.board.retained
    boots = 1
    for step in range(30_000):
        injector.run_at_random(rng)
        if rng.random() < (0.0005 if 10_000 < step < 20_000 else 0.02):  # in between the host is rarely there
            drain(injector.board, host, rng)
        if rng.random() < 0.001:
            injector = Injector(core_library, retained, truth)  # a reset: all but the retained memory is gone
            boots += 1
    while injector.board.ledger() or injector.board.state.ledger_pending:
        drain(injector.board, host, rng)
        injector.board.confirm(host.confirmed)
        injector.run()
    host.compare(truth)
    assert boots > 10 and injector.boot == boots
    assert any(record.is_gap for record in host.records.values()), (
        "the ring was never full: nothing was tried"
    )
    assert len(truth.misses) > 10_000


def fill(injector: Injector, misses: int) -> None:
    for _ in range(misses):
        injector.run(execution_ns=PERIOD + 1, cpu_ns=0)
        # a preempted cycle that ends just after its deadline swallows the next release: two misses


def test_a_full_ring_opens_one_gap_that_states_range_and_causes(core_library: Path) -> None:
    injector = Injector(core_library, None, Truth())
    fill(injector, 40)  # 40 preempted, 39 skipped so far
    board = injector.board
    assert len(board.ledger()) == CAPACITY
    board.confirm(board.ledger()[-1].last)
    injector.run()
    (gap,) = [record for record in board.ledger() if record.is_gap]
    assert gap.first == 1 << 32 | 65 and gap.counts == {"preempted": 8, "skipped": 7}
    assert gap.previous == 1 << 32 | 64
    assert [record.counts for record in board.ledger()[1:]] == [{"skipped": 1}]


def test_a_gap_lives_through_resets_and_keeps_counting(core_library: Path) -> None:
    truth, host, rng = Truth(), Host(), random.Random(2)
    injector = Injector(core_library, None, truth)
    fill(injector, 50)
    for _ in range(3):
        injector = Injector(core_library, injector.board.retained, truth)
        fill(injector, 5)
    assert injector.boot == 4 and len(injector.board.ledger()) == CAPACITY
    while injector.board.ledger():
        drain(injector.board, host, rng)
        injector.run()
    host.compare(truth)
    assert sum(record.is_gap for record in host.records.values()) == 1


def test_confirmations_out_of_this_world_release_nothing(core_library: Path) -> None:
    injector = Injector(core_library, None, Truth())
    fill(injector, 3)
    board = injector.board
    waiting = len(board.ledger())
    assert board.confirm(0) == 0
    assert board.confirm(1 << 32) == 0
    assert board.confirm(99 << 32 | 5) == 0, "a host that remembers another board"
    assert len(board.ledger()) == waiting
    assert board.confirm(1 << 32 | 2) == 2 and len(board.ledger()) == waiting - 2
    assert board.confirm(1 << 32 | 2) == 0, "twice is nothing"


def test_confirmed_records_do_not_come_back_after_a_reset(core_library: Path) -> None:
    injector = Injector(core_library, None, Truth())
    fill(injector, 10)
    injector.board.confirm(1 << 32 | 5)
    waiting = injector.board.ledger()
    again = Board(core_library, retained=injector.board.retained)
    assert again.ledger() == waiting and again.state.boot_count == 2
    again.confirm(waiting[-1].last)
    assert Board(core_library, retained=injector.board.retained).ledger() == []


def test_after_power_loss_memory_reads_as_empty_not_as_a_fault(core_library: Path) -> None:
    rng = random.Random(4)
    for pattern in (b"\xff", b"\xaa", bytes(rng.randrange(256) for _ in range(977))):
        retained = Board(core_library).retained
        retained.raw = (pattern * (len(retained) // len(pattern) + 1))[: len(retained)]
        board = Board(core_library, retained=retained)
        assert (board.state.boot_count, board.ledger(), board.state.fault) == (1, [], "none")


def test_a_record_torn_by_the_reset_is_dropped_and_the_rest_kept(core_library: Path) -> None:
    injector = Injector(core_library, None, Truth())
    fill(injector, 3)
    records = injector.board.ledger()
    retained = injector.board.retained
    content = bytearray(retained.raw)
    newest = content.rfind(records[-1].last.to_bytes(8, "little"))
    content[newest + 16] ^= 1  # one bit of the newest record
    retained.raw = bytes(content)
    assert Board(core_library, retained=retained).ledger() == records[:-1]
