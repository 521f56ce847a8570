"""A board, a cable, an agent and the host's ledger in one process, and everything that goes wrong between them.

Shipped C board, shipped agent core, shipped ledger file; the clock is moved by `LedgerChaos` alone, in half cycles.
Misses are injected as times of start, execution and processor; the line stalls, breaks, flips bits; board, agent
and host restart; power is lost. Seeded.
"""

from __future__ import annotations

import ctypes
import random
from pathlib import Path

from takt.contract import Contract
from takt.contract.generated import messages
from takt.link.agent import AgentCore
from takt.link.handshake import of_contract
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.simulation.board import Board
from takt.simulation.ledger_truth import Truth
from takt.supervision.ledger_file import LedgerFile

MS = 1_000_000
_ROS_START_NS = 1_700_000_000_000_000_000
_MISS_TOPIC, _ACK_TOPIC = "rt/base/deadline_misses", "rt/base/ledger_ack"
_ANNOUNCE_NS = 1_000 * MS
_QUIET, _RARE, _BURST = 0.002, 0.015, 0.30  # misses a cycle


class Line:
    """Both directions of a cable. ``deaf_until_ns``: bytes wait; ``broken_until_ns``: bytes are gone."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self.deaf_until_ns = self.broken_until_ns = 0
        self.error_rate = 0.0
        self._waiting = [b"", b""]

    def carry(self, direction: int, data: bytes, now_ns: int) -> bytes:
        """What arrives now of all that was sent in this direction (0: from the board)."""
        if now_ns < self.broken_until_ns:
            return b""
        waiting = self._waiting[direction] + data
        if now_ns < self.deaf_until_ns:
            self._waiting[direction] = waiting[-4096:]
            return b""
        self._waiting[direction] = b""
        if waiting and self._rng.random() < self.error_rate:
            place = self._rng.randrange(len(waiting))
            waiting = (
                waiting[:place]
                + bytes((waiting[place] ^ 1 << self._rng.randrange(8),))
                + waiting[place + 1 :]
            )
        return waiting


class LedgerChaos:
    """``run(cycles)``, then ``settle()``; ``lives`` are the truths, one for each life of the retained memory."""

    def __init__(self, library: Path, contract: Contract, path: Path, seed: int) -> None:
        self._library, self._contract, self._path = library, contract, path
        self._rng = random.Random(seed)
        self._period_ns = 1_000_000_000 // contract.control.rate_hz
        self.now_ns = 0
        self.events = dict.fromkeys(
            ("resets", "power_losses", "agent_restarts", "host_restarts", "stalls", "breaks"), 0
        )
        self.lives: list[Truth] = []
        self.reconnects = 0
        self._ros = MemoryRos()
        self._agent: AgentCore | None = self._new_agent()
        self._agent_back_ns = 0
        self._host = LedgerFile(path)
        self._announce_ns = 0
        self._line = Line(self._rng)
        self._miss_rate, self._mood_ends_ns = _RARE, 0
        self._release_ns = 0
        self._power_up()

    def run(self, cycles: int) -> None:
        """So many cycles that ran, with mishaps."""
        for _ in range(cycles):
            self._mishap()
            self._cycle(self._rng.random() < self._miss_rate)

    def settle(self, limit_s: float = 900.0) -> bool:
        """No more mishaps; True when the host has all."""
        self._line.deaf_until_ns = self._line.broken_until_ns = 0
        self._line.error_rate = 0.0
        end_ns = self.now_ns + round(limit_s * 1e9)
        while self.now_ns < end_ns:
            self._cycle(False)
            misses = self.lives[-1].misses
            if not misses or self._host.confirmed == misses[-1].identity:
                return True
        return False

    def close(self) -> None:
        self._host.close()

    # ---- one cycle ----

    def _cycle(self, miss: bool) -> None:
        """The board's cycle at its release, the link before and half way."""
        release_ns = self._release_ns
        self._carry_until(release_ns)
        late_ns, execution_ns, cpu_ns = self._times(miss)
        board = self._board
        board.now_ns = release_ns + late_ns
        board.control_cycle(release_ns, execution_ns=execution_ns, cpu_ns=cpu_ns)
        truth = self.lives[-1]
        truth.cycle(release_ns, late_ns, execution_ns, cpu_ns)
        end_ns = release_ns + late_ns + execution_ns
        self._release_ns = board.next_release(end_ns)
        assert self._release_ns == truth.next_release(end_ns), "the grid is kept"
        self._carry_until(max(end_ns, release_ns + self._period_ns // 2))

    def _times(self, miss: bool) -> tuple[int, int, int]:
        """Lateness of the start, execution, processor time."""
        rng, period_ns = self._rng, self._period_ns
        if not miss:
            execution_ns = (
                rng.choice((rng.randrange(period_ns // 2), period_ns)) if rng.random() < 0.1 else 80_000
            )
            return 0, execution_ns, execution_ns
        stretch_ns = period_ns + 1 + int(rng.expovariate(1.0) * period_ns)
        kind = rng.random()
        if kind < 0.35:
            return 0, stretch_ns, stretch_ns
        if kind < 0.65:
            return stretch_ns, 100_000, 100_000
        if kind < 0.95:
            return rng.randrange(period_ns // 4), stretch_ns, rng.randrange(period_ns // 2)
        return 0, rng.randrange(10, 90) * period_ns, 50_000

    def _carry_until(self, board_ns: int) -> None:
        """The world goes on to this board time, then everyone talks once."""
        self.now_ns = max(self.now_ns, self._born_ns + board_ns)
        now_ns, board = self.now_ns, self._board
        board.now_ns = max(board.now_ns, now_ns - self._born_ns)
        self._ros.clock_ns = _ROS_START_NS + now_ns
        self._host_turn(now_ns)
        to_board = b""
        if self._agent is not None:
            self._agent.run(now_ns)
            to_board = self._agent.transmit()
        elif now_ns >= self._agent_back_ns:
            self._agent = self._new_agent()
        board.feed_link(self._line.carry(1, to_board, now_ns))
        board.link_poll()
        from_board = self._line.carry(0, board.take_link(), now_ns)
        if self._agent is not None and from_board:
            self._agent.receive(from_board, now_ns)
        self._take_from_ros()

    def _take_from_ros(self) -> None:
        for what, name, data in self._ros.log:
            if what == "publish" and name == _MISS_TOPIC:
                array = messages.DiagnosticArray.from_cdr(data[len(ENCAPSULATION) :])
                for status in array.status:
                    if self._host.take({pair.key: pair.value for pair in status.values}):
                        self._announce_ns = 0
        self._ros.log.clear()

    def _host_turn(self, now_ns: int) -> None:
        """As the supervisor does: once a second, and at once after a record."""
        if self._agent is not None and self._host.confirmed and now_ns >= self._announce_ns:
            self._announce_ns = now_ns + _ANNOUNCE_NS
            self._ros.deliver(_ACK_TOPIC, messages.UInt64(data=self._host.confirmed).to_cdr())

    # ---- mishaps ----

    def _mishap(self) -> None:
        rng = self._rng
        if self.now_ns >= self._mood_ends_ns:
            self._miss_rate = rng.choice((_QUIET, _QUIET, _RARE, _RARE, _RARE, _BURST))
            self._mood_ends_ns = self.now_ns + (3_000 if self._miss_rate == _BURST else 60_000) * MS
            self._line.error_rate = rng.choice((0.0, 0.0, 0.001, 0.01))
        chance = rng.random()
        if chance < 0.00010:
            self._reset(watchdog=rng.random() < 0.5)
        elif chance < 0.00012:
            self._lose_power()
        elif chance < 0.00020:
            self._kill_agent()
        elif chance < 0.00030:
            self.events["host_restarts"] += 1
            self._host.close()
            self._host = LedgerFile(self._path)
        elif chance < 0.0005:
            self.events["stalls"] += 1
            self._line.deaf_until_ns = self.now_ns + rng.choice((200, 2_000, 20_000)) * MS
        elif chance < 0.0007:
            self.events["breaks"] += 1
            self._line.broken_until_ns = self.now_ns + rng.choice((50, 1_000, 15_000)) * MS

    def _power_up(self) -> None:
        """Retained memory is lost; a board with an empty one begins a new life."""
        self.lives.append(Truth(self._period_ns))
        self._start(None, watchdog=False)

    def _start(self, retained: ctypes.Array[ctypes.c_char] | None, watchdog: bool) -> None:
        self._born_ns = self.now_ns
        self._board = Board(
            self._library, retained=retained, watchdog_reset=watchdog, nonce=self._rng.randrange(1, 1 << 20)
        )
        self.lives[-1].boot(self._board.ledger_boot)
        self._release_ns = self._board.next_release(0)

    def _reset(self, watchdog: bool) -> None:
        self.events["resets"] += 1
        self.now_ns += self._rng.randrange(5, 400) * MS
        self._start(self._board.retained, watchdog)

    def _lose_power(self) -> None:
        self.events["power_losses"] += 1
        self.now_ns += self._rng.randrange(100, 3_000) * MS
        self._power_up()

    def _kill_agent(self) -> None:
        self.events["agent_restarts"] += 1
        if self._agent is not None:
            self._agent.close()
        self._agent = None
        self._agent_back_ns = self.now_ns + self._rng.choice((100, 2_000, 10_000)) * MS

    def _new_agent(self) -> AgentCore:
        return AgentCore(self._ros, handshake=of_contract(self._contract))
