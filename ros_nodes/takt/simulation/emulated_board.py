"""Runs the qemu_cortex_m3 image as a board with its two streams on this computer, as the posix port offers them.

    firmware/zephyr/emulate --image build/zephyr/qemu_cortex_m3/zephyr/zephyr.elf --link pty:PATH --plant unix:PATH

The board's console goes to stderr. SIGINT and SIGTERM end the machine, remove the paths and exit 0. A reset of the
board stays inside QEMU: its memory keeps.

`--time counted` (default): 16 ns of simulated time an instruction. No load of the computer can make a cycle late, but
time passes as fast as QEMU gets on, which is slower than real time while bytes come in. `--time wall`: the board's
timer follows the computer's clock, so that a host in real time can talk to it; then a busy computer makes cycles late.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from takt.errors import TaktError
from takt.link.transports.pty_line import PtyEnd

QEMU = "qemu-system-arm"
MACHINE = "-cpu cortex-m3 -machine lm3s6965evb -nographic -vga none -net none -monitor none"
TIMES = {
    # 2^4 ns of simulated time an instruction, as CONFIG_QEMU_ICOUNT_SHIFT says; idle time passes in real time.
    "counted": "-icount shift=4,align=off,sleep=on -rtc clock=vm",
    "wall": "-rtc clock=host",
}
_BOOTING = b"*** Booting"  # the kernel's first words: the processor's thread is there
_STALE_S = 0.1
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class LinkRelay:
    """Carries the link between QEMU and a pty. What the host does not take is dropped, as on a real line.

    QEMU itself would stop the emulated processor until somebody reads.
    """

    def __init__(self, board: socket.socket, path: Path) -> None:
        self.board, self.host = board, PtyEnd(path)
        self.board.setblocking(False)
        self._blocked_since_s: float | None = None

    def from_board(self, now_s: float) -> None:
        """Bytes that the board sent. A host that has not read for 100 ms shall meet the present, not the past."""
        try:
            data = self.board.recv(65536)
        except ConnectionResetError:  # the machine has ended; the end of its console says so too
            data = b""
        if self.host.write(data) == len(data):
            self._blocked_since_s = None
        elif self._blocked_since_s is None:
            self._blocked_since_s = now_s
        elif now_s - self._blocked_since_s > _STALE_S:
            self.host.discard()
            self._blocked_since_s = None

    def from_host(self) -> None:
        """Bytes for the board; its receiver and the socket before it hold seconds of the line."""
        try:
            self.board.send(self.host.read())
        except BlockingIOError:
            return


def command(image: Path, link: int, plant: Path, clock: str) -> list[str]:
    """QEMU with the board's three UARTs: console, link (an open socket), plant (a socket that it offers)."""
    lines = [
        *("-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"),
        *("-chardev", f"socket,id=link,fd={link}", "-serial", "chardev:link"),
        *("-chardev", f"socket,id=plant,path={plant},server=on,wait=off", "-serial", "chardev:plant"),
    ]
    return [QEMU, *MACHINE.split(), *TIMES[clock].split(), *lines, "-kernel", str(image)]


def start(image: Path, plant: Path, clock: str) -> tuple[subprocess.Popen[bytes], socket.socket]:
    """The running machine and our end of its link; its console is the process's stdout.

    Raises TaktError when the image or QEMU is missing.
    """
    if not image.is_file():
        raise TaktError(f"there is no image {image}", "./run firmware qemu_cortex_m3")
    if shutil.which(QEMU) is None:
        raise TaktError(f"{QEMU} is missing", "apt-get install qemu-system-arm")
    ours, its = socket.socketpair()
    with its:
        process = subprocess.Popen(
            command(image, its.fileno(), plant, clock),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            pass_fds=(its.fileno(),),
            preexec_fn=_die_with_parent,
        )
    return process, ours


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def ask_for_priority(fifo: int) -> None:
    """SCHED_FIFO for this process and the QEMU that it will start; a refusal is a warning with the fix."""
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(fifo))
    except PermissionError:
        fix = f"run as root or give the user an rtprio limit of {fifo}"
        print(f"warning: SCHED_FIFO {fifo} is not granted. Fix: {fix}", file=sys.stderr)


def put_processor_last(pid: int, fifo: int) -> None:
    """The threads of a QEMU that runs, all but its main loop, one priority lower.

    The main loop carries bytes and fires timers under the same lock as the processor's thread: of equals in SCHED_FIFO
    the processor would keep the lock.
    """
    with contextlib.suppress(PermissionError):  # told when it was asked for
        for thread in (int(name) for name in os.listdir(f"/proc/{pid}/task")):
            if thread != pid:
                os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(max(fifo - 1, 1)))


def put_lines_first(pid: int, fifo: int) -> None:
    """SCHED_FIFO for this process and for QEMU's main loop, if it is granted; the emulated processor has none.

    For a board in counted time: bytes then arrive at once, and a busy computer stops the board's time instead.
    """
    with contextlib.suppress(PermissionError):
        for process in (0, pid):
            os.sched_setscheduler(process, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(fifo))


def carry(process: subprocess.Popen[bytes], relay: LinkRelay, fifo: int) -> None:
    """Pass link and console on until the machine ends."""
    assert process.stdout is not None
    console = process.stdout.fileno()
    with selectors.DefaultSelector() as ready:
        for source in (console, relay.board, relay.host):
            ready.register(source, selectors.EVENT_READ)
        while True:
            for key, _ in ready.select():
                if key.fileobj is relay.board:
                    relay.from_board(time.monotonic())
                elif key.fileobj is relay.host:
                    relay.from_host()
                elif not _tell(os.read(console, 65536), process.pid, fifo):
                    return


def _tell(said: bytes, pid: int, fifo: int) -> bool:
    """Show what came from the console; False at its end."""
    if fifo > 0 and _BOOTING in said:
        put_processor_last(pid, fifo)
    sys.stderr.buffer.write(said)
    sys.stderr.flush()
    return bool(said)


def run(argv: list[str]) -> int:
    """See the top of the file."""
    options = _parser().parse_args(argv)
    plant = Path(options.plant.removeprefix("unix:"))
    if options.fifo > 0:
        ask_for_priority(options.fifo)
    process, link = start(options.image, plant, options.time)
    relay = LinkRelay(link, Path(options.link.removeprefix("pty:")))
    ending: list[int] = []

    def end(number: int, _frame: object) -> None:
        ending.append(number)
        process.terminate()

    signal.signal(signal.SIGINT, end)
    signal.signal(signal.SIGTERM, end)
    try:
        carry(process, relay, options.fifo)
        status = process.wait()
    finally:
        process.kill()
        relay.host.close()
        plant.unlink(missing_ok=True)
    return 0 if ending else status or 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="emulate", description="the emulated board with its streams here")
    parser.add_argument("--image", type=Path, required=True, help="zephyr.elf of qemu_cortex_m3")
    parser.add_argument("--link", required=True, metavar="pty:PATH", help="link to make to the agent's pty")
    parser.add_argument("--plant", required=True, metavar="unix:PATH", help="local socket for the plant")
    parser.add_argument("--time", choices=TIMES, default="counted", help="what the board's time follows")
    parser.add_argument("--fifo", type=int, default=0, help="SCHED_FIFO priority, 0 is the normal class")
    return parser
