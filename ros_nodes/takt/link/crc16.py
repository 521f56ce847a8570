"""CRC-16/ARC (polynomial 8005 reflected, start 0), the check of every serial frame.

The wheel ``fastcrc`` does it in C. Without it a table of 65 536 entries takes two bytes a step: still no
per-byte loop, about 15 us for a full frame.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable
from functools import lru_cache

_POLYNOMIAL_REFLECTED = 0xA001


def _byte_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (_POLYNOMIAL_REFLECTED if value & 1 else 0)
        table.append(value)
    return table


@lru_cache(maxsize=1)
def _tables() -> tuple[list[int], array[int]]:
    """The table for one byte and the one for two; built on first use (some 20 ms)."""
    one = _byte_table()
    two = array(
        "H", (one[(one[word & 0xFF] ^ (word >> 8)) & 0xFF] ^ (one[word & 0xFF] >> 8) for word in range(65536))
    )
    return one, two


def crc16_pure(data: bytes) -> int:
    """CRC-16/ARC of ``data`` without any compiled helper."""
    one, two = _tables()
    even = len(data) & ~1
    words = array("H", data[:even])
    if sys.byteorder == "big":
        words.byteswap()
    crc = 0
    for word in words:
        crc = two[crc ^ word]
    if len(data) != even:
        crc = one[(crc ^ data[even]) & 0xFF] ^ (crc >> 8)
    return crc


def _select() -> Callable[[bytes], int]:
    try:
        from fastcrc import crc16
    except ImportError:
        return crc16_pure
    return crc16.arc


crc16: Callable[[bytes], int] = _select()
