"""Two processes on one ring: words that never tear, reads that notice, writers and readers that die in the act."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from takt.frames import Detections, FrameRing
from takt.frames import layout as at

SOURCES = str(Path(__file__).resolve().parents[2] / "ros_nodes")

# Publishes as fast as it can; every pixel and every stamp of frame n says n, so that any mix is seen.
WRITER = """
import sys
from takt.frames import FrameRing
ring = FrameRing.create(sys.argv[1], 160, 120, slots=3)
while True:
    slot = ring.begin()
    slot.pixels[:] = slot.sequence % 251
    ring.publish(slot, slot.sequence, slot.sequence, slot.sequence)
"""
# Attaches to every newest frame: n mod 33 boxes whose every number is n mod 1024.
ANNOTATOR = """
import sys
import numpy as np
from takt.frames import Detections, FrameRing
ring = FrameRing.attach(sys.argv[1], "annotator")
while True:
    sequence = ring.newest_sequence
    count, value = sequence % 33, sequence % 1024
    ring.attach_detections(sequence, Detections(np.full((count, 4), value, np.float32),
        np.full(count, value, np.float32), np.full(count, value, np.int32)), sequence, sequence)
"""


@pytest.fixture
def start(ring_name: str) -> Iterator[object]:
    children: list[subprocess.Popen[bytes]] = []

    def start_program(program: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": SOURCES}
        children.append(subprocess.Popen([sys.executable, "-c", program, ring_name], env=environment))
        return children[-1]

    yield start_program
    for child in children:
        child.kill()
        child.wait()


def attach_when_there(ring_name: str) -> FrameRing:
    limit_s = time.monotonic() + 200.0
    while True:
        try:
            ring = FrameRing.attach(ring_name)
            if ring.wait_newer(0, 1.0):
                return ring
        except Exception:
            if time.monotonic() > limit_s:
                raise
        assert time.monotonic() < limit_s, "the writer published nothing"
        time.sleep(0.01)


def test_a_read_is_whole_or_known_to_be_torn(ring_name: str, start) -> None:  # type: ignore[no-untyped-def]
    """The pixels of a frame read while the writer laps the reader; a mixed picture must never count as valid."""
    start(WRITER)
    ring = attach_when_there(ring_name)
    whole = torn = 0
    limit_s = time.monotonic() + 200.0
    while (whole < 200 or torn < 20) and time.monotonic() < limit_s:
        frame = ring.newest()
        if frame is None:
            continue
        if torn < 20:
            time.sleep(0.0002)  # long enough to be lapped often
        pixels = frame.pixels.copy()
        if frame.still_valid():
            whole += 1
            assert frame.capture_stamp_ns == frame.sequence
            assert (pixels == frame.sequence % 251).all()
        else:
            torn += 1
    assert whole >= 200 and torn >= 20, f"{whole} whole and {torn} torn reads: the test saw too little"


def test_attachments_are_whole_under_a_racing_annotator(ring_name: str, start) -> None:  # type: ignore[no-untyped-def]
    start(WRITER)
    ring = attach_when_there(ring_name)
    start(ANNOTATOR)
    seen: set[int] = set()
    limit_s = time.monotonic() + 200.0
    while len(seen) < 300 and time.monotonic() < limit_s:
        attached = ring.newest_attached()
        if attached is None:
            continue
        seen.add(attached.sequence)
        found = attached.detections
        assert attached.capture_stamp_ns == attached.detect_exit_ns == attached.sequence
        assert len(found) == attached.sequence % 33
        assert (found.boxes_xyxy_px == attached.sequence % 1024).all() and (
            found.class_ids == attached.sequence % 1024
        ).all()
    assert len(seen) >= 300


def test_killed_writers_leave_a_ring_that_goes_on(ring_name: str, start) -> None:  # type: ignore[no-untyped-def]
    """kill -9 at arbitrary points of the writer's loop: numbers go on, no lock stays, no second file appears."""
    sequence = 0
    for _ in range(4):
        child = start(WRITER)
        ring = attach_when_there(ring_name)
        frame = ring.wait_newer(sequence + 20, 200.0)
        assert frame is not None
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert ring.newest_sequence > sequence
        sequence = ring.newest_sequence
    writer = FrameRing.create(ring_name, 160, 120, slots=3)
    slot = writer.begin()
    slot.pixels[:] = 1
    assert writer.publish(slot, 1, 1, 1) in (
        sequence + 1,
        sequence + 2,
    )  # complete but not yet announced counts
    assert [entry for entry in os.listdir("/dev/shm") if ring_name in entry] == [ring_name]


