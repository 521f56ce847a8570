"""Opens a model file in onnxruntime: which providers, with which options, and what the file says of its tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime

from takt.errors import TaktError
from takt.vision.model_card import ModelCard

PREFERRED = ("TensorrtExecutionProvider", "CUDAExecutionProvider", "CPUExecutionProvider")
_ERRORS_ONLY = 3
_DTYPES: dict[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(uint8)": np.uint8,
}


@dataclass(frozen=True)
class InputTensor:
    """``channels_last`` means (1, height, width, 3)."""

    name: str
    dtype: type[np.generic]
    channels_last: bool


def open_session(card: ModelCard) -> onnxruntime.InferenceSession:
    """The session on the best provider there is. Raises TaktError if the file is no model that runs here."""
    if card.weights.stat().st_size == 0:
        raise TaktError(
            f"model file {card.weights} is empty", "copy it again, or train it: sim/train_detector.py"
        )
    options = onnxruntime.SessionOptions()
    # One thread that does not spin: a second one halves the speed as soon as anything else runs on its core.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Sizes that a file leaves open are fixed here, so that everything is planned before the first picture.
    options.add_free_dimension_override_by_name("height", card.input.height_px)
    options.add_free_dimension_override_by_name("width", card.input.width_px)
    options.log_severity_level = _ERRORS_ONLY
    try:
        return onnxruntime.InferenceSession(str(card.weights), options, providers=providers_for(card))
    except Exception as error:  # onnxruntime's errors have no common base but this
        reason = " ".join(str(error).split())[:200]
        raise TaktError(
            f"model file {card.weights} is no model that onnxruntime {onnxruntime.__version__} can run: {reason}",
            "copy or export it again (ONNX, opset 17)",
        ) from error


def providers_for(
    card: ModelCard, available: Sequence[str] | None = None
) -> list[tuple[str, dict[str, Any]]]:
    """TensorRT, CUDA, CPU: those that this onnxruntime has, each with the card's options."""
    there = onnxruntime.get_available_providers() if available is None else available
    known = {name.removesuffix("ExecutionProvider").lower(): name for name in PREFERRED}
    for name in card.providers:
        if name not in known:
            raise TaktError(
                f"model card {card.path}: no provider {name!r}", f"providers has one of: {', '.join(known)}"
            )
    return [
        (name, {str(key): value for key, value in card.providers.get(short, {}).items()})
        for short, name in known.items()
        if name in there
    ]


def granted(session: onnxruntime.InferenceSession) -> list[str]:
    """The providers that the session runs on, short and in order: tensorrt, cuda, cpu."""
    return [name.removesuffix("ExecutionProvider").lower() for name in session.get_providers()]


def input_tensor(card: ModelCard, session: onnxruntime.InferenceSession) -> InputTensor:
    """The one picture that goes in. Dimensions that the file leaves open are taken as the card says.

    Raises TaktError when the file wants another size, type, batch or more than a picture.
    """
    tensors = {tensor.name: tensor for tensor in session.get_inputs()}
    name = card.input.name or next(iter(tensors))
    if len(tensors) != 1 or name not in tensors:
        raise TaktError(
            f"model file {card.weights} has inputs {', '.join(tensors)}, the card says {card.input.name or 'one'!r}",
            f"correct input.name of {card.path}, or use the weights that belong to it",
        )
    tensor = tensors[name]
    height, width = card.input.height_px, card.input.width_px
    for channels_last, wanted in ((False, (1, 3, height, width)), (True, (1, height, width, 3))):
        if _fits(tensor.shape, wanted) and tensor.type in _DTYPES:
            return InputTensor(name, _DTYPES[tensor.type], channels_last)
    raise TaktError(
        f"model file {card.weights}: input {name!r} is {tensor.type} {tuple(tensor.shape)}, the card says "
        f"{(1, 3, height, width)}",
        f"correct input.width_px and height_px of {card.path}, or use the weights that belong to it",
    )


def output_names(card: ModelCard, session: onnxruntime.InferenceSession) -> list[str]:
    """The outputs that the decoder gets. Raises TaktError if the card names one that the file has not."""
    names = [tensor.name for tensor in session.get_outputs()]
    if not card.output.name:
        return names
    if card.output.name not in names:
        raise TaktError(
            f"model file {card.weights} has outputs {', '.join(names)}, the card says {card.output.name!r}",
            f"correct output.name of {card.path}, or use the weights that belong to it",
        )
    return [card.output.name]


def _fits(shape: Sequence[int | str | None], wanted: tuple[int, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        not isinstance(one, int) or one == other for one, other in zip(shape, wanted, strict=True)
    )
