"""Does the board obey the same contract? Told by a property of its CREATE_CLIENT: 8 hex digits a section."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

PROPERTY = "takt_contract"
FIX = "build the firmware from this contract (takt contract generate, ./run firmware PORT) and flash it"
_DIGITS = 8


@dataclass(frozen=True)
class Handshake:
    """What a board of ours must say, and what is kept from one that says something else.

    ``hashes``: 8 hex digits by section, in the contract's order. ``topics`` and ``services``: absolute ROS names.
    """

    hashes: Mapping[str, str] = field(default_factory=dict)
    topics: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def mismatches(self, properties: Mapping[str, str]) -> tuple[str, ...]:
        """The sections that differ; empty for an equal contract and for a board that is not one of ours."""
        told = properties.get(PROPERTY)
        if told is None or not self.hashes:
            return ()
        sections = list(self.hashes)
        if len(told) != _DIGITS * len(sections):
            return tuple(sections)
        parts = [told[start : start + _DIGITS] for start in range(0, len(told), _DIGITS)]
        return tuple(
            section
            for section, part in zip(sections, parts, strict=True)
            if self.hashes[section] != part.lower()
        )


def mismatch_message(sections: tuple[str, ...]) -> str:
    """One line for the person at the robot."""
    return (
        f"takt.contract.mismatch: the board was built from another contract (differs: {', '.join(sections)})"
    )


def refusal_reply(message: str) -> bytes:
    """A std_srvs SetBool or Trigger response, success false, with encapsulation: both have this layout."""
    text = message.encode() + b"\0"
    return b"\x00\x01\x00\x00" + struct.pack("<B3xI", 0, len(text)) + text
