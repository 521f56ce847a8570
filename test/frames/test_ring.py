"""One process plays both ends: what the ring promises without any timing."""

from __future__ import annotations

import os

import numpy as np
import pytest

from takt.errors import TaktError
from takt.frames import Detections, FrameRing
from takt.frames import layout as at


def publish(ring: FrameRing, value: int, stamp_ns: int = 1000) -> int:
    slot = ring.begin()
    slot.pixels[:] = value
    return ring.publish(slot, stamp_ns, stamp_ns + 1, stamp_ns + 2)


def detections(count: int) -> Detections:
    boxes = np.arange(4 * count, dtype=np.float32).reshape(count, 4)
    return Detections(
        boxes, np.linspace(0.9, 0.5, count, dtype=np.float32), np.arange(count, dtype=np.int32) % 2
    )


def test_a_reader_sees_the_newest_frame_without_a_copy(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    reader = FrameRing.attach(ring_name)
    assert reader.newest() is None
    publish(writer, 7, stamp_ns=-5)
    publish(writer, 9, stamp_ns=123_456_789_012_345_678)
    frame = reader.newest()
    assert frame is not None
    assert (frame.sequence, frame.capture_stamp_ns, frame.capture_exit_ns) == (
        2,
        123_456_789_012_345_678,
        123_456_789_012_345_680,
    )
    assert frame.pixels.shape == (4, 8, 3) and (frame.pixels == 9).all() and frame.still_valid()
    first = reader.header(1)
    assert first is not None and first.capture_stamp_ns == -5
    with pytest.raises(ValueError):
        frame.pixels[0, 0, 0] = 1


def test_a_lapped_reader_notices(ring_name: str) -> None:
    writer, reader = FrameRing.create(ring_name, 8, 4, slots=3), FrameRing.attach(ring_name)
    publish(writer, 1)
    frame = reader.newest()
    assert frame is not None
    publish(writer, 2), publish(writer, 3)
    assert frame.still_valid()
    slot = writer.begin()  # the fourth frame takes the first one's slot, and is not complete yet
    assert not frame.still_valid() and reader.header(1) is None
    newest = reader.newest()
    assert newest is not None and newest.sequence == 3
    writer.publish(slot, 1, 2, 3)
    assert not frame.still_valid() and reader.header(4) is not None


def test_results_attach_to_their_frame_and_outlive_its_pixels(ring_name: str) -> None:
    writer, detector, reader = (
        FrameRing.create(ring_name, 8, 4, slots=3),
        FrameRing.attach(ring_name, "annotator"),
        FrameRing.attach(ring_name),
    )
    assert reader.newest_attached() is None
    publish(writer, 1, stamp_ns=50)
    assert detector.attach_detections(1, detections(3), 60, 70)
    for value in range(5):
        publish(writer, value)
    attached = reader.newest_attached()
    assert attached is not None
    assert (attached.sequence, attached.capture_stamp_ns, attached.capture_exit_ns) == (1, 50, 52)
    assert (attached.detect_enter_ns, attached.detect_exit_ns) == (60, 70)
    np.testing.assert_array_equal(attached.detections.boxes_xyxy_px, detections(3).boxes_xyxy_px)
    np.testing.assert_array_equal(attached.detections.class_ids, [0, 1, 0])


def test_a_result_for_a_recycled_slot_is_dropped_and_counted(ring_name: str) -> None:
    writer, detector = FrameRing.create(ring_name, 8, 4, slots=3), FrameRing.attach(ring_name, "annotator")
    for value in range(4):
        publish(writer, value)
    assert not detector.attach_detections(1, detections(1), 1, 2)
    assert writer.attachments_dropped == 1 and writer.newest_attached() is None
    assert detector.attach_detections(4, Detections.empty(), 1, 2)
    assert not detector.attach_detections(4, detections(1), 1, 2), "a frame takes results once"
    assert len(writer.newest_attached().detections) == 0  # type: ignore[union-attr]


def test_a_slot_recycled_while_results_are_written_shows_nothing(ring_name: str) -> None:
    writer, detector = FrameRing.create(ring_name, 8, 4, slots=3), FrameRing.attach(ring_name, "annotator")
    publish(writer, 1)

    class Recycling(Detections):  # the camera takes the slot between the two checks
        def __len__(self) -> int:
            while writer.newest_sequence < 3:
                publish(writer, 0)
            writer.begin()
            return super().__len__()

    full = detections(2)
    assert not detector.attach_detections(1, Recycling(full.boxes_xyxy_px, full.scores, full.class_ids), 1, 2)
    assert detector.attached(1) is None and detector.attachments_dropped == 1


def test_a_late_older_result_does_not_replace_a_newer_one(ring_name: str) -> None:
    writer, detector = FrameRing.create(ring_name, 8, 4), FrameRing.attach(ring_name, "annotator")
    publish(writer, 1), publish(writer, 2)
    assert detector.attach_detections(2, detections(2), 1, 2) and detector.attach_detections(
        1, detections(1), 1, 2
    )
    assert detector.newest_attached().sequence == 2  # type: ignore[union-attr]
    assert len(detector.attached(1).detections) == 1  # type: ignore[union-attr]


def test_making_the_ring_again_goes_on_where_it_was(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    publish(writer, 5)
    reader = FrameRing.attach(ring_name)
    writer.close()
    again = FrameRing.create(ring_name, 8, 4)
    assert publish(again, 6) == 2 and reader.is_current()
    assert reader.newest().sequence == 2  # type: ignore[union-attr]


def test_another_layout_replaces_the_ring_and_readers_can_tell(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    publish(writer, 5)
    reader = FrameRing.attach(ring_name)
    writer.close()
    bigger = FrameRing.create(ring_name, 16, 8)
    assert not reader.is_current() and reader.newest() is not None, "the old mapping stays readable"
    assert FrameRing.attach(ring_name).newest() is None and bigger.is_current()
    FrameRing.remove(ring_name)
    assert not bigger.is_current()


def test_there_is_one_writer_and_one_annotator(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    with pytest.raises(TaktError, match="already has a live writer"):
        FrameRing.create(ring_name, 8, 4)
    with pytest.raises(TaktError, match="already has a live writer"):
        FrameRing.create(ring_name, 16, 8)
    detector = FrameRing.attach(ring_name, "annotator")
    with pytest.raises(TaktError, match="already has a live annotator"):
        FrameRing.attach(ring_name, "annotator")
    FrameRing.attach(ring_name).close()
    detector.close(), writer.close()
    FrameRing.attach(ring_name, "annotator").close()
    FrameRing.create(ring_name, 8, 4).close()


def test_each_end_may_do_only_its_own_work(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    reader = FrameRing.attach(ring_name)
    publish(writer, 1)
    with pytest.raises(ValueError, match="reader"):
        reader.begin()
    with pytest.raises(ValueError, match="writer"):
        writer.attach_detections(1, Detections.empty(), 1, 2)
    with pytest.raises(TypeError):
        reader._words[at.RING_NEWEST] = 9  # mapped read-only


@pytest.mark.parametrize("bad", ["", "../etc", ".hidden", "a b", "x" * 65, "a/b"])
def test_a_name_that_is_no_file_name_is_refused(bad: str) -> None:
    with pytest.raises(TaktError, match="no name for a frame ring"):
        FrameRing.attach(bad)


def test_foreign_and_open_files_are_refused(ring_name: str) -> None:
    with pytest.raises(TaktError, match="there is no frame ring"):
        FrameRing.attach(ring_name)
    path = f"/dev/shm/{ring_name}"
    with open(path, "wb") as file:
        file.write(b"x" * 8192)
    os.chmod(path, 0o644)
    with pytest.raises(TaktError, match="open to others"):
        FrameRing.attach(ring_name)
    os.chmod(path, 0o600)
    with pytest.raises(TaktError, match="of this version"):
        FrameRing.attach(ring_name)
    FrameRing.create(ring_name, 8, 4).close()  # the writer replaces what it does not know
    assert os.stat(path).st_mode & 0o777 == 0o600
    os.remove(path)
    os.symlink("/dev/null", path)
    with pytest.raises(TaktError, match="cannot be opened"):
        FrameRing.attach(ring_name)


@pytest.mark.parametrize(("width", "height", "slots"), [(0, 4, 8), (8, 20000, 8), (8, 4, 2)])
def test_impossible_layouts_are_refused(ring_name: str, width: int, height: int, slots: int) -> None:
    with pytest.raises(TaktError):
        FrameRing.create(ring_name, width, height, slots)


def test_detections_must_fit_together_and_into_the_ring() -> None:
    with pytest.raises(ValueError, match="boxes"):
        Detections(np.zeros((2, 4), np.float32), np.zeros(3, np.float32), np.zeros(2, np.int32))
    with pytest.raises(ValueError, match="32"):
        detections(33)
    assert len(detections(4).of_class(1)) == 2


def test_a_live_and_well_annotator_is_told_from_a_dead_or_failing_one(ring_name: str) -> None:
    writer = FrameRing.create(ring_name, 8, 4)
    reader = FrameRing.attach(ring_name)
    assert not reader.annotator_is_well(), "there is none yet"
    detector = FrameRing.attach(ring_name, "annotator")
    assert reader.annotator_is_well() and writer.annotator_is_well() and detector.annotator_is_well()
    detector.tell_annotator_state(1, 3)
    assert not reader.annotator_is_well() and reader.quality_step == 3
    detector.close()
    again = FrameRing.attach(ring_name, "annotator")
    assert reader.annotator_is_well() and reader.quality_step == 0, "what a dead one told is forgotten"
    again.close()
    assert not reader.annotator_is_well()
    with pytest.raises(ValueError, match="annotator"):
        reader.tell_annotator_state(0, 0)
