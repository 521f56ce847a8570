"""A model in onnxruntime, from pixels to boxes, with everything allocated before the first picture."""

from __future__ import annotations

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.frames import Detections
from takt.vision.decoder import CellDecoder, suppress
from takt.vision.model_card import ModelCard
from takt.vision.preprocess import Preprocessor

_WARM_UP_RUNS = 8
_ERRORS_ONLY = 3


class Detector:
    """``detect`` is for one thread. ``providers`` says what onnxruntime granted."""

    def __init__(
        self, card: ModelCard, width_px: int, height_px: int, score_threshold: float | None = None
    ) -> None:
        """For pictures of ``width_px`` x ``height_px``. ``score_threshold`` replaces the card's.

        Raises TaktError if the weights are no usable model, or their shapes are not the card's.
        """
        self.card = card
        self._score_threshold = card.score_threshold if score_threshold is None else score_threshold
        self._session = _session(card)
        _check_shapes(card, self._session)
        self.providers: list[str] = self._session.get_providers()
        self._preprocessor = Preprocessor(card.input, width_px, height_px)
        _, _, rows, columns = card.output_shape
        self._decoder = CellDecoder(len(card.classes), rows, columns, card.output.stride_px)
        self._output: NDArray[np.float32] = np.zeros(card.output_shape, np.float32)
        self._binding = self._bind()
        for _ in range(_WARM_UP_RUNS):
            self.detect(np.zeros((height_px, width_px, 3), np.uint8))

    def detect(self, pixels: NDArray[np.uint8]) -> Detections:
        """Boxes in the pixels of ``pixels`` (H, W, 3) uint8 rgb, best first, at most 32."""
        self._preprocessor.fill(pixels)
        self._session.run_with_iobinding(self._binding)
        found = self._decoder.decode(self._output, self._score_threshold)
        detections = suppress(found, self.card.overlap_threshold)
        self._preprocessor.to_source(detections.boxes_xyxy_px)
        return detections

    def _bind(self) -> onnxruntime.IOBinding:
        """Fixed memory for input and output: a run neither allocates nor copies."""
        tensor, binding = self._preprocessor.tensor, self._session.io_binding()
        card = self.card
        binding.bind_input(card.input.name, "cpu", 0, np.float32, tensor.shape, tensor.ctypes.data)
        output = self._output
        binding.bind_output(card.output.name, "cpu", 0, np.float32, output.shape, output.ctypes.data)
        return binding


def _session(card: ModelCard) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    # One thread that does not spin: a second one halves the speed as soon as anything else runs on its core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = _ERRORS_ONLY
    if card.weights.stat().st_size == 0:
        raise TaktError(
            f"model file {card.weights} is empty", "copy it again, or train it: sim/train_detector.py"
        )
    try:
        return onnxruntime.InferenceSession(str(card.weights), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors have no common base but this
        reason = " ".join(str(error).split())[:160]
        raise TaktError(
            f"model file {card.weights} is no model that onnxruntime {onnxruntime.__version__} can run: {reason}",
            "copy or export it again (ONNX, opset 17)",
        ) from error


def _check_shapes(card: ModelCard, session: onnxruntime.InferenceSession) -> None:
    wanted_in = (1, 3, card.input.height_px, card.input.width_px)
    for what, tensors, name, wanted in (
        ("input", session.get_inputs(), card.input.name, wanted_in),
        ("output", session.get_outputs(), card.output.name, card.output_shape),
    ):
        shapes = {tensor.name: (tuple(tensor.shape), tensor.type) for tensor in tensors}
        if len(shapes) != 1 and what == "input" or name not in shapes:
            raise TaktError(
                f"model file {card.weights} has {what}s {', '.join(shapes)}, the card says {name!r}",
                f"correct {what}.name of {card.path}, or use the weights that belong to it",
            )
        shape, kind = shapes[name]
        if shape != wanted or kind != "tensor(float)":
            raise TaktError(
                f"model file {card.weights}: {what} {name!r} is {kind} {shape}, the card says tensor(float) {wanted}",
                f"correct classes, input or output of {card.path}, or use the weights that belong to it",
            )
