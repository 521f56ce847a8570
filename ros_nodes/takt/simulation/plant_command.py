"""`takt plant`: the simulated robot behind a second serial port of a real board."""

from __future__ import annotations

from takt.simulation.plant_process import run


def main(argv: list[str]) -> int:
    """Runs until Ctrl-C; see ``takt plant --help``."""
    return run(argv)
