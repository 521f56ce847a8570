"""Average precision against cases worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takt.frames import Detections
from takt.vision.accuracy import Accuracy, average_precision

BOX = (0.0, 0.0, 10.0, 10.0)
FAR = (50.0, 50.0, 60.0, 60.0)


def found(*answers: tuple[tuple[float, ...], float, int]) -> Detections:
    boxes = np.array([box for box, _, _ in answers], np.float32).reshape(-1, 4)
    scores, classes = [score for _, score, _ in answers], [class_id for _, _, class_id in answers]
    return Detections(boxes, np.array(scores, np.float32), np.array(classes, np.int32))


def add(accuracy: Accuracy, answers: Detections, boxes: list[tuple[float, ...]], ignored: list[bool]) -> None:
    truth = np.array(boxes, np.float32).reshape(-1, 4)
    accuracy.add(answers, truth, np.zeros(len(boxes), np.int32), np.array(ignored, np.bool_))


@pytest.mark.parametrize(
    ("right", "objects", "wanted"),
    [
        ([True, True], 2, 1.0),
        ([True, False, True], 2, 0.5 * 1.0 + 0.5 * 2 / 3),
        ([False, True], 1, 0.5),
        ([False, True, True], 2, 2 / 3),  # the envelope lifts the first hit's 1/2 to 2/3
        ([True], 2, 0.5),
        ([False], 1, 0.0),
        ([], 3, 0.0),
    ],
)
def test_area_under_the_envelope(right: list[bool], objects: int, wanted: float) -> None:
    scores = np.linspace(0.9, 0.1, len(right))
    assert average_precision(scores, np.array(right, np.bool_), objects) == pytest.approx(wanted)


def test_order_is_by_score_not_by_arrival() -> None:
    assert average_precision(np.array((0.1, 0.9)), np.array((False, True)), 1) == 1.0


def test_nothing_to_find_has_no_precision() -> None:
    assert math.isnan(average_precision(np.array((0.5,)), np.array((False,)), 0))


def test_the_second_box_on_an_object_is_wrong() -> None:
    accuracy = Accuracy(1)
    add(accuracy, found((BOX, 0.9, 0), (BOX, 0.8, 0)), [BOX], [False])
    assert accuracy.classes[0].right == [True, False]


def test_an_overlap_below_one_half_is_wrong() -> None:
    accuracy = Accuracy(1)
    add(accuracy, found(((5.1, 0.0, 15.1, 10.0), 0.9, 0)), [BOX], [False])
    assert accuracy.classes[0].right == [False]


def test_ignored_objects_count_neither_way() -> None:
    accuracy = Accuracy(1)
    add(accuracy, found((BOX, 0.9, 0), (FAR, 0.8, 0)), [BOX, FAR], [False, True])
    tally = accuracy.classes[0]
    assert (tally.objects, tally.right) == (1, [True])
    assert tally.average_precision() == 1.0


def test_the_wrong_class_is_a_miss_and_a_false_alarm() -> None:
    accuracy = Accuracy(2)
    add(accuracy, found((BOX, 0.9, 1)), [BOX], [False])
    assert accuracy.classes[0].average_precision() == 0.0 and accuracy.classes[1].right == [False]


def test_errors_of_right_boxes_are_noted() -> None:
    accuracy = Accuracy(1)
    add(accuracy, found(((1.0, 0.0, 11.0, 9.0), 0.9, 0)), [BOX], [False])
    assert accuracy.classes[0].centre_errors_px == [pytest.approx(1.0)]
    assert accuracy.classes[0].height_errors_ratio == [pytest.approx(0.1)]
