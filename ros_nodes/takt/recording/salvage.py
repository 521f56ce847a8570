"""Reads MCAP files that may end in the middle: everything up to the last whole chunk, and what is wrong behind it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import zstandard
from mcap.exceptions import McapError
from mcap.records import Attachment, Channel, Footer, McapRecord, Message, Metadata, Schema
from mcap.stream_reader import CRCValidationError, StreamReader

from takt.errors import TaktError

_LARGEST_RECORD_BYTES = 256 * 1024 * 1024
# What the library and the decompressors raise on bytes that are no MCAP; none of them says more than "damaged".
_DAMAGE = (
    McapError,
    CRCValidationError,
    zstandard.ZstdError,
    zlib.error,
    struct.error,
    ValueError,
    KeyError,
    IndexError,
    MemoryError,
    OverflowError,
)


@dataclass
class Damage:
    """What was wrong with a file that was read; ``what`` is empty when it was whole."""

    what: str = ""


def records_of(path: Path, damage: Damage) -> Iterator[McapRecord]:
    """Schemas, channels, messages, metadata and attachments in order of the file, as far as it is whole.

    Afterwards ``damage`` says whether there was more. Raises TaktError when the file cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise TaktError(f"{path} cannot be read ({error.strerror})", "check the path") from None
    wanted = (Schema, Channel, Message, Metadata, Attachment)
    seen_end = False
    with file:
        reader = StreamReader(file, validate_crcs=True, record_size_limit=_LARGEST_RECORD_BYTES)
        try:
            for record in reader.records:
                seen_end = isinstance(record, Footer)
                if isinstance(record, wanted):
                    yield record
        except _DAMAGE as error:
            where = f"at byte {file.tell()} of {path.stat().st_size}"
            if not seen_end:
                damage.what = f"{path.name} ends early or is damaged {where} ({type(error).__name__})"
