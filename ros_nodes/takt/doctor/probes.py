"""The doctor's looks at what is no file: the kernel's clock, a disk's patience, loopback multicast, a talking board."""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import os
import select
import socket
import struct
import tempfile
import time
from pathlib import Path

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.framing import Deframer
from takt.link.handshake import PROPERTY
from takt.link.transports import LineLost
from takt.link.transports.serial_line import SerialLine

_SYNCS, _SYNC_BYTES = 8, 16384
_TIMEX_BYTES = 208  # struct timex of adjtimex(2)
_TIMEX_MAXERROR, _TIMEX_STATUS = 24, 40  # offsets where long has 8 bytes
_STA_UNSYNC = 0x40
_TEST_GROUP = "239.255.0.250"  # beside DDS's own 239.255.0.1, so that no participant hears the test
_LOOPBACK = "127.0.0.1"
_MULTICAST_WAIT_S = 0.5
_LISTEN_S = 0.6  # a board without an agent says hello every 100 ms


def sync_s(folder: Path) -> float:
    """The longest of eight 16 kB appends with fsync, in seconds; the file has no name and vanishes."""
    longest = 0.0
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(_SYNCS):
            begin = time.monotonic()
            file.write(bytes(_SYNC_BYTES))
            file.flush()
            os.fsync(file.fileno())
            longest = max(longest, time.monotonic() - begin)
    return longest


def clock_error_s() -> float | None:
    """``maxerror`` of adjtimex(2) in seconds, None while the kernel calls its clock unsynchronised."""
    if ctypes.sizeof(ctypes.c_long) != 8:
        raise OSError("adjtimex is read on 64-bit computers only")
    timex = ctypes.create_string_buffer(_TIMEX_BYTES)
    if ctypes.CDLL(None, use_errno=True).adjtimex(timex) < 0:
        raise OSError(ctypes.get_errno(), "adjtimex failed")
    (status,) = struct.unpack_from("=i", timex, _TIMEX_STATUS)
    (max_error_us,) = struct.unpack_from("=q", timex, _TIMEX_MAXERROR)
    return None if status & _STA_UNSYNC else float(max_error_us) * 1e-6


def multicast_arrives() -> bool:
    """Join a group on loopback, send to it, hear it or not."""
    loopback = socket.inet_aton(_LOOPBACK)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mouth,
    ):
        try:
            ear.bind(("", 0))
            ear.setsockopt(
                socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(_TEST_GROUP) + loopback
            )
            mouth.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, loopback)
            mouth.sendto(b"takt doctor", (_TEST_GROUP, ear.getsockname()[1]))
        except OSError:
            return False
        return bool(select.select([ear], [], [], _MULTICAST_WAIT_S)[0])


def providers() -> list[str]:
    """onnxruntime's execution providers. Raises LookupError when it is not installed."""
    try:
        onnxruntime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise LookupError(f"onnxruntime cannot be imported: {error}") from error
    return list(onnxruntime.get_available_providers())


def board_property(port: str, baud: int) -> str | None:
    """Listen, without a word, for the hello of a board that looks for its agent; its contract property or None.

    Raises TaktError when the port cannot be opened.
    """
    line, deframer = SerialLine(port, baud), Deframer()
    try:
        line.open()
        end = time.monotonic() + _LISTEN_S
        while (left := end - time.monotonic()) > 0.0:
            if not select.select([line.fileno()], [], [], left)[0]:
                break
            for frame in deframer.feed(line.read()):
                told = hello_property(frame.payload)
                if told is not None:
                    return told
    except LineLost as error:
        raise TaktError(str(error), "plug the board in again") from error
    finally:
        line.close()
    return None


def hello_property(message: bytes) -> str | None:
    """The contract property of a CREATE_CLIENT message; "" when it has none; None for any other message."""
    with contextlib.suppress(Malformed):
        first = xrce.first_submessage(message, xrce.parse_header(message).size)
        if first.kind == xrce.CREATE_CLIENT:
            return xrce.parse_create_client(first).properties.get(PROPERTY, "")
    return None
