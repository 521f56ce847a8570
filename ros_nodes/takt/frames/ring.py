"""FrameRing: the newest pictures of one camera in shared memory, with what was found in them.

Two processes write: the camera (pixels and header) and the detector (attachments). Each has its own words and its own
seqlock, neither waits for anybody, and a reader that was overtaken notices. Stages share this and nothing else, so a
slow, stopped or dead one touches no other. See layout.py for the bytes and ordering.py for why it is sound.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Literal

import numpy as np

from takt.frames import futex, segment
from takt.frames import layout as at
from takt.frames.records import Attached, Detections, Frame, FrameHeader
from takt.frames.slots import Slot

_READ_TRIES = 4  # each further try means that a whole frame was published while a few words were read

Role = Literal["writer", "annotator", "reader"]


class FrameRing:
    """One ring as one process sees it. Make it with ``create`` (the camera) or ``attach`` (everybody else)."""

    def __init__(self, mapped: segment.Segment, role: Role) -> None:
        self._segment = mapped
        self._role = role
        self.layout = mapped.layout
        self._words = memoryview(mapped.memory)[: at.RING_BYTES].cast("Q")
        self._slots = [Slot(mapped.memory, mapped.layout, index) for index in range(mapped.layout.slots)]
        base = np.frombuffer(mapped.memory, np.uint8, count=at.RING_BYTES)
        self._newest_address = (
            base.ctypes.data + at.RING_NEWEST * 8
        )  # little endian: the low half comes first
        self.torn_reads = 0  # reads of this process that a writer overtook

    @classmethod
    def create(cls, name: str, width: int, height: int, slots: int = 8) -> FrameRing:
        """The writer's end. A ring that exists with this layout is taken over and its numbers go on.

        Raises TaktError if another live process writes it, or if shared memory is short.
        """
        ring = cls(segment.create(name, at.Layout(width, height, slots)), "writer")
        # A writer that died between completing a frame and announcing it has used that number already.
        newest = max(slot.complete_sequence() for slot in ring._slots)
        ring._words[at.RING_NEWEST] = max(newest, ring.newest_sequence)
        return ring

    @classmethod
    def attach(cls, name: str, role: Literal["reader", "annotator"] = "reader") -> FrameRing:
        """Everybody else's end; a reader cannot write, by the page tables. Raises TaktError if there is no such ring,
        or if it has a live annotator already."""
        mapped = segment.attach(name, writable=role == "annotator")
        if role == "annotator":
            mapped.lock(segment.ANNOTATOR_LOCK, "annotator")
        ring = cls(mapped, role)
        if role == "annotator":  # what a dead one left says nothing about this one
            ring.tell_annotator_state(0, 0)
        return ring

    @staticmethod
    def remove(name: str) -> None:
        """Remove the ring from the machine, at the end of a run. Absent is fine."""
        segment.remove(name)

    # The writer's end

    def begin(self) -> Slot:
        """The slot for the next frame: fill its ``pixels`` in place, then ``publish`` it. A second call starts over."""
        self._require("writer")
        sequence = self.newest_sequence + 1
        slot = self._slot(sequence)
        slot.begin_frame(sequence)
        return slot

    def publish(self, slot: Slot, capture_stamp_ns: int, enter_ns: int, exit_ns: int) -> int:
        """Declare the frame in ``slot`` complete and wake who waits for it; returns its sequence."""
        sequence = slot.sequence
        slot.end_frame(FrameHeader(sequence, capture_stamp_ns, enter_ns, exit_ns))
        self._words[at.RING_NEWEST] = sequence
        futex.wake(self._newest_address)
        return sequence

    # The annotator's end

    def attach_detections(self, sequence: int, detections: Detections, enter_ns: int, exit_ns: int) -> bool:
        """Attach results to the frame they were found in. False, and counted, if its slot was recycled meanwhile.

        A frame takes results once; a second set is refused likewise.
        """
        self._require("annotator")
        slot = self._slot(sequence)
        header = slot.header(sequence)
        if (
            header is None
            or slot.has_attachment(sequence)
            or not slot.attach(header, detections, enter_ns, exit_ns)
        ):
            self._words[at.RING_ATTACH_DROPPED] += 1
            return False
        self._words[at.RING_NEWEST_ATTACHED] = max(sequence, self._words[at.RING_NEWEST_ATTACHED])
        return True

    def tell_annotator_state(self, breaker: int, quality_step: int) -> None:
        """How the annotator is, for whoever must act before a result stays away; see layout.py for the numbers."""
        self._require("annotator")
        self._words[at.RING_ANNOTATOR_STATE] = breaker
        self._words[at.RING_QUALITY_STEP] = quality_step

    # Anybody's

    def annotator_is_well(self) -> bool:
        """True while a live process annotates this ring and trusts its model. Two system calls."""
        alive = self._role == "annotator" or self._segment.is_locked(segment.ANNOTATOR_LOCK)
        return alive and self._words[at.RING_ANNOTATOR_STATE] == 0

    @property
    def quality_step(self) -> int:
        """How closely the annotator looks; 0 is closest."""
        return self._words[at.RING_QUALITY_STEP]

    @property
    def newest_sequence(self) -> int:
        """Number of the newest complete frame; 0 before the first."""
        return self._words[at.RING_NEWEST]

    @property
    def attachments_dropped(self) -> int:
        """Results that came too late for their frame, since the ring was made."""
        return self._words[at.RING_ATTACH_DROPPED]

    def is_current(self) -> bool:
        """False once this ring was removed or replaced: attach again. To be asked when frames stay away."""
        return self._segment.is_current()

    def newest(self) -> Frame | None:
        """The newest complete frame, without a copy; None before the first."""
        for _ in range(_READ_TRIES):
            sequence = self.newest_sequence
            if sequence == 0:
                return None
            slot = self._slot(sequence)
            header = slot.header(sequence)
            if header is not None:
                return self._frame(slot, header)
            self.torn_reads += 1
        return None

    def wait_newer(self, sequence: int, timeout_s: float) -> Frame | None:
        """The newest frame once there is one after ``sequence``; None when ``timeout_s`` passes first."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            newest = self.newest_sequence
            if newest > sequence:
                frame = self.newest()
                if frame is not None and frame.sequence > sequence:
                    return frame
            left_s = deadline_s - time.monotonic()
            if left_s <= 0.0:
                return None
            futex.wait(self._newest_address, newest, left_s)

    def header(self, sequence: int) -> FrameHeader | None:
        """The header of one frame while it is in the ring."""
        return self._slot(sequence).header(sequence) if sequence > 0 else None

    def attached(self, sequence: int) -> Attached | None:
        """The results of one frame, if it has any and they were not overwritten by a later frame's."""
        return self._slot(sequence).attached(sequence) if sequence > 0 else None

    def newest_attached(self) -> Attached | None:
        """The newest frame's results there are; None before the first."""
        for _ in range(_READ_TRIES):
            sequence = self._words[at.RING_NEWEST_ATTACHED]
            if sequence == 0:
                return None
            attached = self.attached(sequence)
            if attached is not None:
                return attached
            self.torn_reads += 1
        return None

    def close(self) -> None:
        """Leave the ring; its file stays for the others and for the next run of this process."""
        self._segment.close()

    def __enter__(self) -> FrameRing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _slot(self, sequence: int) -> Slot:
        return self._slots[sequence % self.layout.slots]

    def _frame(self, slot: Slot, header: FrameHeader) -> Frame:
        pixels = slot.pixels.view()
        pixels.flags.writeable = False
        return Frame(
            header.sequence,
            header.capture_stamp_ns,
            header.capture_enter_ns,
            header.capture_exit_ns,
            pixels,
            self._holds,
        )

    def _holds(self, sequence: int) -> bool:
        return self._slot(sequence).holds(sequence)

    def _require(self, role: Role) -> None:
        if self._role != role:
            raise ValueError(f"only the {role} of a ring may do this; this end is a {self._role}")
