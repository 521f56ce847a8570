"""A line in memory: two byte queues, with a hook that may harm what passes. For tests, replay and the twin."""

from __future__ import annotations

from collections.abc import Callable

Harm = Callable[[bytes], bytes]


class MemoryLine:
    """One direction each: ``to_agent`` and ``to_board`` collect bytes until they are taken.

    ``harm_to_agent`` and ``harm_to_board`` see each portion written and return what arrives.
    """

    def __init__(self, harm_to_agent: Harm | None = None, harm_to_board: Harm | None = None) -> None:
        self._to_agent, self._to_board = bytearray(), bytearray()
        self._harm_to_agent, self._harm_to_board = harm_to_agent, harm_to_board

    def board_writes(self, data: bytes) -> None:
        self._to_agent += self._harm_to_agent(data) if self._harm_to_agent else data

    def agent_writes(self, data: bytes) -> None:
        self._to_board += self._harm_to_board(data) if self._harm_to_board else data

    def agent_reads(self) -> bytes:
        data = bytes(self._to_agent)
        self._to_agent.clear()
        return data

    def board_reads(self) -> bytes:
        data = bytes(self._to_board)
        self._to_board.clear()
        return data
