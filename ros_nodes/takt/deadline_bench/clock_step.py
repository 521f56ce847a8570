"""Steps the clock of a run's processes, and of nothing else on this host."""

from __future__ import annotations

import mmap
import os
import struct
import subprocess
from pathlib import Path

from takt.errors import TaktError

_SOURCE = Path(__file__).with_name("clock_step.c")
_WORD = struct.Struct("@q")


class SteppedClock:
    """Make it before the run's first process: what is started afterwards reads ROS time through it."""

    def __init__(self, folder: Path) -> None:
        library, file = folder / "clock_step.so", folder / "clock_step"
        command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(library), str(_SOURCE), "-ldl"]
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise TaktError(f"the clock's shim cannot be built: {error}", "install gcc") from error
        file.write_bytes(_WORD.pack(0).ljust(mmap.PAGESIZE, b"\0"))
        with file.open("r+b") as opened:
            self._memory = mmap.mmap(opened.fileno(), mmap.PAGESIZE)
        self._before = {name: os.environ.get(name) for name in ("LD_PRELOAD", "TAKT_CLOCK_STEP")}
        os.environ["LD_PRELOAD"], os.environ["TAKT_CLOCK_STEP"] = str(library), str(file)

    @property
    def offset_ns(self) -> int:
        """How far ahead of the host's the run's clock is."""
        return int(_WORD.unpack_from(self._memory)[0])

    def step(self, step_ns: int) -> None:
        """At once, for every process of the run."""
        _WORD.pack_into(self._memory, 0, self.offset_ns + step_ns)

    def close(self) -> None:
        """Processes that are started from now on have the host's clock."""
        for name, value in self._before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
