"""Records the control tick: `python -m takt.simulation.control_record` writes firmware/replay/generated/.

One scripted drive of a simple wheel model (first order, no physics engine), so that the inputs are the same on every
machine; then chaos for the refusals and causes that a drive does not meet.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import takt.contract
from takt.simulation import replay
from takt.simulation.command_chaos import Chaos

FOLDER = Path("firmware/replay/generated")
LIBRARY = Path("build/firmware/libtakt_core.so")
_MS = 1_000_000
_PERIOD_S = 0.01
_TIME_CONSTANT_S = 0.09  # of the motor with half the robot's mass
_CHAOS_CYCLES = 400


class _Wheels:
    """Two motors: speed follows duty over feed-forward with one time constant; ``load`` slows, ``held`` stops them."""

    def __init__(self, contract: takt.contract.Contract) -> None:
        self._per_duty = 1.0 / contract.control.feed_forward_per_rad_s
        self._counts_per_rad = contract.robot.encoder_counts_per_rev / (2.0 * math.pi)
        self.speed = [0.0, 0.0]
        self._turned = [0.0, 0.0]

    def advance(self, duty: list[float], load: float) -> list[int]:
        """Counts after one period."""
        share = 1.0 - math.exp(-_PERIOD_S / _TIME_CONSTANT_S)
        for wheel in (0, 1):
            goal = duty[wheel] * self._per_duty * load
            self.speed[wheel] += (goal - self.speed[wheel]) * share
            self._turned[wheel] += self.speed[wheel] * _PERIOD_S
        return [math.floor(turned * self._counts_per_rad) for turned in self._turned]


def _script() -> Iterator[tuple[float, float, float, int]]:
    """(speed m/s, yaw rate rad/s, load factor, flags) for each cycle; NaN speed: no command."""
    for cycles, speed, yaw_rate, load, flags in (
        (10, 0.0, 0.0, 1.0, 0),
        (150, 0.8, 0.0, 1.0, 0),
        (60, 0.8, 2.5, 1.0, 0),
        (80, -0.6, 0.0, 1.0, 0),
        (60, 0.2, -1.5, 1.0, 0),
        (500, 0.8, 0.0, 0.5, 0),  # five seconds of saturation
        (120, 0.8, 0.0, 1.0, 0),
        (14, math.nan, 0.0, 1.0, 0),  # silence, and back in the middle of the ramp
        (80, 0.8, 0.0, 1.0, 0),
        (40, math.nan, 0.0, 1.0, 0),
        (40, 0.4, 0.0, 1.0, 0),
        (10, 0.4, 0.0, 1.0, replay.E_STOP),
        (10, 0.4, 0.0, 1.0, 0),
    ):
        yield from ((speed, yaw_rate, load, flags) for _ in range(cycles))


def record(library: Path = LIBRARY) -> tuple[NDArray[np.void], NDArray[np.void]]:
    """CYCLE and RESULT records of the script and the chaos behind it."""
    contract = takt.contract.load()
    board = replay.Replay(library)
    cycles, results = _drive(contract, board)
    chaos = Chaos(contract, 115)
    result = results[-1:]
    for number in range(_CHAOS_CYCLES):
        cycle = chaos.next_cycle(result).copy()
        if number == 0:
            cycle["flags"] |= replay.RESET
        result = board.run(cycle)
        cycles, results = np.concatenate((cycles, cycle)), np.concatenate((results, result))
    return cycles, results


def _drive(
    contract: takt.contract.Contract, board: replay.Replay
) -> tuple[NDArray[np.void], NDArray[np.void]]:
    wheels, script = _Wheels(contract), list(_script())
    cycles, results = np.zeros(len(script), replay.CYCLE), np.zeros(len(script), replay.RESULT)
    cycle = np.zeros(1, replay.CYCLE)
    for number, (speed, yaw_rate, load, flags) in enumerate(script):
        now_ns = (number + 1) * 10 * _MS
        cycle["now_ns"] = cycle["sample_ns"] = cycle["agent_heard_ns"] = now_ns
        cycle["ros_now_ns"], cycle["ros_bound_ns"] = 10**18 + now_ns, 300_000
        if not math.isnan(speed):
            cycle["command_sequence"] += 1
            cycle["received_ns"], cycle["stamp_ns"] = now_ns - _MS, 10**18 + now_ns - 40 * _MS
            cycle["speed_m_s"], cycle["yaw_rate_rad_s"] = speed, yaw_rate
        cycle["counts"][0] = wheels.advance(results["duty"][number - 1].tolist(), load)
        cycle["sample_sequence"], cycle["supply_mv"], cycle["dt_s"] = number + 1, 12_000, _PERIOD_S
        cycle["requests"][0, replay.ARM] = number >= 3
        cycle["flags"] = replay.LOCKED | replay.AGENT_HEARD | replay.SAMPLE | flags
        cycles[number], results[number] = cycle[0], board.run(cycle)[0]
    return cycles, results


def main(argv: list[str]) -> int:
    """Write both files."""
    parser = argparse.ArgumentParser(prog="takt.simulation.control_record", description=__doc__)
    parser.add_argument("--library", type=Path, default=LIBRARY)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    given = parser.parse_args(argv)
    cycles, results = record(given.library)
    given.folder.mkdir(parents=True, exist_ok=True)
    (given.folder / "control_in.bin").write_bytes(cycles.tobytes())
    (given.folder / "control_out.bin").write_bytes(results.tobytes())
    print(f"{len(cycles)} cycles")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