def test_a_writer_killed_inside_a_frame_leaves_that_frame_unseen(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4, slots=3)
    for _ in range(3):
        writer.publish(writer.begin(), 1, 1, 1)
    writer.begin()  # frame 4 in the slot of frame 1, never published
    writer.close()
    reader = FrameRing.attach(ring_name)
    assert reader.newest().sequence == 3 and reader.header(1) is None  # type: ignore[union-attr]
    again = FrameRing.create(ring_name, 8, 4, slots=3)
    assert again.publish(again.begin(), 1, 1, 1) == 4


def test_an_annotator_killed_inside_a_result_leaves_it_unseen(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4, slots=3)
    sequence = writer.publish(writer.begin(), 1, 1, 1)
    detector = FrameRing.attach(ring_name, "annotator")
    detector._slot(sequence)._words[at.ATTACH_LOCK] = 2 * sequence - 1  # as if it had died there
    detector.close()
    assert writer.attached(sequence) is None
    again = FrameRing.attach(ring_name, "annotator")
    assert (
        again.attach_detections(sequence, Detections.empty(), 1, 2) and writer.attached(sequence) is not None
    )


def test_waiting_ends_at_the_next_frame_and_at_the_time_limit(ring_name: str, start) -> None:  # type: ignore[no-untyped-def]
    writer = FrameRing.create(ring_name, 8, 4)
    assert writer.wait_newer(0, 0.01) is None
    writer.publish(writer.begin(), 1, 1, 1)
    assert writer.wait_newer(0, 0.0) is not None and writer.wait_newer(1, 0.0) is None
    writer.close()
    start(WRITER.replace("160, 120, slots=3", "8, 4"))
    frame = FrameRing.attach(ring_name).wait_newer(1, 200.0)
    assert frame is not None and frame.sequence > 1


def test_words_never_tear(ring_name: str, start) -> None:  # type: ignore[no-untyped-def]
    """The ground of ordering.py: a word stored by another process is seen whole."""
    writer = FrameRing.create(ring_name, 8, 4)
    start("""
import sys
from takt.frames import FrameRing
ring = FrameRing.attach(sys.argv[1], "annotator")
words = ring._words
while True:
    words[100] = 0
    words[100] = 0xFFFF_FFFF_FFFF_FFFF
""")
    seen: dict[int, int] = {}
    limit_s = time.monotonic() + 200.0
    while len(seen) < 2 and time.monotonic() < limit_s:
        seen[writer._words[100]] = 1
    for _ in range(200_000):
        seen[writer._words[100]] = 1
    assert set(seen) == {0, 0xFFFF_FFFF_FFFF_FFFF}


def test_the_file_is_the_users_own(ring_name: str) -> None:
    FrameRing.create(ring_name, 8, 4)
    assert os.stat(f"/dev/shm/{ring_name}").st_mode & 0o777 == 0o600


def test_pixels_start_on_a_cache_line() -> None:
    assert at.PIXELS_OFFSET % 64 == 0 and at.CLASS_IDS_OFFSET + at.MAX_DETECTIONS * 4 <= at.PIXELS_OFFSET
    assert np.dtype(np.uint64).itemsize * (at.ATTACH_COUNT + 1) <= at.BOXES_OFFSET
