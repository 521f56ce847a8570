"""`takt bench link_block`: the firmware's link thread stands still for ten seconds; does the control loop miss a cycle?

A bare C loop at higher priority runs beside it. A miss that the loop was late for, too, within 20 ms, is the
machine's and is told apart. Soft real time on a host: the figures are of this machine at this hour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from takt.contract.generated import messages
from takt.errors import TaktError
from takt.link.agent import AgentCore
from takt.link.ros_port import ENCAPSULATION, MemoryRos
from takt.link.transports import LineLost
from takt.link.transports.serial_line import SerialLine
from takt.simulation.board_port import BoardPort
from takt.simulation.plant_protocol import EncoderFrame, encode_encoder

FOLDER = Path("build/firmware")
_SETTLE_MS = 4000
_AFTER_S = 6.0
_SHARED_NS = 20_000_000


def shared(misses_ns: Sequence[int], stalls_ns: Sequence[int]) -> int:
    """How many of the misses have a stall of the reference loop within 20 ms; all in ROS ns."""
    return sum(any(abs(miss - stall) <= _SHARED_NS for stall in stalls_ns) for miss in misses_ns)


def measure(build: Path, block_s: float, fifo: int) -> dict[str, Any]:
    """One run; raises TaktError if the board does not talk."""
    seconds = _SETTLE_MS / 1e3 + block_s + _AFTER_S
    with tempfile.TemporaryDirectory(prefix="takt-block-") as name:
        folder = Path(name)
        firmware, reference = _start(build, folder, block_s, fifo, seconds)
        try:
            values, misses_ns = _host(folder, seconds)
        finally:
            firmware.terminate()
            firmware.wait(10.0)
            reference.wait(30.0)
        stalls_ns = [int(line.split()[0]) for line in (folder / "stalls.txt").read_text().splitlines()]
        told = json.loads((folder / "loop.json").read_text())
    common = shared(misses_ns, stalls_ns)
    return {
        "block_s": block_s,
        "cycles": int(values.get("cycles", 0)),
        "misses": int(values.get("misses", 0)),
        "records_received": len(misses_ns),
        "shared_with_reference_loop": common,
        "own": int(values.get("misses", 0)) - common,
        "reference_loop": told,
        "fifo_asked": fifo,
    }


def _start(
    build: Path, folder: Path, block_s: float, fifo: int, seconds: float
) -> tuple[subprocess.Popen[bytes], subprocess.Popen[bytes]]:
    """The firmware, which blocks its own link thread, and the bare loop that runs beside it."""
    lines = ("--link", f"pty:{folder}/link", "--plant", f"pty:{folder}/plant")
    rehearse = ("--rehearse-block", f"{round(block_s * 1e3)}@{_SETTLE_MS}")
    board = [str(build / "takt_firmware"), *lines, "--fifo", str(fifo), *rehearse]
    loop = [str(build / "reference_loop"), "--fifo", str(min(fifo + 5, 99)), "--seconds", f"{seconds:.0f}"]
    answers = ("--json", f"{folder}/loop.json", "--stalls", f"{folder}/stalls.txt")
    try:
        return subprocess.Popen(board, stderr=subprocess.DEVNULL), subprocess.Popen([*loop, *answers])
    except OSError as error:
        raise TaktError(
            f"{error.filename} cannot be run", "build it: cmake --build build/firmware"
        ) from error


def _host(folder: Path, seconds: float) -> tuple[dict[str, str], list[int]]:
    """Agent and encoders for the run; the newest loop counters and the releases of all misses, ROS ns."""
    ros = MemoryRos()
    agent, port = AgentCore(ros), BoardPort(str(folder / "plant"))
    values: dict[str, str] = {}
    misses: dict[tuple[str, str], int] = {}
    line, is_open = SerialLine(str(folder / "link"), 921_600), False
    end_s, number = time.monotonic() + seconds, 0
    while time.monotonic() < end_s:
        now_ns = time.monotonic_ns()
        ros.clock_ns = time.time_ns()
        port.open_when_due(now_ns)
        number += 1
        port.write(encode_encoder(EncoderFrame(False, False, 12_000, number, now_ns, (0, 0))))
        port.read()
        try:
            if not is_open:
                line.open()
                is_open = True
            agent.receive(line.read(), now_ns)
            agent.run(now_ns)
            line.write(agent.transmit())
        except LineLost:
            is_open = False
        _learn(ros, values, misses)
        time.sleep(0.002)
    port.close()
    line.close()
    if not values:
        raise TaktError("the board said nothing", "look whether takt_firmware starts on this machine")
    return values, list(misses.values())


def _learn(ros: MemoryRos, values: dict[str, str], misses: dict[tuple[str, str], int]) -> None:
    for what, name, data in ros.log:
        if what != "publish" or name not in ("rt/diagnostics", "rt/base/deadline_misses"):
            continue
        array = messages.DiagnosticArray.from_cdr(data[len(ENCAPSULATION) :])
        told = {pair.key: pair.value for pair in array.status[0].values}
        if array.status[0].name == "base: loop":
            values.update(told)
        elif array.status[0].name == "base: miss":
            stamp = array.header.stamp
            misses[told["boot"], told["sequence"]] = stamp.sec * 10**9 + stamp.nanosec
    ros.log.clear()


def main(argv: list[str]) -> int:
    """Print the figures; 0 whenever it measured."""
    parser = argparse.ArgumentParser(prog="takt bench link_block", description=__doc__)
    parser.add_argument("--build", type=Path, default=FOLDER, help="where the firmware for hosts was built")
    parser.add_argument("--block", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument("--fifo", type=int, default=80)
    parser.add_argument("--json", type=Path, default=None, metavar="FILE")
    given = parser.parse_args(argv)
    if not 0.1 <= given.block <= 600.0:
        raise TaktError(f"--block {given.block} is not possible", "give 0.1 to 600 s")
    found = measure(given.build, given.block, given.fifo)
    print(json.dumps(found, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
