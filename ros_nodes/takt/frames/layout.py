"""Where each byte of a ring lies. A change here is a new LAYOUT_VERSION, and old segments are replaced.

    ring header | slot 0 | slot 1 | ...        slot = lock words and header, attachment, pixels (page aligned)

All numbers are native 8-byte words (``words[offset // 8]``); both ends run on one machine. A slot's lock word holds
``2 * sequence`` while frame ``sequence`` is complete in it and an odd number while somebody writes, so that one word is
seqlock and generation at once: a reader that sees its own number before and after has read that frame and no other.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from takt.errors import TaktError

MAGIC = 0x474E_4952_544B_4154  # "TAKTRING" read as a little-endian word
LAYOUT_VERSION = 2
ENCODING_RGB8 = 1
CHANNELS = 3
MAX_DETECTIONS = 32
MIN_SLOTS = 3  # one being written, one being read, one newest
_PAGE = 4096

# Ring header, in words. Words of different writers lie in different cache lines.
RING_MAGIC = 0
RING_VERSION = 1
RING_WIDTH = 2
RING_HEIGHT = 3
RING_SLOTS = 4
RING_ENCODING = 5
RING_MAX_DETECTIONS = 6
RING_NEWEST = 16  # camera: newest published sequence, 0 before the first
RING_NEWEST_ATTACHED = 24  # detector: newest sequence that has results, 0 before the first
RING_ATTACH_DROPPED = 25  # detector: results dropped because their frame's slot was recycled
RING_ANNOTATOR_STATE = 26  # detector: state of its breaker, 0 closed (well), 1 open, 2 half open
RING_QUALITY_STEP = 27  # detector: how closely it looks, 0 is closest
RING_BYTES = _PAGE

# Slot, in words from its begin.
SLOT_LOCK = 0
SLOT_CAPTURE_STAMP_NS = 1
SLOT_CAPTURE_ENTER_NS = 2
SLOT_CAPTURE_EXIT_NS = 3
ATTACH_LOCK = 8
ATTACH_CAPTURE_STAMP_NS = 9
ATTACH_CAPTURE_ENTER_NS = 10
ATTACH_CAPTURE_EXIT_NS = 11
ATTACH_ENTER_NS = 12
ATTACH_EXIT_NS = 13
ATTACH_COUNT = 14
# Slot, in bytes from its begin.
BOXES_OFFSET = 128
SCORES_OFFSET = BOXES_OFFSET + MAX_DETECTIONS * 4 * 4
CLASS_IDS_OFFSET = SCORES_OFFSET + MAX_DETECTIONS * 4
PIXELS_OFFSET = _PAGE

_HEADER = struct.Struct("@7Q")


@dataclass(frozen=True)
class Layout:
    """The shape of one ring; ``slots`` frames of ``width_px`` x ``height_px`` rgb8 pixels."""

    width_px: int
    height_px: int
    slots: int

    def __post_init__(self) -> None:
        if not (1 <= self.width_px <= 16384 and 1 <= self.height_px <= 16384):
            raise TaktError(
                f"a frame of {self.width_px} x {self.height_px} pixels fits no ring",
                "use 1 to 16384 pixels a side",
            )
        if not MIN_SLOTS <= self.slots <= 1024:
            raise TaktError(f"a ring cannot have {self.slots} slots", f"use {MIN_SLOTS} to 1024 slots")

    @property
    def slot_bytes(self) -> int:
        pixels = self.width_px * self.height_px * CHANNELS
        return PIXELS_OFFSET + -(-pixels // _PAGE) * _PAGE

    @property
    def total_bytes(self) -> int:
        return RING_BYTES + self.slots * self.slot_bytes

    def slot_offset(self, index: int) -> int:
        """Byte offset of slot ``index``."""
        return RING_BYTES + index * self.slot_bytes

    def header(self) -> bytes:
        """The constant words of the ring header."""
        return _HEADER.pack(
            MAGIC, LAYOUT_VERSION, self.width_px, self.height_px, self.slots, ENCODING_RGB8, MAX_DETECTIONS
        )


def parse(header: bytes, size_bytes: int) -> Layout | None:
    """The layout that a segment's first bytes state; None if it is no ring of this version or its size does not fit."""
    if len(header) < _HEADER.size:
        return None
    magic, version, width_px, height_px, slots, encoding, detections = _HEADER.unpack_from(header)
    if (magic, version, encoding, detections) != (MAGIC, LAYOUT_VERSION, ENCODING_RGB8, MAX_DETECTIONS):
        return None
    try:
        layout = Layout(width_px, height_px, slots)
    except TaktError:
        return None
    return layout if layout.total_bytes == size_bytes else None
