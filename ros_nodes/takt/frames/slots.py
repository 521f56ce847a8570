"""One slot of a ring as typed views, and the two seqlocks in it. Used by FrameRing only."""

from __future__ import annotations

import mmap

import numpy as np
from numpy.typing import NDArray

from takt.frames import layout as at
from takt.frames.ordering import fence
from takt.frames.records import Attached, Detections, FrameHeader

_SIGN = 1 << 63


def stored(stamp_ns: int) -> int:
    """A signed stamp as the unsigned word that holds it."""
    return stamp_ns & 0xFFFF_FFFF_FFFF_FFFF


def loaded(word: int) -> int:
    """The inverse of ``stored``."""
    return word - (1 << 64) if word & _SIGN else word


class Slot:
    """Views into one slot; ``pixels`` (H, W, 3) uint8 rgb. Made once for each slot when a ring is mapped."""

    def __init__(self, memory: mmap.mmap, layout: at.Layout, index: int) -> None:
        begin = layout.slot_offset(index)
        end = begin + at.PIXELS_OFFSET
        self._words = memoryview(memory)[begin:end].cast("Q")
        shape = (layout.height_px, layout.width_px, at.CHANNELS)
        self.pixels: NDArray[np.uint8] = np.ndarray(shape, np.uint8, memory, begin + at.PIXELS_OFFSET)
        self._boxes = np.ndarray((at.MAX_DETECTIONS, 4), np.float32, memory, begin + at.BOXES_OFFSET)
        self._scores = np.ndarray((at.MAX_DETECTIONS,), np.float32, memory, begin + at.SCORES_OFFSET)
        self._class_ids = np.ndarray((at.MAX_DETECTIONS,), np.int32, memory, begin + at.CLASS_IDS_OFFSET)
        self.sequence = 0  # of the frame that this process is writing here

    def complete_sequence(self) -> int:
        """The sequence of the complete frame in this slot; 0 when there is none or it is being written."""
        lock = self._words[at.SLOT_LOCK]
        return 0 if lock & 1 else lock // 2

    def begin_frame(self, sequence: int) -> None:
        """From here on nobody takes this slot for a complete frame."""
        self.sequence = sequence
        self._words[at.SLOT_LOCK] = 2 * sequence - 1
        fence()

    def end_frame(self, header: FrameHeader) -> None:
        """Write the header and declare the frame complete."""
        words = self._words
        words[at.SLOT_CAPTURE_STAMP_NS] = stored(header.capture_stamp_ns)
        words[at.SLOT_CAPTURE_ENTER_NS] = stored(header.capture_enter_ns)
        words[at.SLOT_CAPTURE_EXIT_NS] = stored(header.capture_exit_ns)
        fence()
        words[at.SLOT_LOCK] = 2 * header.sequence

    def holds(self, sequence: int) -> bool:
        """True while frame ``sequence`` is complete in this slot; also the check *after* reading its pixels."""
        fence()
        return self._words[at.SLOT_LOCK] == 2 * sequence

    def header(self, sequence: int) -> FrameHeader | None:
        """The header of frame ``sequence``, or None if it is not, or no longer, here."""
        words = self._words
        if words[at.SLOT_LOCK] != 2 * sequence:
            return None
        fence()
        header = FrameHeader(
            sequence,
            loaded(words[at.SLOT_CAPTURE_STAMP_NS]),
            loaded(words[at.SLOT_CAPTURE_ENTER_NS]),
            loaded(words[at.SLOT_CAPTURE_EXIT_NS]),
        )
        return header if self.holds(sequence) else None

    def has_attachment(self, sequence: int) -> bool:
        """True when frame ``sequence`` has its complete results here."""
        return self._words[at.ATTACH_LOCK] == 2 * sequence

    def attach(self, header: FrameHeader, detections: Detections, enter_ns: int, exit_ns: int) -> bool:
        """Write results for ``header``'s frame; False, and nothing readable, if the slot was recycled meanwhile."""
        words, count = self._words, len(detections)
        words[at.ATTACH_LOCK] = 2 * header.sequence - 1
        fence()
        words[at.ATTACH_CAPTURE_STAMP_NS] = stored(header.capture_stamp_ns)
        words[at.ATTACH_CAPTURE_ENTER_NS] = stored(header.capture_enter_ns)
        words[at.ATTACH_CAPTURE_EXIT_NS] = stored(header.capture_exit_ns)
        words[at.ATTACH_ENTER_NS] = stored(enter_ns)
        words[at.ATTACH_EXIT_NS] = stored(exit_ns)
        words[at.ATTACH_COUNT] = count
        self._boxes[:count] = detections.boxes_xyxy_px
        self._scores[:count] = detections.scores
        self._class_ids[:count] = detections.class_ids
        if not self.holds(header.sequence):
            return False
        fence()
        words[at.ATTACH_LOCK] = 2 * header.sequence
        return True

    def attached(self, sequence: int) -> Attached | None:
        """A copy of the results of frame ``sequence``, or None if they are not, or no longer, here."""
        words = self._words
        if words[at.ATTACH_LOCK] != 2 * sequence:
            return None
        fence()
        count = min(words[at.ATTACH_COUNT], at.MAX_DETECTIONS)  # a torn count must not reach past the area
        attached = Attached(
            sequence,
            loaded(words[at.ATTACH_CAPTURE_STAMP_NS]),
            loaded(words[at.ATTACH_CAPTURE_ENTER_NS]),
            loaded(words[at.ATTACH_CAPTURE_EXIT_NS]),
            loaded(words[at.ATTACH_ENTER_NS]),
            loaded(words[at.ATTACH_EXIT_NS]),
            Detections(
                self._boxes[:count].copy(), self._scores[:count].copy(), self._class_ids[:count].copy()
            ),
        )
        fence()
        return attached if words[at.ATTACH_LOCK] == 2 * sequence else None
