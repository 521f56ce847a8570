"""`takt bench NAME`: each part brings its own measurement; this table finds it."""

from __future__ import annotations

import importlib

from takt.errors import TaktError

BENCHES = {
    "link_block": "takt.simulation.link_block_bench",
    "control": "takt.simulation.control_bench",
    "deadlines": "takt.deadline_bench.bench",
    "firmware": "takt.firmware_gates.bench",
    "frames": "takt.frames.bench",
    "link": "takt.link_proofs.bench",
    "micropython": "takt.micropython.bench",
    "page": "takt.dashboard.bench",
    "twin": "takt.twin.bench",
    "twin-vs-real": "takt.twin.likeness_bench",
    "vision": "takt.vision.bench",
}


def main(argv: list[str]) -> int:
    """Run one bench by name; exit status 0 whenever it measured."""
    name = argv[0] if argv else ""
    if name not in BENCHES:
        raise TaktError(f"no bench {name!r}", f"name one of: {', '.join(sorted(BENCHES))}")
    return int(importlib.import_module(BENCHES[name]).main(argv[1:]))
