"""FrameLog over a real ring: every frame is written down once, with or without its detections."""

import os

import numpy as np
import pytest

from takt.demo.frame_log import FrameLog
from takt.frames import Detections, FrameRing

MS = 1_000_000
FOUND = Detections(
    boxes_xyxy_px=np.array([[1, 2, 3, 4], [5, 6, 7, 8]], np.float32),
    scores=np.array([0.9, 0.8], np.float32),
    class_ids=np.array([1, 0], np.int32),
)


@pytest.fixture
def rings():
    name = f"takt_test_{os.getpid()}_log"
    writer = FrameRing.create(name, 8, 6)
    yield writer, FrameRing.attach(name, role="annotator"), FrameRing.attach(name)
    FrameRing.remove(name)


def frame(writer, number):
    start_ns = number * 33 * MS
    return writer.publish(writer.begin(), start_ns, start_ns + MS, start_ns + 3 * MS)


def test_each_frame_is_written_down_once_with_its_target_boxes(rings):
    writer, annotator, reader = rings
    log = FrameLog(reader)
    for number in range(1, 31):
        sequence = frame(writer, number)
        if number % 3:
            annotator.attach_detections(sequence, FOUND, number * 33 * MS + 4 * MS, number * 33 * MS + 8 * MS)
        log.poll()
        log.poll()
    stamps = [record.capture_stamp_ns for record in log.records]
    assert stamps == [number * 33 * MS for number in range(1, 27)]
    with_boxes = [record for record in log.records if record.detect_ms is not None]
    assert len(with_boxes) == 26 - 26 // 3
    assert all(record.target_boxes.tolist() == [[5, 6, 7, 8]] for record in with_boxes)
    assert {record.detect_ms for record in with_boxes} == {5.0}
    assert {record.capture_ms for record in log.records} == {3.0}


def test_frames_that_were_overwritten_unread_are_counted(rings):
    writer, _, reader = rings
    log = FrameLog(reader)
    frame(writer, 1)
    log.poll()
    for number in range(2, 41):
        frame(writer, number)
    log.poll()
    assert log.unseen + len(log.records) == 36
    assert log.unseen == 32
