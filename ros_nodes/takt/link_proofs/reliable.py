"""`takt prove reliable`: numbered samples on reliable streams, both ways, over a line that loses, flips and repeats.

The board's real client and the real agent core. First in virtual time, in chunks of a session each (a run that was
ended goes on with the same --state file), then over a real pty with the line simulator between the two ends.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import struct
import tempfile
import time
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.line_simulator.ends import OfferedEnd
from takt.line_simulator.faults import FaultyStream, Rates
from takt.line_simulator.line import LineSimulator, RunningLine
from takt.line_simulator.wire import Wire
from takt.link.agent import AgentCore
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.link.transports.driver import LineDriver
from takt.link.transports.reactor import Reactor, running
from takt.link.transports.serial_line import SerialLine
from takt.link_proofs.meter import CONNECTED, Meter, now_ns

_STEP_NS = 1_000_000
_SIZE = 64
_CONNECT_LIMIT_S = 120.0
_CHUNK = 50_000
_WINDOW = 48  # of pings over the pty: the agent's history for the pongs holds 100
_AHEAD = 12  # samples towards the board that wait in the agent at most
_RATES = Rates(drop=0.01, flip=0.01, duplicate=0.01)
_STALL_NS = 30_000_000_000  # without any progress: given up
_PING, _PONG = "rt/meter/ping_reliable", "rt/meter/pong_reliable"
_SMALLEST = 16


class NumberCheck:
    """Takes samples and counts those that are next in order, whole and unharmed."""

    def __init__(self) -> None:
        self.heard = self.wrong = 0

    def take(self, cdr: bytes) -> None:
        number, complement = struct.unpack_from("<II", cdr, 4) if len(cdr) >= _SMALLEST else (0, 0)
        if len(cdr) == _SIZE and number == self.heard and number == complement ^ 0xFFFFFFFF:
            self.heard += 1
        else:
            self.wrong += 1


def numbered(number: int) -> bytes:
    """A sample as the meter makes them: a CDR string that begins with its number."""
    body = struct.pack("<III", _SIZE - 4, number, number ^ 0xFFFFFFFF)
    return body + b"x" * (_SIZE - len(body) - 1) + b"\0"


def virtual_chunk(seed: int, count: int) -> dict[str, int]:
    """``count`` samples each way in one session, in virtual time."""
    ros, meter = MemoryRos(), Meter(any_order=False)
    agent = AgentCore(ros)
    up, down = (Wire(FaultyStream(seed, way, _RATES)) for way in ("up", "down"))
    check, offered, clock_ns, moved_ns, last = NumberCheck(), 0, 0, 0, (0, 0)
    while True:
        clock_ns += _STEP_NS
        ros.clock_ns = clock_ns
        meter.run(clock_ns)
        view = meter.view(clock_ns)
        heard = view.counts[1].heard + view.counts[1].wrong
        if view.state == CONNECTED:
            left = count - view.counts[1].published
            if left:
                meter.publish(True, left, _SIZE, clock_ns)
            while offered < count and offered - heard < _AHEAD and ros.deliver(_PONG, numbered(offered)):
                offered += 1
        if said := meter.take():
            up.write(said, clock_ns)
        if arrived := up.read(clock_ns):
            agent.receive(arrived, clock_ns)
            for what, name, sample in ros.log:
                if what == "publish" and name == _PING:
                    check.take(sample[len(ENCAPSULATION) :])
            ros.log.clear()
        agent.run(clock_ns)
        if answer := agent.transmit():
            down.write(answer, clock_ns)
        if arrived := down.read(clock_ns):
            meter.receive(arrived, clock_ns)
        progress = (check.heard + check.wrong, heard)
        if progress != last:
            last, moved_ns = progress, clock_ns
        finished = check.heard >= count and heard >= count
        if (finished and clock_ns - moved_ns > 1_000_000_000) or clock_ns - moved_ns > _STALL_NS:
            break  # a second after the end, so that what would come twice can come
    return _row(seed, count, check, meter, clock_ns, up.faults.counts, down.faults.counts)


def _row(
    seed: int,
    count: int,
    check: NumberCheck,
    meter: Meter,
    at_ns: int,
    up: dict[str, int],
    down: dict[str, int],
) -> dict[str, int]:
    view = meter.view(at_ns)
    return {
        "seed": seed,
        "count": count,
        "to_host_in_order": check.heard,
        "to_host_wrong": check.wrong,
        "to_board_in_order": int(view.counts[1].heard),
        "to_board_wrong": int(view.counts[1].wrong),
        "reconnects": int(view.reconnects),
        "portions_harmed": sum(up.values()) + sum(down.values()),
    }


class EchoCore(AgentCore):
    """Gives every reliable ping back as a pong, as a ROS node would."""

    def __init__(self, ros: MemoryRos) -> None:
        super().__init__(ros)
        self._memory_ros = ros
        self.check = NumberCheck()

    def receive(self, data: bytes, now_ns: int) -> None:
        super().receive(data, now_ns)
        for what, name, sample in self._memory_ros.log:
            if what == "publish" and name == _PING:
                self.check.take(sample[len(ENCAPSULATION) :])
                self._memory_ros.deliver(_PONG, sample[len(ENCAPSULATION) :])
        self._memory_ros.log.clear()


def over_pty(seed: int, count: int) -> dict[str, int]:
    """``count`` samples each way over a real pty: the meter's loop in C, the agent core on its driver's thread."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        line = LineSimulator(
            OfferedEnd(folder / "agent"), OfferedEnd(folder / "board"), seed=seed, rates=_RATES
        )
        core = EchoCore(MemoryRos())
        reactor = Reactor()
        driver = LineDriver(core, SerialLine(str(folder / "agent"), 921_600), reactor)
        board = SerialLine(str(folder / "board"), 921_600)
        with RunningLine(line), running(reactor):
            board.open()
            meter = Meter(now_ns=now_ns())
            _connect(meter, board.fileno())
            limit_s = 30.0 + count * 0.05
            meter.loop(
                board.fileno(), seconds=limit_s, count=count, reliable=True, size=_SIZE, window=_WINDOW
            )
            meter.loop(board.fileno(), seconds=1.0)
            status = line.status()
            board.close()
        driver.close()
        reactor.close()
    harmed = [{fate: way[fate] for fate in ("drop", "flip", "duplicate")} for way in status.values()]
    return _row(seed, count, core.check, meter, now_ns(), *harmed)


