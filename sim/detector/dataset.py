"""Renders the training pictures once into a folder, by several processes, and reads them back."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt.vision.renders import Renderer

WIDTH_PX, HEIGHT_PX = 320, 240
MAX_OBJECTS = 12
_SHARD = 500


@dataclass(frozen=True)
class Dataset:
    """N pictures. ``pixels`` (N, 240, 320, 3) uint8; ``boxes`` (N, 12, 4) float32 xyxy px; ``class_ids`` (N, 12) int8,
    -1 where a row is unused; ``ignored`` (N, 12) bool."""

    pixels: NDArray[np.uint8]
    boxes: NDArray[np.float32]
    class_ids: NDArray[np.int8]
    ignored: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.pixels)


def render(folder: Path, first_seed: int, count: int, processes: int = 2) -> list[Path]:
    """The shards that hold the pictures of ``count`` seeds; those that the folder lacks are rendered first."""
    folder.mkdir(parents=True, exist_ok=True)
    end = first_seed + count
    jobs = [(folder, seed, min(_SHARD, end - seed)) for seed in range(first_seed, end, _SHARD)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, _ in enumerate(pool.imap_unordered(_render_shard, jobs), 1):
            print(f"pictures: {min(done * _SHARD, count)} of {count}", flush=True)
    return [_shard_path(*job) for job in jobs]


def load(shards: Sequence[Path]) -> Dataset:
    """All pictures of the shards, in memory (230 KB each)."""
    loaded = [_read(shard) for shard in shards]
    return Dataset(*(np.concatenate([arrays[key] for arrays in loaded]) for key in _KEYS))


_KEYS = ("pixels", "boxes", "class_ids", "ignored")


def _shard_path(folder: Path, seed: int, count: int) -> Path:
    return folder / f"{seed}+{count}.npz"


def _render_shard(job: tuple[Path, int, int]) -> None:
    path = _shard_path(*job)
    if path.exists():
        return
    _, first, count = job
    arrays = {
        "pixels": np.zeros((count, HEIGHT_PX, WIDTH_PX, 3), np.uint8),
        "boxes": np.zeros((count, MAX_OBJECTS, 4), np.float32),
        "class_ids": np.full((count, MAX_OBJECTS), -1, np.int8),
        "ignored": np.zeros((count, MAX_OBJECTS), np.bool_),
    }
    with Renderer(WIDTH_PX, HEIGHT_PX) as renderer:
        for row, picture in enumerate(renderer.pictures(range(first, first + count))):
            number = min(len(picture.class_ids), MAX_OBJECTS)
            arrays["pixels"][row] = picture.pixels
            arrays["boxes"][row, :number] = picture.boxes_xyxy_px[:number]
            arrays["class_ids"][row, :number] = picture.class_ids[:number]
            arrays["ignored"][row, :number] = picture.ignored[:number]
    partial = path.with_suffix(".partial.npz")
    np.savez(partial, **arrays)
    partial.rename(path)  # complete or absent, so that a broken run can go on


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    with np.load(path) as file:
        return {key: file[key] for key in _KEYS}
