"""The deadline contract: the one definition that both computers obey (config/contract.yaml).

``load`` reads and validates it, ``mismatch`` compares two handshake properties. ``takt.contract.command`` is
`takt contract check|generate`; the generated codecs are in ``takt.contract.generated``.
"""

from __future__ import annotations

import os
from pathlib import Path

from takt.contract import document, validate
from takt.contract.fingerprint import BOARD_SECTIONS, SECTIONS, differences, mismatch
from takt.contract.sections import (
    Contract,
    HostTopic,
    Ladder,
    Limits,
    Link,
    Recording,
    Robot,
    Safety,
    Service,
    Stage,
    Topic,
)
from takt.resources import path as resource_path

__all__ = [
    "BOARD_SECTIONS",
    "SECTIONS",
    "Contract",
    "HostTopic",
    "Ladder",
    "Limits",
    "Link",
    "Recording",
    "Robot",
    "Safety",
    "Service",
    "Stage",
    "Topic",
    "differences",
    "load",
    "mismatch",
]

CONTRACT_FILE = "config/contract.yaml"
OVERRIDE = "TAKT_CONTRACT"  # environment variable, so that every process of a run obeys the same file


def load(path: Path | None = None) -> Contract:
    """Read and validate a contract: ``path``, else the file that TAKT_CONTRACT names, else the shipped one.

    Raises TaktError that names file, line, key, value and allowed range.
    """
    named = os.environ.get(OVERRIDE)
    source = path or (Path(named) if named else resource_path(CONTRACT_FILE))
    return validate.contract_from(document.read(source))
