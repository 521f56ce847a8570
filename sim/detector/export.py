"""Weights to ONNX with a model card, and the same network with scrambled weights, which must find nothing.

Only ``to_onnx`` needs torch; ``untrained`` works from the shipped file, so that tests need no training set-up.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import numpy_helper

OPSET = 17
INPUT, OUTPUT = "picture", "cells"
_WIDTH_PX, _HEIGHT_PX, _STRIDE_PX = 320, 240, 8
CLASSES = ("target", "obstacle")


def to_onnx(weights: Path, destination: Path) -> int:
    """Write the trained network, batch norm folded in, pixels 0..1; returns the number of parameters trained."""
    import torch

    from .network import Nano

    network = Nano()
    network.load_state_dict(torch.load(weights, weights_only=True))
    network.eval()
    sample = torch.zeros(1, 3, _HEIGHT_PX, _WIDTH_PX)
    torch.onnx.export(
        network, (sample,), str(destination), input_names=[INPUT], output_names=[OUTPUT],
        opset_version=OPSET, dynamo=False,
    )  # fmt: skip
    _leave_size_open(destination)
    model = onnx.load(str(destination))
    onnx.checker.check_model(model, full_check=True)
    return sum(parameter.numel() for parameter in network.parameters())


def _leave_size_open(file: Path) -> None:
    """Name the dimensions: the layers take any multiple of 32 px up to the size of the export, and some looks of
    perception use a smaller one (takt.vision.looks)."""
    model = onnx.load(str(file))
    for value, names in (
        (model.graph.input[0], ("height", "width")),
        (model.graph.output[0], ("rows", "columns")),
    ):
        for dimension, name in zip(value.type.tensor_type.shape.dim[2:], names, strict=True):
            dimension.dim_param = name
    del model.graph.value_info[:]
    onnx.save(model, str(file))


def card(parameters: int, training: dict[str, Any], accuracy: dict[str, Any]) -> str:
    """The text of the model card; see takt.vision.model_card for what each key means."""
    document = {
        "name": "takt_nano",
        "description": "Finds the orange two-band target and obstacles of the simulated arena; trained from nothing "
        "on renders only (sim/train_detector.py), so it knows no photograph.",
        "licence": "Apache-2.0",
        "weights": "takt_nano.onnx",
        "decoder": "takt_cells",
        "classes": list(CLASSES),
        "input": {
            "name": INPUT,
            "width_px": _WIDTH_PX,
            "height_px": _HEIGHT_PX,
            "scale": 1.0 / 255.0,
            "mean": 0,
        },
        "output": {"name": OUTPUT, "strides_px": [_STRIDE_PX]},
        "thresholds": {"score": 0.35, "overlap": 0.55},
        "smaller": {"width_px": 192, "height_px": 160},
        "window": {"width_px": 160, "height_px": 128},
        "int8": {"weights": "takt_nano_int8.onnx", "allowed_loss_points": 1.0},
        "parameters": parameters,
        "opset": OPSET,
        "training": training,
        "accuracy": accuracy,
    }
    # Through JSON, so that numbers are plain ones.
    text = yaml.safe_dump(json.loads(json.dumps(document)), sort_keys=False, width=110)
    return (
        "# Model card; written by sim/train_detector.py. How it is read: ros_nodes/takt/vision/model_card.py\n"
        + text
    )


def untrained_card(trained_card: str, seed: int) -> str:
    """The shipped card, saying that these weights know nothing."""
    document = yaml.safe_load(trained_card)
    document["description"] = "The network of takt_nano with weights drawn at random, for tests."
    document["training"] = {"seed": seed, "pictures": 0}
    document["accuracy"] = {}
    return yaml.safe_dump(document, sort_keys=False, width=110)


def untrained(trained: Path, destination: Path, seed: int) -> None:
    """The same network with its weights drawn anew: it runs at the same speed and knows nothing.

    Each weight array keeps its spread; biases become small, so that no cell stays at "nothing here" for sure.
    """
    model = onnx.load(str(trained))
    rng = np.random.default_rng(seed)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim == 0:
            continue  # shapes, indices and scales of the graph itself
        if values.ndim == 4:
            drawn = rng.normal(0.0, float(values.std()) + 1e-3, values.shape)
        else:
            drawn = (
                rng.normal(0.0, 0.1, values.shape)
                if values.ndim == 1 and values.size > 4
                else np.zeros_like(values)
            )
        tensor.CopyFrom(numpy_helper.from_array(drawn.astype(np.float32), tensor.name))
    onnx.save(model, str(destination))
