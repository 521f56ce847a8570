"""What the page's bench looks at: the dashboard as a process of its own, pictures in a ring, a partner on the graph."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType

import numpy as np

from takt.errors import TaktError
from takt.frames import Detections, FrameRing

_PICTURE_S = 1.0 / 30.0
_START_LIMIT_S = 30.0
_FOUND = Detections(
    np.array([[120, 60, 180, 200], [20, 90, 70, 180]], np.float32),
    np.array([0.93, 0.8], np.float32),
    np.array([0, 1], np.int32),
)


def processor_s(pid: int) -> float:
    """Processor time of a process so far, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


class BenchRobot:
    """A context: everything runs inside, nothing is left behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ring_name = f"takt_page_bench_{os.getpid()}"
        self._stops: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._end = threading.Event()
        self._processes: list[subprocess.Popen[str]] = []
        self.url = ""

    @property
    def dashboard_pid(self) -> int:
        return self._processes[0].pid

    def __enter__(self) -> BenchRobot:
        self._pictures = threading.Thread(target=self._show_pictures)
        self._pictures.start()
        try:
            values = ("-p", "port:=0", "-p", f"ring:={self._ring_name}")
            dashboard = self._begin("takt.nodes.dashboard", "--ros-args", *values)
            partner = self._begin("takt.nodes.page_partner")
            self.url = self._url_of(dashboard)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        threading.Thread(target=self._hear_stops, args=(partner,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._end.set()
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(timeout=120)
        self._pictures.join()
        FrameRing.remove(self._ring_name)

    def next_stop_ns(self) -> int:
        """When the next STOP came to the supervisor's service; ROS time."""
        try:
            return self._stops.get(timeout=_START_LIMIT_S)
        except queue.Empty:
            raise TaktError("STOP did not come to the supervisor", "see the log of the dashboard") from None

    def _begin(self, module: str, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", module, *arguments]
        with (self._folder / f"{module}.log").open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        self._processes.append(process)
        return process

    def _url_of(self, dashboard: subprocess.Popen[str]) -> str:
        assert dashboard.stdout is not None
        for line in dashboard.stdout:
            if line.startswith("dashboard: "):
                return line.split()[1]
        log = (self._folder / "takt.nodes.dashboard.log").read_text()[-500:]
        raise TaktError(f"the dashboard did not start: {log}", "needs ROS 2: see requirements/")

    def _hear_stops(self, partner: subprocess.Popen[str]) -> None:
        assert partner.stdout is not None
        for line in partner.stdout:
            self._stops.put(int(json.loads(line)["stop_ns"]))

    def _show_pictures(self) -> None:
        ring = FrameRing.create(self._ring_name, 320, 240)
        annotator = FrameRing.attach(self._ring_name, "annotator")
        noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
        number = 0
        while not self._end.wait(_PICTURE_S):
            number += 1
            stamp_ns = time.time_ns()
            slot = ring.begin()
            slot.pixels[:] = np.roll(noise, number, axis=1) // 4 + 60
            sequence = ring.publish(slot, stamp_ns, stamp_ns, time.time_ns())
            annotator.attach_detections(sequence, _FOUND, time.time_ns(), time.time_ns())
        annotator.close()
        ring.close()
