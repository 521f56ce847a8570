"""A model in onnxruntime, from pixels to boxes, with everything allocated before the first picture."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.frames import Detections
from takt.frames.layout import MAX_DETECTIONS
from takt.vision import session
from takt.vision.decoders import decoder_for
from takt.vision.model_card import ModelCard
from takt.vision.preprocess import Preprocessor
from takt.vision.suppression import Candidates, Suppressor

_WARM_UP_RUNS = 8


class NotFinite(RuntimeError):
    """The model answered with numbers that are none."""


class Detector:
    """``detect`` is for one thread; ``cancel`` for any. ``providers`` says what onnxruntime granted."""

    def __init__(
        self, card: ModelCard, width_px: int, height_px: int, score_threshold: float | None = None
    ) -> None:
        """For pictures of ``width_px`` x ``height_px``. ``score_threshold`` replaces the card's.

        Raises TaktError if the weights are no usable model, or their shapes are not the card's.
        """
        self.card = card
        self._score_threshold = card.score_threshold if score_threshold is None else score_threshold
        self._session = session.open_session(card)
        self.providers = session.granted(self._session)
        self._tensor = session.input_tensor(card, self._session)
        self._names = session.output_names(card, self._session)
        self._suppressor = Suppressor()
        self._run_options = onnxruntime.RunOptions()
        self._preprocessor = self._preprocessor_for(width_px, height_px)
        first = self._first_answer()
        self._decoder = decoder_for(card, [answer.shape for answer in first])
        self._raw = [np.zeros_like(answer) for answer in first]
        self._outputs: list[NDArray[np.float32]] = [
            answer if answer.dtype == np.float32 else np.zeros(answer.shape, np.float32)
            for answer in self._raw
        ]
        self._binding = self._bind()
        for _ in range(_WARM_UP_RUNS):
            self.find(np.zeros((height_px, width_px, 3), np.uint8))

    def fit(self, width_px: int, height_px: int) -> None:
        """From now on pictures of this size; the session stays."""
        if self._preprocessor.size == (width_px, height_px):
            return
        self._preprocessor = self._preprocessor_for(width_px, height_px)
        self._binding = self._bind()

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Boxes in the pixels of ``pixels`` (H, W, 3) uint8 rgb, best first, at most 32.

        Raises NotFinite if the model's best score is no number: it is broken, which is not the same as nothing seen.
        """
        found = self.find(pixels, MAX_DETECTIONS)
        if not len(found) and any(map(_has_nan, self._outputs)):
            raise NotFinite(f"model {self.card.name} answers with NaN")
        return found.best()

    def find(self, pixels: NDArray[np.uint8], most: int = MAX_DETECTIONS) -> Candidates:
        """The same with up to ``most`` boxes, for pictures that no ring carries."""
        self._preprocessor.fill(pixels)
        self._run()
        found = self._decoder.decode(self._outputs, self._score_threshold)
        if not self._decoder.suppressed:
            found = self._suppressor.run(found, self.card.overlap_threshold, most)
        self._preprocessor.to_source(found.boxes_xyxy_px, self.card.output.clip)
        return found

    def run_bare(self) -> None:
        """The network alone on the tensor of the last picture, as anybody would call it: what cannot be avoided."""
        self._session.run(self._names, {self._tensor.name: self._preprocessor.tensor})

    def cancel(self) -> None:
        """Let a run that is under way end at its next operator; it raises. Cleared by ``resume``."""
        self._run_options.terminate = True

    def resume(self) -> None:
        """Runs are possible again after ``cancel``."""
        self._run_options.terminate = False

    def _preprocessor_for(self, width_px: int, height_px: int) -> Preprocessor:
        tensor = self._tensor
        return Preprocessor(self.card.input, width_px, height_px, tensor.dtype, tensor.channels_last)

    def _run(self) -> None:
        if (
            self._decoder.suppressed
        ):  # the number of boxes may differ from picture to picture, so nothing can be bound
            feed = {self._tensor.name: self._preprocessor.tensor}
            answers = self._session.run(self._names, feed, self._run_options)
            self._outputs = [np.asarray(answer, np.float32) for answer in answers]
            return
        self._session.run_with_iobinding(self._binding, self._run_options)
        for output, raw in zip(self._outputs, self._raw, strict=True):
            if output is not raw:
                np.copyto(output, raw)

    def _first_answer(self) -> list[NDArray[np.float32]]:
        """One run, since many files do not state the shapes of their outputs."""
        try:
            answers = self._session.run(self._names, {self._tensor.name: self._preprocessor.tensor})
        except Exception as error:  # onnxruntime's errors have no common base but this
            reason = " ".join(str(error).split())[:200]
            raise TaktError(
                f"model file {self.card.weights} fails on its first picture: {reason}",
                f"check that input of {self.card.path} is what the model was exported for",
            ) from error
        return [np.asarray(answer) for answer in answers]

    def _bind(self) -> onnxruntime.IOBinding:
        """Fixed memory for input and output: a run neither allocates nor copies."""
        tensor, binding = self._preprocessor.tensor, self._session.io_binding()
        binding.bind_input(self._tensor.name, "cpu", 0, tensor.dtype.type, tensor.shape, tensor.ctypes.data)
        for name, raw in zip(self._names, self._raw, strict=True):
            binding.bind_output(name, "cpu", 0, raw.dtype.type, raw.shape, raw.ctypes.data)
        return binding


def _has_nan(output: NDArray[np.float32]) -> bool:
    """A sum is no number where a term is none, or where infinities meet; only then is it worth an array to look."""
    return bool(np.isnan(output.sum())) and bool(np.isnan(output).any())
