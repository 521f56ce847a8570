"""`takt_plant`: the plant in real time, behind a serial device as real motors and encoders are.

Every 2 ms on an absolute grid: newest duty in, one batch of physics, encoder counts out, state to shared memory and to
the log. It waits for the device, and opens it again when it vanishes (the firmware died or was restarted); the motors
brake meanwhile. Ends on SIGINT or SIGTERM.
"""

from __future__ import annotations

import argparse
import gc
import signal
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from takt.simulation import offscreen_gl

offscreen_gl.disable()

import takt.contract  # noqa: E402  (nothing may import MuJoCo before the line above)
from takt.errors import guarded  # noqa: E402
from takt.realtime import apply_policy  # noqa: E402
from takt.simulation.board_port import BoardPort  # noqa: E402
from takt.simulation.plant import BATCH_NS, Plant  # noqa: E402
from takt.simulation.plant_faults import NAMES, Fault, PlantFaults  # noqa: E402
from takt.simulation.plant_log import PlantLog  # noqa: E402
from takt.simulation.plant_orders import PlantOrders  # noqa: E402
from takt.simulation.plant_protocol import PlantLine, encode_encoder  # noqa: E402
from takt.simulation.plant_state import PlantState  # noqa: E402
from takt.simulation.scenario import Scenario  # noqa: E402

_STALL_NS = (
    200_000_000  # a longer stall of this process is dropped from the plant's time, a shorter one made up for
)
_GRACE_S = 20.0


@dataclass
class Lateness:
    """How late batches began, for the closing line."""

    batches: int = 0
    worst_ns: int = 0
    dropped_ns: int = 0

    def note(self, late_ns: int) -> None:
        self.batches += 1
        self.worst_ns = max(self.worst_ns, late_ns)


class PlantProcess:
    """One run. ``run`` returns when ``stop`` was called or the run's time is over."""

    def __init__(
        self,
        plant: Plant,
        port: BoardPort,
        state: PlantState,
        log: PlantLog,
        seconds: float,
        faults: PlantFaults | None = None,
        sample_every: int = 1,
        orders: PlantOrders | None = None,
    ) -> None:
        self._faults = faults or PlantFaults()
        self._orders = orders
        self._plant = plant
        self._port = port
        self._state = state
        self._log = log
        self._line = PlantLine()
        self._sample_every = sample_every
        self._limit_s = seconds + _GRACE_S if seconds > 0.0 else float("inf")
        self._stopped = False
        self.lateness = Lateness()

    def stop(self, *_: object) -> None:
        """Fit to be a signal handler."""
        self._stopped = True

    def run(self) -> None:
        """The real-time loop."""
        due_ns = time.monotonic_ns()
        was_open = False
        while not self._stopped and self._plant.motion_s < self._limit_s:
            due_ns += BATCH_NS
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > 0:
                time.sleep(wait_ns * 1e-9)
            late_ns = time.monotonic_ns() - due_ns
            self.lateness.note(late_ns)
            if late_ns > _STALL_NS:
                due_ns += late_ns
                self.lateness.dropped_ns += late_ns
            self._batch(due_ns)
            if self._port.is_open != was_open:
                was_open = self._port.is_open
                print(f"board {'connected' if was_open else 'gone'}", file=sys.stderr, flush=True)

    def _batch(self, due_ns: int) -> None:
        """Everything of one grid point. The state is stamped with the ROS time of the grid point, not of the work."""
        if self._port.open_when_due(due_ns):
            self._line.reset()
        if self._orders is not None:
            self._orders.give(self._faults, self._plant.motion_s)
        for frame in self._line.duties(self._port.read()):
            self._plant.receive(self._faults.weaken(frame, self._plant.motion_s))
        self._plant.advance()
        silent = self._faults.are_silent(self._plant.motion_s)
        if self.lateness.batches % self._sample_every == 0 and not silent:
            sample = self._faults.apply(self._plant.encoder_frame(), self._plant.motion_s)
            self._port.write(encode_encoder(sample))
        stamp_ns = time.time_ns() - (time.monotonic_ns() - due_ns)
        record = self._state.next_record()
        self._plant.write_record(record, stamp_ns)
        self._state.publish()
        self._log.append(record)


def run(argv: list[str]) -> int:
    """Parse, build, run. Raises TaktError for what a person can mend."""
    options = _parser().parse_args(argv)
    contract = takt.contract.load()
    faults = PlantFaults(tuple(map(Fault.parse, options.fault)))
    plant = Plant(Scenario.from_seed(options.seed, contract), contract)
    log = PlantLog(options.log or Path(tempfile.mkdtemp(prefix="takt-plant-")) / "plant.log", options.seed)
    state = PlantState.create(options.state, options.seed)
    port = BoardPort(options.plant, contract.link.baud)
    orders = PlantOrders(options.orders) if options.orders else None
    process = PlantProcess(plant, port, state, log, options.seconds, faults, options.sample_every, orders)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, process.stop)
    granted = apply_policy(contract.scheduling.plant if options.fifo is None else options.fifo)
    gc.disable()  # a batch makes no cycles
    for line in (granted.describe(), *granted.warnings):
        print(line, file=sys.stderr, flush=True)
    try:
        process.run()
    finally:
        port.close()
        if orders is not None:
            orders.close()
        state.close()
        log.close()
    late = process.lateness
    print(
        f"{late.batches} batches, worst {late.worst_ns / 1e6:.2f} ms late, {late.dropped_ns / 1e6:.0f} ms dropped, "
        f"{port.dropped} frames without room",
        file=sys.stderr,
    )
    return 0


def main() -> None:
    """Console script."""
    sys.exit(guarded(lambda: run(sys.argv[1:])))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt_plant", description="The simulated robot in real time.")
    _add_places(parser)
    _add_run(parser)
    return parser


def _add_places(parser: argparse.ArgumentParser) -> None:
    """Where the board, the camera's memory and the log are, and where orders come in."""
    parser.add_argument(
        "--plant",
        "--dev",
        dest="plant",
        required=True,
        metavar="DEVICE",
        help="the board's plant stream: a serial device, a pty or a local socket",
    )
    parser.add_argument(
        "--state", default="takt_plant", metavar="NAME", help="shared memory for the camera (takt_plant)"
    )
    parser.add_argument(
        "--log", type=Path, metavar="FILE", help="where every state is written (default: a new folder)"
    )
    parser.add_argument(
        "--orders", type=Path, metavar="SOCKET", help="take faults while it runs (simulation/plant_orders.py)"
    )


def _add_run(parser: argparse.ArgumentParser) -> None:
    """Which scenario runs, for how long, with which faults and how urgently."""
    parser.add_argument("--seed", type=_seed, default=1, help="of the scenario, 0 or more")
    parser.add_argument(
        "--seconds", type=float, default=0.0, help=f"end {_GRACE_S:.0f} s after this much motion (0: never)"
    )
    parser.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="NAME@START[+LENGTH]",
        help="let an input of the board show a fault, s of motion; names: " + ", ".join(NAMES),
    )
    parser.add_argument(
        "--sample-every",
        type=int,
        choices=range(1, 6),
        default=1,
        metavar="N",
        help="encoder samples every N batches of 2 ms, 1 to 5",
    )
    parser.add_argument(
        "--fifo", type=int, default=None, help="SCHED_FIFO priority (default: the contract's; 0: none)"
    )


def _seed(text: str) -> int:
    seed = int(text)
    if seed < 0:
        raise argparse.ArgumentTypeError("a seed is 0 or more")
    return seed


if __name__ == "__main__":
    main()
