"""A firmware process between two peers in this process: wheels that follow their duty, and the agent's core.

The peers take what time they get; the firmware's cycles do not wait for them.
"""

from __future__ import annotations

import contextlib
import math
import os
import select
import signal
import subprocess
import time
import tty
from pathlib import Path
from types import TracebackType
from typing import IO

from takt.contract.generated import messages
from takt.errors import TaktError
from takt.link.agent import AgentCore
from takt.link.ros_port import MemoryRos
from takt.simulation.plant_protocol import DutyFrame, EncoderFrame, PlantLine, encode_encoder

_COMMAND_EVERY_NS = 20_000_000
_ARM_EVERY_NS = 200_000_000
_APPEAR_S = 20.0
_COUNTS_PER_RAD = 652.0
_TOP_RAD_S = 22.0
_SETTLE_S = 0.08  # the wheels' time constant


class _Line:
    """A peer's end of one of the firmware's ptys."""

    def __init__(self, path: Path) -> None:
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        tty.setraw(self.fd)

    def read(self) -> bytes:
        try:
            return os.read(self.fd, 65536)
        except OSError:  # nothing there, or the firmware has ended
            return b""

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            os.write(self.fd, data)


class Wheels(_Line):
    """The plant stream's other end: one sample for each duty frame, first-order wheels."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.receiver = PlantLine()
        self.newest: DutyFrame | None = None
        self.armed_frames = 0
        self.sequence, self.sampled_ns = 0, time.monotonic_ns()
        self.speed, self.counts = [0.0, 0.0], [0.0, 0.0]

    def run(self, now_ns: int) -> None:
        frames = self.receiver.duties(self.read())
        self.armed_frames += sum(frame.armed for frame in frames)
        self.newest = frames[-1] if frames else self.newest
        if not frames and now_ns - self.sampled_ns < 20_000_000:
            return
        dt_s, self.sampled_ns = (now_ns - self.sampled_ns) * 1e-9, now_ns
        duty = self.newest.duty if self.newest else (0.0, 0.0)
        for wheel in range(2):
            gain = min(1.0, dt_s / _SETTLE_S)
            self.speed[wheel] += gain * (_TOP_RAD_S * duty[wheel] - self.speed[wheel])
            self.counts[wheel] += self.speed[wheel] * dt_s * _COUNTS_PER_RAD
        self.sequence += 1
        left, right = (round(count) for count in self.counts)
        self.write(encode_encoder(EncoderFrame(False, False, 12_000, self.sequence, now_ns, (left, right))))


class Host(_Line):
    """The agent's core on the link; arms, commands, and confirms miss records as the supervisor does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ros = MemoryRos()
        self.core = AgentCore(self.ros)
        self.statuses: dict[str, dict[str, str]] = {}
        self.misses_recorded: dict[int, int] = {}  # identity of a record -> misses inside
        self.command_ns = self.asked_ns = 0

    def run(self, now_ns: int, armed: bool) -> None:
        self.ros.clock_ns = time.time_ns()
        self.core.receive(self.read(), now_ns)
        self.core.run(now_ns)
        self._take()
        if now_ns - self.command_ns > _COMMAND_EVERY_NS:
            self.command_ns = now_ns
            self._command()
        if not armed and now_ns - self.asked_ns > _ARM_EVERY_NS:
            self.asked_ns = now_ns
            self._ask("/base/clear_fault", messages.Trigger_Request().to_cdr())
            self._ask("/base/arm", messages.SetBool_Request(data=True).to_cdr())
        self.write(self.core.transmit())

    def _take(self) -> None:
        entries, self.ros.log = self.ros.log, []
        for what, topic, data in entries:
            if what == "publish" and topic == "rt/diagnostics":
                (status,) = messages.DiagnosticArray.from_cdr(data[4:]).status
                self.statuses[status.name] = {pair.key: pair.value for pair in status.values}
            elif what == "publish" and topic == "rt/base/deadline_misses":
                self._record(data[4:])

    def _record(self, data: bytes) -> None:
        (status,) = messages.DiagnosticArray.from_cdr(data).status
        told = {pair.key: pair.value for pair in status.values}
        identity = int(told["boot"]) << 32 | int(told["sequence"])
        first = int(told.get("first_boot", told["boot"])) << 32 | int(
            told.get("first_sequence", told["sequence"])
        )
        self.misses_recorded[identity] = identity - first + 1
        self.ros.deliver("rt/base/ledger_ack", messages.UInt64(data=identity).to_cdr())

    def _command(self) -> None:
        twist = messages.TwistStamped()
        stamp = twist.header.stamp
        stamp.sec, stamp.nanosec = divmod(self.ros.clock_ns, 10**9)
        phase = self.command_ns * 1e-9  # bends without end: every term of the control step is at work
        twist.twist.linear.x = 0.3 + 0.2 * math.sin(1.3 * phase)
        twist.twist.angular.z = 0.8 * math.sin(0.9 * phase)
        self.ros.deliver("rt/cmd_vel", twist.to_cdr())

    def _ask(self, service: str, request: bytes) -> None:
        self.ros.request(service, bytes(24), request)


class Rig:
    """``command`` starts a firmware with takt_firmware's options; use as a context manager."""

    def __init__(self, command: list[str], folder: Path, fifo: int) -> None:
        self.link, self.plant = folder / "link", folder / "plant"
        self.folder = folder
        self.words = [*command, "--link", f"pty:{self.link}", "--plant", f"pty:{self.plant}"]
        self.words += ["--fifo", str(fifo), "--retained", str(folder / "retained")]
        self.output = ""

    def __enter__(self) -> Rig:
        self.log: IO[str] = (self.folder / "firmware.log").open("w+")
        self.process = subprocess.Popen(self.words, stdout=self.log, stderr=subprocess.STDOUT, text=True)
        until_s = time.monotonic() + _APPEAR_S
        while not (self.link.exists() and self.plant.exists()):
            if self.process.poll() is not None or time.monotonic() > until_s:
                self.end()
                raise TaktError(
                    f"the firmware did not start: {self.output.strip()[-300:]}", "see the words before"
                )
            time.sleep(0.01)
        self.wheels, self.host = Wheels(self.plant), Host(self.link)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def run(self, seconds: float) -> None:
        """Let the robot drive. Raises TaktError when the firmware ends."""
        until_ns = time.monotonic_ns() + int(seconds * 1e9)
        while (now_ns := time.monotonic_ns()) < until_ns:
            frame = self.wheels.newest
            self.wheels.run(now_ns)
            self.host.run(now_ns, frame is not None and frame.armed)
            if self.process.poll() is not None:
                self.end()
                raise TaktError(f"the firmware ended: {self.output.strip()[-300:]}", "see the words before")
            select.select([self.wheels.fd, self.host.fd], [], [], 0.004)

    def run_armed(self, cycles: int, limit_s: float) -> None:
        """Let the robot drive until so many cycles were armed, which on a busy machine takes several tries."""
        until_s = time.monotonic() + limit_s
        while self.wheels.armed_frames < cycles and time.monotonic() < until_s:
            self.run(0.1)

    def end(self) -> str:
        """End the firmware; returns what it printed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(120.0)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if not self.log.closed:
            self.log.seek(0)
            self.output = self.log.read()
            self.log.close()
        return self.output
