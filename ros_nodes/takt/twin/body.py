"""The robot's body: the plant's physics, the board that ships, and the wires between them, where sensors fail.

Board time is its own: it drifts, and begins anew with every power-up.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from takt.contract import Contract
from takt.simulation.board import MISS_CAUSES, Board, LedgerRecord, make_retained
from takt.simulation.plant import Plant
from takt.simulation.plant_protocol import DutyFrame
from takt.twin.episode import MS

_BOARD_START_NS = 3_000 * MS
_RING_BYTES = 2048
_PERIOD_SHARE = 0.5
_POLL_NS = 2 * MS  # of a link thread that got nothing


@dataclass
class Edge:
    """What is wrong between board and motors, each as its fault sets it."""

    encoder: tuple[str, str] = ("ok", "ok")  # or "broken", "reversed"; left, right
    silent: bool = False  # no encoder samples at all
    jump_counts: int = 0  # added once to the left wheel
    supply_factor: float = 1.0
    motor_factor: tuple[float, float] = (1.0, 1.0)
    e_stop: bool = False
    motor_fault: bool = False

    def mend(self) -> None:
        self.encoder, self.silent = ("ok", "ok"), False
        self.supply_factor, self.motor_factor = 1.0, (1.0, 1.0)
        self.e_stop = self.motor_fault = False


@dataclass(frozen=True)
class BoardTraits:
    """In what a board and the posix port of its firmware differ. ``boot_ns``: from a reset to the first control cycle.
    ``miss_limit``: misses in the contract's window that mean SAFE; 0 takes the contract's for a board.
    ``watchdog_ns``: longest time without a cycle that ended in time, as TAKT_WATCHDOG_MS of the firmware's Kconfig.
    """

    boot_ns: int = 50 * MS
    miss_limit: int = 0
    watchdog_ns: int = 50 * MS


A_BOARD = BoardTraits()


@dataclass
class Burden:
    """What the next control cycle is made to suffer, or, where it lasts, every one until a reset."""

    execution_ns: int = 0
    cpu_ns: int = 0
    late_ns: int = 0
    lasting: bool = False


class Body:
    """``advance`` moves plant and board to the twin's time. A board without power neither drives nor speaks."""

    def __init__(
        self,
        library: Path,
        contract: Contract,
        plant: Plant,
        drift_ppm: float,
        traits: BoardTraits = A_BOARD,
    ) -> None:
        self._traits = traits
        self.plant, self.edge, self.burden = plant, Edge(), Burden()
        self._library, self._contract = library, contract
        self._retained = make_retained(library)
        self._rate = 1.0 + drift_ppm * 1e-6
        self._zero_ns, self._board_zero_ns = 0, _BOARD_START_NS
        self._off_until_ns = 0
        self.link_blocked_until_ns = 0
        self.resets = 0
        self.boots = 0
        self._lives = 1  # of the retained memory
        self.cycles = 0
        self.misses_before = self.refused_before = 0  # of boots that are over
        self.lost: list[LedgerRecord] = []  # with memory that lost power; the host may have them
        self.misses_of_old_boots: dict[str, int] = dict.fromkeys(MISS_CAUSES, 0)
        self.fed_ns = 0  # when the link thread last got bytes
        self.injected: dict[str, int] = dict.fromkeys(MISS_CAUSES, 0)
        self._unread = bytearray()
        self._held_counts = [0, 0]
        self._jumped = 0
        self.board = self._boot(0, watchdog=False)

    # ------------------------------------------------------------------ power

    def _boot(self, now_ns: int, watchdog: bool) -> Board:
        self.boots += 1
        board = Board(
            self._library,
            retained=self._retained,
            watchdog_reset=watchdog,
            miss_limit=self._traits.miss_limit,
            now_ns=self.board_ns(now_ns),
            nonce=self._lives,
        )
        self.release_ns = board.next_release()
        self._feeds, self._bite_ns = 0, board.now_ns + self._traits.watchdog_ns
        return board

    def board_ns(self, now_ns: int) -> int:
        """The board's clock at a time of the twin."""
        return self._board_zero_ns + int((now_ns - self._zero_ns) * self._rate)

    def set_drift(self, drift_ppm: float, now_ns: int) -> None:
        """From now on the board's clock runs so much faster; it does not jump."""
        self._board_zero_ns, self._zero_ns = self.board_ns(now_ns), now_ns
        self._rate = 1.0 + drift_ppm * 1e-6

    def reset(
        self, now_ns: int, *, off_ns: int = 0, keep_memory: bool = True, watchdog: bool = False
    ) -> None:
        """The board starts again after ``off_ns`` without power; a power loss forgets the retained memory."""
        view = self.board.view
        self.misses_before += sum(view.misses)
        self.refused_before += sum(view.refused)
        for cause, count in zip(MISS_CAUSES, view.misses, strict=True):
            self.misses_of_old_boots[cause] += count
        if not keep_memory:
            self.lost += self.board.ledger()
            self._retained = make_retained(self._library)
            self._lives += 1
        self.resets += 1
        self._off_until_ns = now_ns + off_ns + self._traits.boot_ns
        self._zero_ns, self._board_zero_ns = self._off_until_ns, _BOARD_START_NS
        self.board = self._boot(self._off_until_ns, watchdog)
        self.burden, self.link_blocked_until_ns = Burden(), 0
        self._unread.clear()

    def has_power(self, now_ns: int) -> bool:
        return now_ns >= self._off_until_ns

    def misses_by_cause(self) -> dict[str, int]:
        """All that the boards of this run counted."""
        counted = zip(MISS_CAUSES, self.board.view.misses, strict=True)
        return {cause: self.misses_of_old_boots[cause] + count for cause, count in counted}

    # ----------------------------------------------------------------- faults

    def stretch(self, execution_ns: int, cpu_share: float) -> None:
        """The next cycle takes so long, of which so much is its own computing."""
        self.burden.execution_ns = execution_ns
        self.burden.cpu_ns = round(execution_ns * cpu_share)

    def overload(self, execution_ns: int) -> None:
        """Every cycle computes for so long, until the watchdog resets the board."""
        self.burden.execution_ns = self.burden.cpu_ns = execution_ns
        self.burden.lasting = True

    def delay(self, late_ns: int) -> None:
        """The next cycle begins so much after its release."""
        self.burden.late_ns = late_ns

    # ------------------------------------------------------------------- time

    def advance(self, now_ns: int) -> bool:
        """Move to ``now_ns``, which is one step on. Returns whether a control cycle ran that comes to its end.

        The plant is moved when a cycle looks at it; in between it waits, see :attr:`World.plant`.
        """
        board_ns = self._board_zero_ns + int((now_ns - self._zero_ns) * self._rate)
        if board_ns >= self._bite_ns:
            self.reset(now_ns, watchdog=True)
            return False
        if board_ns < self.release_ns + self.burden.late_ns or now_ns < self._off_until_ns:
            return False
        board = self.board
        if board.now_ns > board_ns:
            return False  # still busy with a cycle that takes long
        board.now_ns = board_ns
        self.plant.advance_to(now_ns)
        if not self.edge.silent:
            self._sample()  # samples between two cycles would be overwritten unread
        return self._control()

    def poll_link(self, received: bytes, now_ns: int, room: bool) -> bytes:
        """Let the link thread run, unless it is blocked or the control thread keeps the processor.

        Returns what it wrote, if the wire has ``room``; bytes that arrived meanwhile wait in the UART's ring.
        """
        if now_ns < self._off_until_ns or not (received or self._unread or now_ns % _POLL_NS == 0):
            return b""
        self._unread += received
        board, board_ns = self.board, self.board_ns(now_ns)
        if now_ns < self.link_blocked_until_ns or board.now_ns > board_ns:
            del self._unread[_RING_BYTES:]
            return b""
        board.now_ns = board_ns
        if not self._unread:
            return self._turn(b"", room)
        self.fed_ns, unread = now_ns, bytes(self._unread)
        self._unread.clear()
        return self._turn(unread, room)

    def _turn(self, received: bytes, room: bool) -> bytes:
        if room:
            return self.board.link_turn(received)
        self.board.feed_link(received)
        self.board.link_poll()
        return b""

    def _control(self) -> bool:
        burden = self.burden
        if not burden.lasting:
            self.burden = Burden()
        if self.board.now_ns + burden.execution_ns >= self._bite_ns:
            # The watchdog comes first: this cycle never ends, and leaves no record.
            self.board.now_ns = self._bite_ns
            return False
        if burden.late_ns:
            self.injected["late_release"] += 1
        elif burden.execution_ns:
            self.injected[
                "own_overrun" if burden.cpu_ns > _PERIOD_SHARE * burden.execution_ns else "preempted"
            ] += 1
        self.board.control_cycle(self.release_ns, execution_ns=burden.execution_ns, cpu_ns=burden.cpu_ns)
        self.release_ns = self.board.next_release()
        self.cycles += 1
        view, factor = self.board.view, self.edge.motor_factor
        if view.watchdog_feeds != self._feeds:
            self._feeds, self._bite_ns = view.watchdog_feeds, self.board.now_ns + self._traits.watchdog_ns
        left, right = view.duty[0] * factor[0], view.duty[1] * factor[1]
        self.plant.receive(
            DutyFrame(
                driver_enabled=bool(view.driver_enabled),
                armed=bool(view.armed),
                rung=view.rung,
                cycle=view.cycle,
                board_ns=self.board.now_ns,
                duty=(left * self.edge.supply_factor, right * self.edge.supply_factor),
                setpoint_rad_s=(view.setpoint_rad_s[0], view.setpoint_rad_s[1]),
            )
        )
        return True

    def _sample(self) -> None:
        frame, edge = self.plant.encoder_frame(), self.edge
        self._jumped += edge.jump_counts
        edge.jump_counts = 0
        counts = [frame.counts[0] + self._jumped, frame.counts[1]]
        for side in (0, 1):
            if edge.encoder[side] == "broken":
                counts[side] = self._held_counts[side]
            elif edge.encoder[side] == "reversed":
                counts[side] = 2 * self._held_counts[side] - counts[side]
            else:
                self._held_counts[side] = counts[side]
        self.board.set_encoders(
            (counts[0], counts[1]),
            frame.plant_ns,
            supply_mv=round(frame.supply_mv * edge.supply_factor),
            e_stop=edge.e_stop,
            motor_fault=edge.motor_fault,
        )
