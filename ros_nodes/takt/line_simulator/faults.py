"""What a bad line does to the bytes that pass: dropped, flipped, repeated and split portions, by seed.

A portion is what lies between two frame flags (7E), at most 1024 bytes. The fate of portion n is drawn from the seed
and n alone, with the same number of draws whatever the rates are: neither the clock nor how reads cut the stream has a
part in it.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields
from functools import cached_property

from takt.errors import TaktError

_FLAG = b"\x7e"
_HEADER = 5  # flag, source, destination, length
_PORTION_MAX = 1024
_HEADER_SHARE = 0.2  # of the flips that hit flag, addresses or length


@dataclass(frozen=True)
class Rates:
    """Chance of each fate for a portion, 0 to 1; together at most 1. ``split_pause_ms``: the gap within a split one."""

    drop: float = 0.0
    flip: float = 0.0
    duplicate: float = 0.0
    split: float = 0.0
    split_pause_ms: float = 5.0

    def __post_init__(self) -> None:
        chances = (self.drop, self.flip, self.duplicate, self.split)
        if not all(0.0 <= chance <= 1.0 for chance in chances) or sum(chances) > 1.0:
            raise TaktError(f"fault rates {chances} are no chances", "give 0 to 1 each, at most 1 together")
        if not 0.0 <= self.split_pause_ms <= 10_000.0:
            raise TaktError(f"split pause {self.split_pause_ms} ms is out of range", "give 0 to 10000 ms")

    @cached_property
    def of_fate(self) -> tuple[tuple[str, float], ...]:
        """The fates that can be met, each with its chance."""
        chances = (
            ("drop", self.drop),
            ("flip", self.flip),
            ("duplicate", self.duplicate),
            ("split", self.split),
        )
        return tuple((fate, chance) for fate, chance in chances if chance > 0.0)


RATE_NAMES = tuple(field.name for field in fields(Rates))


class FaultyStream:
    """One direction of a line. ``counts`` tells how many portions met which fate, ``portions`` how many began."""

    def __init__(self, seed: int, direction: str, rates: Rates | None = None) -> None:
        self.rates = rates or Rates()
        self._rng = random.Random(f"{seed} {direction}")
        self.portions = 0
        self.counts = {"drop": 0, "flip": 0, "duplicate": 0, "split": 0}
        self._fate = ""
        self._place = 0.0
        self._position = 0
        self._header = b""
        self._target = -1  # index of the byte to flip or to pause before, once known
        self._copy: list[bytes] = []

    def apply(self, data: bytes) -> list[tuple[bytes, int]]:
        """What arrives instead: pieces in order, each with the pause before it in ns."""
        head, *rest = data.split(_FLAG)
        out = self._continue(head) if head else []
        for part in rest:
            out += self._begin()
            out += self._continue(_FLAG + part)
        return out

    def _begin(self) -> list[tuple[bytes, int]]:
        """The portion under way has ended: its repetition goes out, and the next one's fate is drawn."""
        again = [(b"".join(self._copy), 0)] if self._copy else []
        chance, self._place = self._rng.random(), self._rng.random()
        self.portions += 1
        self._fate, self._position, self._target = "", 0, -1
        self._header, self._copy = b"", []
        for fate, share in self.rates.of_fate:
            chance -= share
            if chance < 0.0:
                self._fate = fate
                self.counts[fate] += 1
                break
        return again

    def _continue(self, part: bytes) -> list[tuple[bytes, int]]:
        out: list[tuple[bytes, int]] = []
        if not self.portions or self._position + len(part) > _PORTION_MAX:
            out += self._begin()
        if self._fate == "duplicate":
            self._copy.append(part)
        if self._fate == "drop":
            part = b""
        elif self._fate in ("flip", "split"):
            return out + self._harm(part)
        self._position += len(part)
        return [*out, (part, 0)] if part else out

    def _harm(self, part: bytes) -> list[tuple[bytes, int]]:
        """Flip one bit at the place drawn, or pause there."""
        self._aim(part)
        at = self._target - self._position
        self._position += len(part)
        if not 0 <= at < len(part):
            return [(part, 0)]
        if self._fate == "split":
            pause_ns = int(self.rates.split_pause_ms * 1e6)
            return [(part[:at], 0), (part[at:], pause_ns)] if at else [(part, pause_ns)]
        bit = 1 << int(self._place * 7919) % 8
        return [(part[:at] + bytes((part[at] ^ bit,)) + part[at + 1 :], 0)]

    def _aim(self, part: bytes) -> None:
        """Choose the byte: in the header at once, behind it when the announced length is known."""
        if self._target >= 0:
            return
        if self._place < _HEADER_SHARE:
            self._target = int(self._place / _HEADER_SHARE * _HEADER)
            return
        self._header = (self._header + part)[:_HEADER]
        if len(self._header) == _HEADER:
            size = min(self._header[3] | self._header[4] << 8, _PORTION_MAX) + 2
            share = (self._place - _HEADER_SHARE) / (1.0 - _HEADER_SHARE)
            self._target = _HEADER + int(share * size)
