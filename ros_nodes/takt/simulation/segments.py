"""Long proofs in segments, each of its own seed and robot; a report on disk is taken up again where it ended."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from takt.errors import TaktError

SEGMENT_CYCLES = 50_000
Segment = dict[str, Any]  # what one segment's run found, with its "cycles"
Summary = Callable[[int, Sequence[Mapping[str, Any]]], dict[str, Any]]


def run_segments(
    count: int, seed: int, run: Callable[[int, int], Segment], summary: Summary, progress: Path | None
) -> dict[str, Any]:
    """``summary`` of the proof's seed and of ``count`` cycles; ``run`` takes a segment's seed and its cycles.

    ``progress`` is a report, written after every segment: the whole segments of the same seed that it holds are not
    run again. Raises TaktError when it is something else.
    """
    segments = _resume(progress, seed)
    for number in range(len(segments), -(-count // SEGMENT_CYCLES)):
        cycles = min(SEGMENT_CYCLES, count - number * SEGMENT_CYCLES)
        segments.append(run(seed * 1_000_003 + number, cycles))
        if progress is not None:
            told = {**summary(seed, segments), "segments": segments}
            progress.write_text(json.dumps(told, indent=1) + "\n")
    return summary(seed, segments)


def _resume(progress: Path | None, seed: int) -> list[Segment]:
    if progress is None or not progress.exists():
        return []
    try:
        found = json.loads(progress.read_text())
        whole = [segment for segment in found["segments"] if segment["cycles"] == SEGMENT_CYCLES]
    except (ValueError, KeyError, TypeError) as error:
        raise TaktError(f"{progress} is no report of this proof", "name another file or delete it") from error
    return whole if found.get("seed") == seed else []
