"""Does the board obey the same contract? Told by a property of its CREATE_CLIENT: 8 hex digits a section."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from takt import contract as contracts
from takt.contract import Contract

PROPERTY = "takt_contract"
FIX = "build the firmware from this computer's contract and flash it (./run firmware PORT)"


def _no_difference(_told: str) -> Sequence[str]:
    return ()


@dataclass(frozen=True)
class Handshake:
    """What a board of ours must say, and what is kept from one that says something else.

    ``differs``: the sections that do not agree with a board's property. ``topics`` and ``services``: absolute ROS
    names that such a board is not given.
    """

    differs: Callable[[str], Sequence[str]] = _no_difference
    topics: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()

    def mismatches(self, properties: Mapping[str, str]) -> tuple[str, ...]:
        """The sections that differ; empty for an equal contract and for a board that is not one of ours."""
        told = properties.get(PROPERTY)
        return () if told is None else tuple(self.differs(told))


def of_contract(contract: Contract) -> Handshake:
    """A board of another contract gets neither commands nor permission to move."""
    ours = contract.hash_property
    return Handshake(
        differs=lambda told: contracts.mismatch(ours, told),
        topics=frozenset({absolute(contract.topics["cmd_vel"].ros_name)}),
        services=frozenset({absolute(contract.services["arm"].ros_name)}),
    )


def absolute(ros_name: str) -> str:
    return "/" + ros_name.lstrip("/")


def mismatch_message(sections: Sequence[str]) -> str:
    """One line for the person at the robot."""
    return (
        f"takt.contract.mismatch: the board was built from another contract; different: {', '.join(sections)}"
    )


def refusal_reply(message: str) -> bytes:
    """A std_srvs SetBool or Trigger response, success false, with encapsulation: both have this layout."""
    text = message.encode() + b"\0"
    return b"\x00\x01\x00\x00" + struct.pack("<B3xI", 0, len(text)) + text
