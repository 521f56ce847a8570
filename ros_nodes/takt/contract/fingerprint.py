"""Eight hex digits for each section of the contract, so that a board built from another contract is found and named.

Canonical form: the parsed values (numbers typed by the schema) as JSON with sorted keys. Comments, the order of
keys and the spelling of a number do not count. The hash is the head of its SHA-256.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from takt.contract.sections import Contract

DIGITS = 8

# Sections in the order of the shipped file, which is the order of the digits in the handshake.
SECTIONS = (
    "schema_version",
    "robot",
    "limits",
    "control",
    "safety",
    "planning",
    "topics",
    "services",
    "parameters",
    "stages",
    "ladder",
    "link",
    "scheduling",
)

# What only processes of one host share; it has no digits in the handshake, so a change asks for no new firmware.
HOST_SECTIONS = ("host_topics", "soft_work", "relief", "recording")

# Sections that reach the firmware: the generated C holds these and no others, so these alone must be equal.
BOARD_SECTIONS = (
    *("schema_version", "robot", "limits", "control", "safety"),
    *("topics", "services", "parameters", "link"),
)


def section_hashes(contract: Contract) -> dict[str, str]:
    """Section -> 8 hex digits."""
    return {name: _digest(getattr(contract, name)) for name in SECTIONS}


def differences(ours: str, theirs: str) -> list[str]:
    """Every section whose digits differ between two handshake properties; all of them where one is malformed."""
    if len(theirs) != len(ours):
        return list(SECTIONS)
    pairs = zip(_split(ours), _split(theirs), strict=True)
    return [name for name, (a, b) in zip(SECTIONS, pairs, strict=True) if a != b]


def mismatch(ours: str, theirs: str) -> list[str]:
    """Sections in which board and host disagree and that both must share (``BOARD_SECTIONS``); empty: they fit.

    ``ours`` is this side's ``Contract.hash_property``. ``theirs`` comes off the line and may be anything: a text of
    another length (another schema, or no property at all) differs in every section.
    """
    return [name for name in differences(ours, theirs) if name in BOARD_SECTIONS]


def _split(text: str) -> list[str]:
    return [text[i : i + DIGITS] for i in range(0, len(text), DIGITS)]


def _digest(section: Any) -> str:
    text = json.dumps(_values(section), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:DIGITS]


def _values(section: Any) -> Any:
    if dataclasses.is_dataclass(section) and not isinstance(section, type):
        return dataclasses.asdict(section)
    if isinstance(section, dict):
        return {name: _values(entry) for name, entry in section.items()}
    return section
