"""The health of an agent's lines as diagnostics: names with units, drops with reasons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from diagnostic_msgs.msg import DiagnosticStatus

from takt.deadlines import StageClock
from takt.link import handshake
from takt.link.agent import AgentCore
from takt.link.session import Session
from takt.nodes.shell import status
from takt.realtime import Granted

_ENOUGH_BYTES = 200  # of rubbish, until the rate is suspected


class Served(Protocol):
    """A line with its core."""

    core: AgentCore
    is_open: bool
    reopened: int

    @property
    def name(self) -> str: ...


class LineHealth:
    """One line's status, ``agent: link`` for the first and with its name behind for the others."""

    def __init__(self, driver: Served, title: str, granted: Granted) -> None:
        self._driver, self._title, self._granted = driver, title, granted
        self._told = (0, 0, 0)  # when (ns), bytes in, bytes out

    def status(self, now_ns: int, stage: StageClock | None) -> DiagnosticStatus:
        """``stage``: the figures of the commands' way to this line, if they are told here."""
        sessions = self._driver.core.sessions
        level, message = "OK", ""
        if not self._driver.is_open:
            level, message = "WARN", f"waiting for {self._driver.name}"
        elif not sessions:
            level, message = "WARN", self.why_nobody()
        refusals = [session.entities.last_refusal for session in sessions if session.entities.last_refusal]
        values: dict[str, object] = {
            **({**stage.summary(), "buckets": stage.histogram.spread()} if stage else {}),
            **self._counters(sessions),
            **self._rates(now_ns),
            **self._driver.core.stats.round_trips.summary(),
            **_clocks(sessions, self._driver.core.stats.round_trips.summary()),
            **({"last_refusal": refusals[-1]} if refusals else {}),
            "fifo_asked": self._granted.fifo_priority_asked,
            "fifo_granted": self._granted.fifo_priority,
        }
        return status(self._title, values, level, message)

    def why_nobody(self) -> str:
        """What a line without any session shows: silence, another rate, a board that missed our start."""
        name, stats = self._driver.name, self._driver.core.stats
        if stats.bytes_rx > _ENOUGH_BYTES and not stats.rx:
            return f"bytes come in over {name} but no message: does the rate (--baud) fit the board's?"
        if stats.drops.get("no_session"):
            return f"the board at {name} speaks as if it were connected: reset it, or let its code reconnect"
        return f"no board has connected over {name} yet"

    def _counters(self, sessions: list[Session]) -> dict[str, object]:
        core, stats = self._driver.core, self._driver.core.stats
        return {
            "device": self._driver.name,
            "open": self._driver.is_open,
            "sessions": len(sessions),
            "sessions_opened": stats.sessions_opened,
            "sessions_closed": stats.sessions_closed,
            "reopened": max(self._driver.reopened, 0),
            "rx": stats.rx,
            "tx": stats.tx,
            "bytes_rx": stats.bytes_rx,
            "bytes_tx": stats.bytes_tx,
            "samples_to_ros": stats.samples_to_ros,
            "samples_to_board": stats.samples_to_client,
            "crc_errors": core.crc_errors,
            "framing_errors": core.framing_errors,
            "retransmits": stats.retransmits,
            "queue_depth": sum(session.sending.queue_depth() for session in sessions),
            "drops": sum(stats.drops.values()),
            **{f"drops_{reason}": count for reason, count in sorted(stats.drops.items())},
        }

    def _rates(self, now_ns: int) -> dict[str, object]:
        stats = self._driver.core.stats
        when_ns, told_rx, told_tx = self._told
        self._told = now_ns, stats.bytes_rx, stats.bytes_tx
        if not when_ns or now_ns <= when_ns:
            return {}
        seconds = (now_ns - when_ns) / 1e9
        return {
            "rx_bytes_per_s": round((stats.bytes_rx - told_rx) / seconds),
            "tx_bytes_per_s": round((stats.bytes_tx - told_tx) / seconds),
        }


def _clocks(sessions: list[Session], round_trips: Mapping[str, float]) -> dict[str, object]:
    """The board that drifts most; how far off a clock set over this line can be (half the best round trip)."""
    found = [told for session in sessions if (told := session.clock.summary())]
    if not found:
        return {}
    worst = max(found, key=lambda told: abs(told["clock_drift_ppm"]))
    bound = {"clock_error_bound_ms": round_trips["rtt_min_ms"] / 2} if round_trips else {}
    return {**worst, **bound}


def contract_status(sessions: list[Session]) -> DiagnosticStatus:
    """``agent: contract``: ERROR when a Takt board was built from another contract than this computer's."""
    for session in sessions:
        if session.mismatches:
            values = {"sections": ", ".join(session.mismatches), "fix": handshake.FIX}
            return status("agent: contract", values, "ERROR", handshake.mismatch_message(session.mismatches))
    return status("agent: contract", {"boards_checked": sum(session.is_takt for session in sessions)})
