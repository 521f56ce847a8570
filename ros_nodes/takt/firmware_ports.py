"""The firmware's ports that a simulated run can hold: where each one's image is, what builds it, how it is started.

Another port is one more row of PORTS. No ROS in here; only ``build`` starts a process.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from takt import resources
from takt.errors import TaktError

REAL, SIMULATED = "real", "simulated"


@dataclass(frozen=True)
class Lines:
    """What a started board is given. ``link`` and ``plant`` are the paths that it offers to the host."""

    image: Path
    link: Path
    plant: Path
    retained: Path  # memory that outlives a reset; on a disk the control thread would wait for its writes
    priority: int  # SCHED_FIFO


Command = tuple[str, tuple[str, ...]]  # program and arguments


@dataclass(frozen=True)
class Port:
    """``image`` is relative to the source tree; ``zephyr_board`` names what firmware/zephyr/build makes, if it does.

    ``time``: whether the board's timing figures mean anything ("real") or prove logic only ("simulated").
    """

    image: str
    command: Callable[[Lines], Command]
    time: str = REAL
    zephyr_board: str | None = None
    sample_every: int = 1  # encoder samples every so many batches of the plant (2 ms)


def _posix(lines: Lines) -> Command:
    where = ("--link", f"pty:{lines.link}", "--plant", f"unix:{lines.plant}")
    return str(lines.image), (*where, "--retained", str(lines.retained), "--fifo", str(lines.priority))


def _native_sim(lines: Lines) -> Command:
    where = (f"--link=pty:{lines.link}", f"--plant=unix:{lines.plant}")
    kept = (f"--retained={lines.retained}", "--flash_in_ram")
    return str(lines.image), (*where, *kept, f"--fifo={lines.priority}")


def _qemu(lines: Lines) -> Command:
    where = ("--link", f"pty:{lines.link}", "--plant", f"unix:{lines.plant}")
    how = ("--image", str(lines.image), "--time", "wall", "--fifo", str(lines.priority))
    return str(resources.path("firmware/zephyr/emulate")), (*how, *where)


PORTS = {
    "posix": Port("build/firmware/takt_firmware", _posix),
    "micropython": Port("ros_nodes/takt/micropython/launch.py", _posix),
    "native_sim": Port("build/zephyr/native_sim/zephyr/zephyr.exe", _native_sim, SIMULATED, "native_sim"),
    # The emulated UART takes a byte a turn of QEMU's main loop: a sample each 8 ms leaves half a processor free.
    "qemu": Port("build/zephyr/qemu_cortex_m3/zephyr/zephyr.elf", _qemu, SIMULATED, "qemu_cortex_m3", 4),
}


def image(name: str) -> tuple[str, Path]:
    """The port that ``name`` asks for and its image, built if it is Zephyr's; a path is a program like the posix port.

    Raises TaktError with what is missing.
    """
    port = PORTS.get(name)
    if port is None:
        path = Path(name)
        if not path.is_file():
            fix = f"give one of {', '.join(PORTS)}, or the path of a program"
            raise TaktError(f"the firmware {path} does not exist", fix)
        return "posix", path.resolve()
    source = resources.path("firmware").parent
    if port.zephyr_board is not None:
        build(port.zephyr_board)
    path = source / port.image
    if not path.is_file():
        raise TaktError(f"the firmware {path} does not exist", f"build it: ./run firmware {name}")
    return name, path.resolve()


def build(board: str, variant: str = "", *settings: str) -> Path:
    """Bring a Zephyr image up to date; returns its folder, ``build/zephyr/BOARD[-VARIANT]``.

    ``settings`` are more arguments for CMake (``-DCONFIG_...``). Raises TaktError when there is no workspace or the
    build fails.
    """
    script = resources.path("firmware/zephyr/build")
    name = f"{board}-{variant}" if variant else board
    folder = script.parents[2] / "build" / "zephyr" / name
    log = script.parents[2] / "build" / "log" / f"zephyr-{name}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    if "ZEPHYR_BASE" in os.environ:
        print(f"building {name} (some minutes the first time; {log})", file=sys.stderr, flush=True)
    done = subprocess.run(
        [script, board, *settings],
        env={**os.environ, "BUILD_DIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    log.write_text(done.stdout + done.stderr)
    if done.returncode != 0:
        last = done.stderr.strip().rpartition("\n")[2]
        cause, told, fix = last.removeprefix("error: ").partition(". Fix: ")
        if not (told and last.startswith("error: ")):
            cause, fix = f"the build of {name} failed", f"read {log}"
        raise TaktError(cause, fix)
    return folder
