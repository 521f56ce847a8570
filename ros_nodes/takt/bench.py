"""`takt bench NAME`: each part brings its own measurement; this table finds it."""

from __future__ import annotations

from takt.named_runs import run_named

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
    return run_named("bench", BENCHES, argv)
