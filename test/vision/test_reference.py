"""A real model on real photographs gives what an independent decoder found in them."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from takt.cli import main
from takt.vision.suppression import overlaps

SHARED = Path(os.environ.get("TAKT_SHARED", ""))
WEIGHTS = SHARED / "models" / "yolox_nano.onnx"
REFERENCE = SHARED / "images" / "reference_yolox_nano.json"

pytestmark = pytest.mark.skipif(
    not (os.environ.get("TAKT_SHARED") and WEIGHTS.is_file()),
    reason="TAKT_SHARED names no real model and photographs",
)


def test_yolox_nano_finds_what_the_reference_found(tmp_path: Path) -> None:
    reference = json.loads(REFERENCE.read_text())["images"]
    photos = [str(SHARED / "images" / name) for name in reference]
    out = tmp_path / "out.json"
    assert (
        main(["detect", "--model", "yolox_nano", "--weights", str(WEIGHTS), *photos, "--json", str(out)]) == 0
    )
    found = json.loads(out.read_text())
    assert sum(len(boxes) for boxes in reference.values()) >= 20
    for name, wanted in reference.items():
        assert [one["label"] for one in found[name]] == [one["label"] for one in wanted], name
        for one, other in zip(found[name], wanted, strict=True):
            share = overlaps(np.array([one["xyxy"]], np.float32), np.array([other["xyxy"]], np.float32))[0, 0]
            assert share >= 0.95 and abs(one["score"] - other["score"]) <= 0.01, (name, one, other)
