"""Board and nodes that miss, a line and a host that fail, all into one ledger, in virtual time. Seeded.

To the mishaps of takt.simulation.ledger_chaos this adds the host's own misses: nodes with their outboxes, messages
between node and supervisor that get lost, and kill -9 of either at any moment, also in the middle of a line.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from takt.contract import Contract
from takt.deadlines import Miss
from takt.deadlines.miss import HOST_CAUSES, UNKNOWN
from takt.deadlines.outbox import Offer, Outbox
from takt.simulation.ledger_chaos import MS, LedgerChaos
from takt.supervision.ledger_file import LedgerFile

SOURCES = ("camera", "detector", "planner", "agent")
_DECIDE_NS, _AGAIN_NS = 25 * MS, 500 * MS
_LOSS = 0.05  # of messages between node and supervisor while both run
_TORN = b'{"source":"planner","epoch":17,"sequ'
_LIMIT = 64  # small, so that gaps are made
_RATES = (0.0005, 0.01, 0.01, 0.3)


@dataclass
class NodeTruth:
    """Misses that a node made in one epoch, by number: their causes."""

    causes: dict[int, str] = field(default_factory=dict)


class SimulatedNode:
    """One node with its outbox: misses, tells, is confirmed, dies and comes back."""

    def __init__(self, source: str, folder: Path, rng: random.Random) -> None:
        self._source, self._path, self._rng = source, folder / f"outbox.{source}", rng
        self.truth: dict[int, NodeTruth] = {}
        self._deciding: list[tuple[int, Miss]] = []
        self._again_ns = 0
        self._back_ns: int | None = None
        self._start(1)

    def turn(self, now_ns: int, rate: float) -> list[str]:
        """Perhaps miss; returns what is told now, as lines."""
        if self._back_ns is not None:
            if now_ns < self._back_ns:
                return []
            self._start(now_ns // MS)
        if self._rng.random() < rate:
            self._miss(now_ns)
        told = False
        while self._deciding and now_ns >= self._deciding[0][0]:
            miss = self._deciding.pop(0)[1]
            cause = self._rng.choice(HOST_CAUSES)
            self._outbox.decide(miss, cause, {"run_queue_wait_ms": 1.0})
            self.truth[miss.epoch].causes[miss.sequence] = cause
            told = True
        if told:
            return [offer.to_json() for offer in self._outbox.offers()[-1:]]
        if now_ns - self._again_ns < _AGAIN_NS:
            return []
        self._again_ns = now_ns
        return [offer.to_json() for offer in self._outbox.offers(50)]

    def confirm(self, epoch: int, sequence: int) -> None:
        """The supervisor's word, if anybody is there to hear it."""
        if self._back_ns is None:
            self._outbox.confirm(epoch, sequence)

    def kill(self, now_ns: int) -> None:
        """kill -9, perhaps while it writes a line; what it had not decided stays unknown."""
        if self._back_ns is not None:
            return
        self._outbox.close()
        if self._rng.random() < 0.5:
            with self._path.open("ab") as file:
                file.write(_TORN[: self._rng.randrange(1, len(_TORN))])
        self._deciding.clear()
        self._back_ns = now_ns + self._rng.choice((50, 400, 3_000)) * MS

    @property
    def waiting(self) -> int:
        """Misses that are not on disk, or nobody there to say."""
        return self._outbox.waiting if self._back_ns is None else 1

    def _start(self, epoch: int) -> None:
        self._back_ns = None
        self._outbox = Outbox(self._path, self._source, epoch, _LIMIT)
        self.truth[self._outbox.epoch] = NodeTruth()

    def _miss(self, now_ns: int) -> None:
        miss = self._outbox.add("plan", now_ns, self._rng.randrange(1, 50 * MS), {})
        self.truth[miss.epoch].causes[miss.sequence] = UNKNOWN
        self._deciding.append((now_ns + _DECIDE_NS, miss))


class HostLedgerChaos(LedgerChaos):
    """``run`` and ``settle`` as in the base; ``nodes`` hold what each of them missed."""

    def __init__(self, library: Path, contract: Contract, path: Path, seed: int) -> None:
        self._dice = random.Random(seed ^ 0x5EED)
        self.nodes = {name: SimulatedNode(name, path.parent, self._dice) for name in SOURCES}
        self.kills: Counter[str] = Counter()
        self._host_back_ns: int | None = None
        self._quiet = False
        super().__init__(library, contract, path, seed)

    def settle(self, limit_s: float = 900.0) -> bool:
        """No more mishaps and misses; True when the host has all of board and nodes."""
        self._quiet = True
        if not super().settle(limit_s):
            return False
        end_ns = self.now_ns + round(limit_s * 1e9)
        while self.now_ns < end_ns and any(node.waiting for node in self.nodes.values()):
            self._cycle(False)
        return self.now_ns < end_ns

    def _host_turn(self, now_ns: int) -> None:
        if self._host_back_ns is not None:
            if now_ns < self._host_back_ns:
                return
            self._host_back_ns = None
            self._host = LedgerFile(self._path)
        super()._host_turn(now_ns)

    def _take_from_ros(self) -> None:
        if self._host_back_ns is not None:
            self._ros.log.clear()
            return
        super()._take_from_ros()

    def _carry_until(self, board_ns: int) -> None:
        super()._carry_until(board_ns)
        told = {
            name: node.turn(self.now_ns, 0.0 if self._quiet else self._rate(name))
            for name, node in self.nodes.items()
        }
        if self._host_back_ns is not None:
            return
        offers = [
            Offer.from_json(line) for lines in told.values() for line in lines if self._dice.random() > _LOSS
        ]
        for offer in offers:
            self._host.take_offer(offer)
        if offers and not self._quiet and self._dice.random() < 0.0005:
            self._kill_host("kill_before_sync")  # taken, not yet on disk, and so not confirmed
            return
        self._host.sync()
        for source, epoch in {(offer.miss.source, offer.miss.epoch) for offer in offers}:
            sequence = self._host.confirmed_of(source, epoch)
            if sequence is not None and self._dice.random() > _LOSS:
                self.nodes[source].confirm(epoch, sequence)

    def _rate(self, name: str) -> float:
        """Bursts now and then, at most one node at a time."""
        burst = self.now_ns // (20_000 * MS) % 7 == SOURCES.index(name)
        return _RATES[3] if burst else _RATES[SOURCES.index(name) % 3]

    def _mishap(self) -> None:
        super()._mishap()
        chance = self._dice.random()
        if chance < 0.0004:
            name = self._dice.choice(SOURCES)
            self.kills[name] += 1
            self.nodes[name].kill(self.now_ns)
        elif chance < 0.0006 and self._host_back_ns is None:
            self._kill_host("supervisor")

    def _kill_host(self, why: str) -> None:
        """kill -9: what it had not handed to the kernel is gone, and a line may be cut off."""
        self.kills[why] += 1
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, self._host._file.fileno())  # its buffer ends there
        os.close(nowhere)
        self._host.close()
        if self._dice.random() < 0.5:
            with self._path.open("ab") as file:
                file.write(_TORN[: self._dice.randrange(1, len(_TORN))])
        self._host_back_ns = self.now_ns + self._dice.choice((20, 500, 4_000)) * MS
