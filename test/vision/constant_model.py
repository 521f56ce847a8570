"""Small ONNX models with known outputs, and cards for them: what a trained model would say, made to order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import yaml
from onnx import TensorProto, helper, numpy_helper

ROWS, COLUMNS, STRIDE_PX, CLASSES = 4, 6, 8, 2


def empty_output() -> np.ndarray:
    """Cells that are all sure to hold nothing."""
    output = np.zeros((1, CLASSES + 4, ROWS, COLUMNS), np.float32)
    output[:, :CLASSES] = -20.0
    return output


def put(
    output: np.ndarray, row: int, column: int, class_id: int, box_xyxy_px: tuple[float, ...], logit: float
) -> None:
    """Let one cell predict a box."""
    x0, y0, x1, y1 = box_xyxy_px
    output[0, class_id, row, column] = logit
    output[0, CLASSES:, row, column] = (
        (x0 + x1) / 2 / STRIDE_PX - column,
        (y0 + y1) / 2 / STRIDE_PX - row,
        np.log((x1 - x0) / STRIDE_PX),
        np.log((y1 - y0) / STRIDE_PX),
    )


def write_model(path: Path, output: np.ndarray, opset: int = 17, input_name: str = "picture") -> None:
    """A model that answers every picture with ``output``."""
    shape_in = [1, 3, ROWS * STRIDE_PX, COLUMNS * STRIDE_PX]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["answer"], ["cells"])],
        "constant",
        [helper.make_tensor_value_info(input_name, TensorProto.FLOAT, shape_in)],
        [helper.make_tensor_value_info("cells", TensorProto.FLOAT, list(output.shape))],
        [numpy_helper.from_array(output, "answer")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, str(path))


def write_export(
    path: Path,
    outputs: dict[str, np.ndarray],
    picture: tuple[int | str, ...],
    kind: int = TensorProto.FLOAT,
    open_shapes: bool = False,
    opset: int = 17,
) -> None:
    """A model that answers every picture with these arrays, as an exporter would declare it.

    ``picture`` is the input's shape, names for dimensions left open; ``open_shapes`` leaves the outputs' open too.
    """
    graph = helper.make_graph(
        [helper.make_node("Identity", [f"{name}_answer"], [name]) for name in outputs],
        "export",
        [helper.make_tensor_value_info("images", kind, list(picture))],
        [
            helper.make_tensor_value_info(
                name,
                helper.np_dtype_to_tensor_dtype(array.dtype),
                [f"{name}_{axis}" for axis in range(array.ndim)] if open_shapes else list(array.shape),
            )
            for name, array in outputs.items()
        ],
        [numpy_helper.from_array(array, f"{name}_answer") for name, array in outputs.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.save(model, str(path))


def card_document() -> dict[str, Any]:
    """A valid card for ``write_model``'s models."""
    return {
        "name": "test",
        "licence": "Apache-2.0",
        "weights": "test.onnx",
        "decoder": "takt_cells",
        "classes": ["target", "obstacle"],
        "input": {
            "name": "picture",
            "width_px": COLUMNS * STRIDE_PX,
            "height_px": ROWS * STRIDE_PX,
            "scale": 1.0,
            "mean": 0,
        },
        "output": {"name": "cells", "strides_px": [STRIDE_PX]},
        "thresholds": {"score": 0.3, "overlap": 0.5},
    }


def write_card(folder: Path, document: dict[str, Any] | None = None) -> Path:
    """Write a card into ``folder``; the weights are not written."""
    path = folder / "test.yaml"
    path.write_text(yaml.safe_dump(document or card_document()), encoding="utf-8")
    return path
