"""Random lives of the C core's deadline monitor and ledger: operations, and what C answers to each."""

from __future__ import annotations

import ctypes
import random
import struct
from typing import Any

from takt.simulation.core_headers import Core

PERIOD_NS = 10_000_000
SETTINGS = (PERIOD_NS, 100, 3)  # period, window, limit
CYCLE, CONFIRM, RESET = range(3)
ANSWER_BYTES = struct.calcsize("<43Q")
_STORE_BYTES = 8192  # more than takt_ledger_store_t


class Lives:
    """``next_operation`` invents one, lets C do it, and returns both as bytes; see vm/parity_ledger.py."""

    def __init__(self, core: Core, seed: str) -> None:
        self.core, self.rng = core, random.Random(seed)
        self.store = (ctypes.c_uint64 * (_STORE_BYTES // 8))()
        self.config = core.types["takt_deadline_config_t"](*SETTINGS)
        self.ledger = core.new("ledger")
        self.miss, self.skipped = core.new("miss"), core.new("skipped")
        self._boot()

    def _boot(self) -> None:
        self.monitor = self.core.new("deadline_monitor")
        self.core.takt_deadlines_init(ctypes.byref(self.monitor))
        self.core.takt_ledger_open(ctypes.byref(self.ledger), ctypes.byref(self.store), 0)
        self.miss, self.skipped = self.core.new("miss"), self.core.new("skipped")
        self.now_ns = self.rng.randrange(1, 10**9)
        self.is_flooded = self.rng.random() < 0.3  # nobody confirms: the ring fills up, a gap opens
        self.trouble = self.rng.choice((0.01, 0.2, 0.9))

    def next_operation(self) -> tuple[bytes, bytes]:
        """(operation, answer)."""
        draw, released = self.rng.random(), 0
        if draw < 0.002:
            words = [RESET]
            self._boot()
        elif draw < (0.01 if self.is_flooded else 0.2):
            words = [CONFIRM, self._identity()]
            released = self.core.takt_ledger_confirm(ctypes.byref(self.ledger), words[1])
        else:
            words = [CYCLE, *self._cycle()]
        words += [0] * (6 - len(words)) + [self.now_ns]
        return struct.pack("<7Q", *words), self._answer(released)

    def _identity(self) -> int:
        rng = self.rng
        near = int(self.ledger.boot_count) << 32 | max(0, int(self.ledger.sequence) - rng.randrange(40))
        return rng.choice((near, near, near, rng.randrange(2**64)))

    def _cycle(self) -> list[int]:
        rng, core = self.rng, self.core
        release_ns = core.takt_deadlines_next_release(
            ctypes.byref(self.monitor), ctypes.byref(self.config), self.now_ns
        )
        troubled = rng.random() < self.trouble
        late_ns = rng.choice((rng.randrange(60_000_000), PERIOD_NS)) if troubled else rng.randrange(100_000)
        taken_ns = rng.choice((rng.randrange(30_000_000), PERIOD_NS)) if troubled else rng.randrange(200_000)
        start_ns = release_ns + late_ns
        end_ns = start_ns + taken_ns
        cpu_ns = rng.choice((taken_ns, taken_ns // 2, rng.randrange(taken_ns + 1)))
        self.now_ns = end_ns + (rng.randrange(40_000_000) if rng.random() < 0.05 else 0)
        self._tell_c(release_ns, start_ns, end_ns, cpu_ns)
        return [release_ns, start_ns, 0, end_ns, cpu_ns]

    def _tell_c(self, release_ns: int, start_ns: int, end_ns: int, cpu_ns: int) -> None:
        core = self.core
        monitor, config, ledger = map(ctypes.byref, (self.monitor, self.config, self.ledger))
        self.skipped = core.takt_deadlines_begin(monitor, config, release_ns, start_ns, 0)
        core.takt_ledger_append_skipped(ledger, ctypes.byref(self.skipped), release_ns, PERIOD_NS)
        self.miss = core.takt_deadlines_end(monitor, config, end_ns, cpu_ns)
        if self.miss.missed:
            core.takt_ledger_append(ledger, ctypes.byref(self.miss))
        core.takt_ledger_settle(ledger)

    def _record(self, index: int) -> list[int]:
        if index >= self.core.takt_ledger_pending(ctypes.byref(self.ledger)):
            return [0] * 10
        kind: Any = self.core.types["takt_ledger_record_t"]
        r = kind.from_address(self.core.takt_ledger_at(ctypes.byref(self.ledger), index))
        return [r.previous, r.first, r.last, r.release_ns, r.late_ns, r.cycle, *r.counts]

    def _answer(self, released: int) -> bytes:
        m, ledger, core = self.monitor, self.ledger, self.core
        config, skipped, miss = self.config, self.skipped, self.miss
        pending = core.takt_ledger_pending(ctypes.byref(ledger))
        numbers = [released, skipped.count]
        numbers += [skipped.first, skipped.first_release_ns] if skipped.count else [0, 0]
        numbers += [1, miss.cause, miss.late_ns] if miss.missed else [0, 0, 0]
        numbers += [m.cycle, m.cycles, m.window_misses]
        numbers += [
            core.takt_deadlines_limit_reached(ctypes.byref(m), ctypes.byref(config)),
            core.takt_deadlines_next_release(ctypes.byref(m), ctypes.byref(config), self.now_ns),
            core.takt_deadlines_missed(ctypes.byref(m)),
        ]
        numbers += m.misses
        numbers += [ledger.boot_count, ledger.sequence, ledger.previous, ledger.confirmed]
        numbers += [ledger.gap_open, pending]
        return struct.pack("<43Q", *numbers, *self._record(max(0, pending - 1)), *self._record(0))
