"""A byte line of the unix port: a terminal from the launcher, a local socket offered here, or a serial device."""

import os
import select
import socket
import struct
import termios
from time import ticks_diff, ticks_ms

import takt_contract as contract
from micropython import const

_AF_UNIX = const(1)
_REOPEN_MS = const(500)
_STALE_MS = const(100)  # what nobody has read for this long has no reader


class Line:
    """``spec``: fd:MASTER:OWN (both ends of a pty, non-blocking), unix:PATH, or a device. Nothing here blocks."""

    def __init__(self, spec):
        self._own = None
        self._listener = None
        self._path = ""
        self._offered = ""
        self.stream = None
        self._blocked_ms = -1
        self._tried_ms = ticks_ms()
        self._waste = bytearray(512)
        self.poller = select.poll()
        if spec.startswith("fd:"):
            master, own = spec[3:].split(":")
            self._own = open(int(own), "r+b", buffering=0)
            self._use(open(int(master), "r+b", buffering=0))
        elif spec.startswith("unix:"):
            self._offer(spec[5:])
        else:
            self._path = spec
            self._open_device()

    def _use(self, stream):
        self.stream = stream
        self.poller.register(stream, select.POLLIN)

    def _offer(self, path):
        try:
            os.unlink(path)  # an earlier process left it
        except OSError:
            pass
        self._offered = path
        self._listener = socket.socket(_AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(struct.pack("<H", _AF_UNIX) + path.encode() + b"\0")
        self._listener.listen(1)
        self._listener.setblocking(False)

    def _open_device(self):
        stream = open(self._path, "r+b", buffering=0)
        termios.setraw(stream)
        speed = getattr(termios, "B" + str(contract.LINK_BAUD), None)
        if speed is not None:
            settings = termios.tcgetattr(stream)
            settings[4] = settings[5] = speed
            termios.tcsetattr(stream, termios.TCSANOW, settings)
        self._use(stream)

    def _lose(self):
        if self._own is None and self.stream is not None:
            self.poller.unregister(self.stream)
            self.stream.close()
            self.stream = None

    def service(self):
        """Lets a peer in, or opens a lost device again; call in the slack."""
        if self.stream is not None:
            return
        if self._listener is not None:
            try:
                peer = self._listener.accept()[0]
            except OSError:
                return
            peer.setblocking(False)
            self._use(peer)
        elif ticks_diff(ticks_ms(), self._tried_ms) > _REOPEN_MS:
            self._tried_ms = ticks_ms()
            try:
                self._open_device()
            except OSError:
                return

    def _is_ready(self, event):
        """A device is opened by name and may block, so it is asked first."""
        if not self._path:
            return True
        self.poller.modify(self.stream, event)
        ready = False
        for found in self.poller.ipoll(0):
            ready = bool(found[1] & event)
        self.poller.modify(self.stream, select.POLLIN)
        return ready

    def read(self, buffer):
        """Bytes that are there, at most len(buffer)."""
        if self.stream is None:
            return 0
        try:
            if not self._is_ready(select.POLLIN):
                return 0
            count = self.stream.readinto(buffer)
        except OSError:
            self._lose()
            return 0
        if count == 0:
            self._lose()
        return count or 0

    def write(self, buffer, start, count):
        """How many of buffer[start : start + count] the line took."""
        if self.stream is None:
            return 0
        try:
            taken = self.stream.write(buffer, start, count) if self._is_ready(select.POLLOUT) else 0
        except OSError:
            self._lose()
            return 0
        if taken:
            self._blocked_ms = -1
        elif self._blocked_ms < 0:
            self._blocked_ms = ticks_ms()
        elif ticks_diff(ticks_ms(), self._blocked_ms) > _STALE_MS:
            self.discard()
            self._blocked_ms = -1
        return taken or 0

    def discard(self):
        """A peer that comes back shall meet the present."""
        while self._own is not None and self._own.readinto(self._waste):
            pass

    def close(self):
        self._lose()
        if self._listener is not None:
            self._listener.close()
            os.unlink(self._offered)
