"""A whole link on one desk: agent and firmware process, a simulated line between them, a stand-in for the plant."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

from takt.errors import TaktError
from takt.line_simulator.ends import OfferedEnd
from takt.line_simulator.line import LineSimulator, RunningLine
from takt.link_proofs.tap import LineTap
from takt.resources import path as resource_path
from takt.simulation.plant_protocol import EncoderFrame, encode_encoder

FIRMWARE_FIFO = 80
_OPENED = re.compile(rb"\[(\d+)\.(\d+)\] \[agent\]: .* is open")
_SEGMENT = re.compile(r"/dev/shm/fastrtps_[0-9a-f]+$")
_PLANT_PERIOD_S = 0.01


def environment(domain: int) -> dict[str, str]:
    """Of a ROS process in ``domain`` that stays on this computer."""
    profile = os.environ.get("FASTDDS_DEFAULT_PROFILES_FILE") or str(resource_path("config/fastdds.xml"))
    source = str(Path(__file__).resolve().parents[2])
    search = os.pathsep.join([source, os.environ.get("PYTHONPATH", "")])
    return {
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET",
        **os.environ,
        "ROS_DOMAIN_ID": str(domain),
        "FASTDDS_DEFAULT_PROFILES_FILE": profile,
        "PYTHONPATH": search,
    }


def enter_fifo(priority: int) -> None:
    """SCHED_FIFO for the calling process and its children, where that is permitted."""
    with contextlib.suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))


class PlantStandIn:
    """Encoder samples at 100 Hz to whichever firmware listens at ``path``, so that it has something to report."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="plant", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        count = 0
        while not self._stop:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as line:
                line.connect(str(self._path))
                line.setblocking(False)
                while not self._stop:
                    count += 1
                    line.send(encode_encoder(self._sample(count)))
                    with contextlib.suppress(BlockingIOError):
                        if not line.recv(65536):
                            break
                    time.sleep(_PLANT_PERIOD_S)
            time.sleep(_PLANT_PERIOD_S / 2)

    @staticmethod
    def _sample(count: int) -> EncoderFrame:
        return EncoderFrame(False, False, 12_000, count, count * 10_000_000, (count, -count))

    def stop(self) -> None:
        self._stop = True
        self._thread.join(timeout=1.0)


class AgentProcess:
    """`takt agent` on a port, as a user starts it. ``command``: another agent, {dev} stands for the port.

    ``fifo``: SCHED_FIFO priority that it is started with, 0 for the normal class.
    """

    def __init__(
        self, device: Path, log: Path, domain: int, command: list[str] | None = None, fifo: int = 0
    ) -> None:
        self._log = log
        self._begins_at = log.stat().st_size if log.exists() else 0
        ours = [sys.executable, "-m", "takt.cli", "agent", "--dev", "{dev}", "--wait"]
        arguments = [part.replace("{dev}", str(device)) for part in command or ours]
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                arguments,
                env=environment(domain),
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=partial(enter_fifo, fifo) if fifo else None,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def opened_ns(self) -> int | None:
        """Monotonic time at which the agent told that its port is open; None: not yet."""
        with self._log.open("rb") as log:
            log.seek(self._begins_at)
            found = _OPENED.search(log.read())
        if not found:
            return None
        wall_ns = int(found[1]) * 1_000_000_000 + int(found[2])
        return wall_ns - time.time_ns() + time.monotonic_ns()

    def kill(self) -> None:
        """SIGKILL, and what its shared memory left behind is removed, as a reboot would."""
        segments = self._segments()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for segment in segments:
            _remove_orphan(segment)

    def _segments(self) -> set[Path]:
        """Shared memory that the process has mapped: its own and that of those who write to it."""
        with contextlib.suppress(OSError):
            maps = Path(f"/proc/{self.process.pid}/maps").read_text().splitlines()
            held = {line.split(None, 5)[5] for line in maps if "/dev/shm/fastrtps_" in line}
            return {Path(name) for name in held if _SEGMENT.match(name)}
        return set()

    def figures(self) -> dict[str, int]:
        """Resident kilobytes, open descriptors and threads of the process."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = {key: int(value) for key, value in re.findall(r"^(VmRSS|Threads):\s+(\d+)", status, re.M)}
        descriptors = len(os.listdir(f"/proc/{self.pid}/fd"))
        return {"rss_kb": found["VmRSS"], "threads": found["Threads"], "descriptors": descriptors}

    def stop(self) -> None:
        """SIGINT, and SIGKILL if that does not end it."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(5.0)
            except subprocess.TimeoutExpired:
                self.kill()


def _remove_orphan(segment: Path) -> None:
    """Remove a Fast DDS segment whose owner is gone: a living one holds a lock on the file beside it."""
    beside = segment.with_name(segment.name + "_el")
    with contextlib.suppress(OSError), beside.open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        segment.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)


class FirmwareProcess:
    """takt_firmware on the other port."""

    def __init__(self, binary: Path, folder: Path, key: int, log: Path) -> None:
        if not binary.exists():
            raise TaktError(f"{binary} is not built", "./run firmware, or name it with --firmware")
        arguments = ["--link", str(folder / "board"), "--plant", f"unix:{folder / 'plant'}"]
        arguments += [
            "--retained",
            str(folder / "retained"),
            "--key",
            f"{key:x}",
            "--fifo",
            str(FIRMWARE_FIFO),
        ]
        with log.open("ab") as output:
            self.started_ns = time.monotonic_ns()
            self.process = subprocess.Popen([str(binary), *arguments], stdout=output, stderr=output)

    def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()


class Rig:
    """Line, tap and plant stay; agent and board come and go by :meth:`start_agent` and :meth:`start_board`."""

    def __init__(self, folder: Path, firmware: Path, *, seed: int, baud: int, domain: int) -> None:
        self.folder, self._firmware, self.domain = folder, firmware, domain
        self.line = LineSimulator(
            OfferedEnd(folder / "agent"), OfferedEnd(folder / "board"), seed=seed, baud=baud
        )
        self.tap = LineTap()
        self.line.tap = self.tap.hear
        self._running = RunningLine(self.line)
        self._running.__enter__()
        self._plant = PlantStandIn(folder / "plant")
        self.key = 0x54414B54
        self.agent: AgentProcess | None = None
        self.board: FirmwareProcess | None = None

    def start_agent(self, domain: int | None = None) -> AgentProcess:
        self.domain = self.domain if domain is None else domain
        self.agent = AgentProcess(self.folder / "agent", self.folder / "agent.log", self.domain)
        return self.agent

    def start_board(self) -> FirmwareProcess:
        self.board = FirmwareProcess(self._firmware, self.folder, self.key, self.folder / "firmware.log")
        return self.board

    def close(self) -> None:
        if self.agent:
            self.agent.stop()
        if self.board:
            self.board.kill()
        self._plant.stop()
        self._running.__exit__()
