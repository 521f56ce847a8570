"""What a model's numbers mean: one decoder for each family of models, chosen by the model card."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision.decoders.cells import CellDecoder
from takt.vision.decoders.nanodet import NanodetDecoder
from takt.vision.decoders.yolov8 import Yolov8Decoder
from takt.vision.decoders.yolox import YoloxDecoder
from takt.vision.model_card import ModelCard
from takt.vision.suppression import Candidates

Shapes = Sequence[tuple[int, ...]]


class Decoder(Protocol):
    """Made for one card and one set of output shapes."""

    suppressed: bool
    """True when the model itself has dropped repeats, so that no second suppression runs."""

    def decode(self, outputs: Sequence[NDArray[np.float32]], score_threshold: float) -> Candidates:
        """Boxes in pixels of the model's picture that reach the threshold, best first.

        Numbers that are not finite count as nothing found.
        """


_MAKERS: dict[str, Callable[[ModelCard, Shapes], Decoder]] = {
    "takt_cells": CellDecoder.for_card,
    "yolox": YoloxDecoder.for_card,
    "yolov8": Yolov8Decoder.for_card,
    "nanodet": NanodetDecoder.for_card,
}


def decoder_for(card: ModelCard, shapes: Shapes) -> Decoder:
    """The card's decoder for outputs of these shapes. Raises TaktError, with both shapes, when they do not fit."""
    try:
        return _MAKERS[card.decoder](card, shapes)
    except ValueError as error:
        given = ", ".join(str(shape) for shape in shapes)
        raise TaktError(
            f"model file {card.weights}: outputs are {given}, but {card.decoder} with {len(card.classes)} classes and "
            f"a picture of {card.input.width_px} x {card.input.height_px} needs {error}",
            f"correct classes, input, output or decoder of {card.path}, or use the weights that belong to it",
        ) from None


__all__ = ["Decoder", "decoder_for"]
