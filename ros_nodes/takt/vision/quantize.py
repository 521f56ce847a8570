"""INT8 twins of FP32 models: static quantisation with fixed ranges, taken from pictures like the robot's.

The result is an ordinary ONNX file with quantise and dequantise pairs (QDQ), which the providers for CPU, CUDA and
TensorRT all fuse. Weights are signed and scaled for each output channel; activations are unsigned, which the
dot-product instructions of x86 want (signed ones ran three times slower). What the decoder reads stays FP32.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.vision import session
from takt.vision.model_card import ModelCard
from takt.vision.preprocess import Preprocessor

_OPSET = 13
_LAYERS = ("Conv", "Gemm", "MatMul", "ConvTranspose")


def quantize(card: ModelCard, pictures: Iterable[NDArray[np.uint8]], destination: Path) -> int:
    """Write the INT8 twin of the card's FP32 model, calibrated on ``pictures`` (H, W, 3) rgb of any sizes.

    Ranges are those of all but one value in ten thousand: a single outlier would cost every other value resolution.
    Returns how many pictures were used. Raises TaktError where the package onnx is missing, the model cannot be
    quantised, or the file cannot be written.
    """
    tools = _tools()
    tensor = session.input_tensor(card, session.open_session(card))
    feed = _Feed(card, tensor, pictures)
    try:
        # The quantiser prints its progress; what it has to say is said here.
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
            prepared = str(Path(folder) / "prepared.onnx")
            _raise_opset(card.weights, prepared)
            tools.shape_inference.quant_pre_process(prepared, prepared, skip_symbolic_shape=True)
            tools.quantize_static(
                prepared,
                str(destination),
                feed,
                quant_format=tools.QuantFormat.QDQ,
                per_channel=True,
                activation_type=tools.QuantType.QUInt8,
                weight_type=tools.QuantType.QInt8,
                calibrate_method=tools.CalibrationMethod.Percentile,
                nodes_to_exclude=_after_the_last_layers(prepared),
                extra_options={"CalibPercentile": 99.99},
            )
    except TaktError:
        raise
    except Exception as error:  # onnxruntime's quantiser raises whatever its parts raise
        reason = " ".join(str(error).split())[:200]
        raise TaktError(
            f"model file {card.weights} cannot be quantised: {reason}",
            "export it again with a fixed input size, opset 13 to 17, in FP32",
        ) from error
    return feed.used


class _Feed:
    """Pictures as the quantiser asks for them: ``get_next`` gives named tensors, then None."""

    def __init__(
        self, card: ModelCard, tensor: session.InputTensor, pictures: Iterable[NDArray[np.uint8]]
    ) -> None:
        self._card, self._tensor = card, tensor
        self._pictures: Iterator[NDArray[np.uint8]] = iter(pictures)
        self._preprocessors: dict[tuple[int, ...], Preprocessor] = {}
        self.used = 0

    def get_next(self) -> dict[str, NDArray[np.generic]] | None:
        pixels = next(self._pictures, None)
        if pixels is None:
            return None
        self.used += 1
        height_px, width_px, _ = pixels.shape
        if pixels.shape not in self._preprocessors:
            self._preprocessors[pixels.shape] = Preprocessor(
                self._card.input, width_px, height_px, self._tensor.dtype, self._tensor.channels_last
            )
        return {self._tensor.name: self._preprocessors[pixels.shape].fill(pixels).copy()}


def _raise_opset(model_file: Path, destination: str) -> None:
    """A scale for each channel is known to ONNX from opset 13 on; older files are brought to it."""
    onnx = importlib.import_module("onnx")
    model = onnx.load(str(model_file))
    if next(one.version for one in model.opset_import if one.domain in ("", "ai.onnx")) < _OPSET:
        model = onnx.version_converter.convert_version(model, _OPSET)
    onnx.save(model, destination)


def _after_the_last_layers(model_file: str) -> list[str]:
    """Nodes between the last layers with weights and the outputs: they shape boxes and scores, not features."""
    onnx = importlib.import_module("onnx")
    graph = onnx.load(model_file).graph
    maker = {name: node for node in graph.node for name in node.output}
    excluded: list[str] = []
    waiting = [output.name for output in graph.output]
    while waiting:
        node = maker.get(waiting.pop())
        if node is None or node.name in excluded or node.op_type in _LAYERS:
            continue
        excluded.append(node.name)
        waiting.extend(node.input)
    return excluded


def _tools() -> Any:
    try:
        importlib.import_module("onnx.version_converter")
        tools = importlib.import_module("onnxruntime.quantization")
        importlib.import_module("onnxruntime.quantization.shape_inference")
    except ImportError as error:
        raise TaktError(
            "quantising needs the package onnx, which is not installed", "pip install onnx"
        ) from error
    return tools