def _connect(meter: Meter, fd: int) -> None:
    until_s = time.monotonic() + _CONNECT_LIMIT_S
    while meter.view(now_ns()).state != CONNECTED:
        if time.monotonic() > until_s:
            raise TaktError(
                f"the client did not connect within {_CONNECT_LIMIT_S:.0f} s",
                "see whether `takt line` works here",
            )
        meter.loop(fd, seconds=0.05)


def holds(row: dict[str, int]) -> bool:
    """All there, once each, in order, in one session, over a line that did harm."""
    count = row["count"]
    return (
        row["to_host_in_order"] == row["to_board_in_order"] == count
        and row["to_host_wrong"] == row["to_board_wrong"] == row["reconnects"] == 0
        and (row["portions_harmed"] > 0 or count < 200)
    )


def _chunk_of(job: tuple[int, int]) -> dict[str, int]:
    return virtual_chunk(*job)


def run_virtual(count: int, seed: int, jobs: int, state: Path | None) -> list[dict[str, int]]:
    """The chunks that ``state`` does not hold yet, on ``jobs`` processes."""
    done = [json.loads(line) for line in state.read_text().splitlines()] if state and state.exists() else []
    sizes = [min(_CHUNK, count - start) for start in range(0, count, _CHUNK)]
    known = {(row["seed"], row["count"]) for row in done}
    waiting = [(seed + i, size) for i, size in enumerate(sizes) if (seed + i, size) not in known]
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for row in pool.imap_unordered(_chunk_of, waiting):
            done.append(row)
            print(json.dumps(row), flush=True)
            if state:
                with state.open("a") as record:
                    record.write(json.dumps(row) + "\n")
    return done


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt prove reliable", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--count", type=int, default=1_000_000, help="samples each way in virtual time")
    made.add_argument("--pty-count", type=int, default=20_000, help="samples each way over a real pty")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--jobs", type=int, default=2, help="processes")
    made.add_argument("--state", type=Path, help="file to record chunks in, and to go on from")
    made.add_argument("--json", type=Path, default=None, metavar="FILE")
    return made


def main(argv: list[str]) -> int:
    """Run both; 0 when every sample arrived once and in order."""
    given = parser().parse_args(argv)
    rows = run_virtual(given.count, given.seed, given.jobs, given.state)
    pty = over_pty(given.seed, given.pty_count) if given.pty_count else None
    result: dict[str, Any] = {
        "virtual_each_way": sum(row["count"] for row in rows if holds(row)),
        "virtual_wanted": given.count,
        "portions_harmed": sum(row["portions_harmed"] for row in rows),
        "pty": pty,
        "ok": all(holds(row) for row in [*rows, *([pty] if pty else [])]),
    }
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["ok"] else 1
