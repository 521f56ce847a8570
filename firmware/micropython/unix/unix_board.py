"""The unix port as a board: a terminal as the link, a socket or terminal as the hardware's edge, poll as the timer."""

import select
import sys
import time

import takt_contract as contract
import uctypes
from line import Line
from micropython import const
from takt_board.board_time import BoardTime
from takt_board.ledger import STORE_BYTES
from takt_board.plant_stream import PlantStream
from takt_board.safety import RUNGS
from takt_board.session import CONNECTED

_NS_PER_MS = const(1000000)
_LAST_WORD_MS = const(20)  # closing a terminal drops what is unread: time for "motors off" to be heard
_QUIET_NS = const(1500000)  # before a release nothing else is begun


class UnixBoard:
    """A port: now_ns, read_encoder, drive, feed_watchdog, read_cpu_ns, link_read, link_write, retained memory."""

    def __init__(self, link, plant, retained_at, signals):
        self._time = BoardTime()
        self.now_ns = self._time.now_ns
        self._link = Line(link)
        self._plant = Line(plant)
        self._stream = PlantStream()
        self._bytes = bytearray(512)
        self._poller = select.poll()
        self._signals = None
        self._registered = {}
        self.sample = None
        self.retained = (
            uctypes.bytearray_at(retained_at, STORE_BYTES) if retained_at else bytearray(STORE_BYTES)
        )
        self.watchdog_reset = False
        self.miss_limit = contract.SAFETY_MISS_LIMIT_POSIX
        self.cycle_cpu_ns = 0  # processor time before the last sleep: nothing is used while asleep
        self.stopping = False
        self.link_read = self._link.read
        self.link_write = self._link.write
        if signals >= 0:
            self._signals = open(signals, "rb", buffering=0)
            self._poller.register(self._signals, select.POLLIN)

    # ---- what the firmware asks for

    def read_cpu_ns(self, _now_ns):
        return int(time.clock() * 1e9)

    def read_encoder(self, sample):
        self.sample = sample
        self._listen()

    def _listen(self):
        count = self._plant.read(self._bytes)
        if count and self.sample is not None:
            self._stream.receive(self._bytes, count, self.now_ns(), self.sample)

    def drive(self, cycle, now_ns, control):
        self._time.renew()
        size = self._stream.encode(cycle, now_ns, control)
        # older duty must not stand in the way of the next
        if self._plant.write(self._stream.frame, 0, size) < size:
            self._plant.discard()

    def feed_watchdog(self):
        """The plant's own time limit on duty frames is the watchdog here."""

    # ---- the loop

    def run(self, firmware):
        """Until a signal comes: cycles on the grid, everything else between them."""
        monitor = firmware.monitor
        told = Told()
        try:
            while not self.stopping:
                release_ns = monitor.next_release(self.now_ns())
                self._wait_for(release_ns, firmware)
                firmware.control_cycle(release_ns)
                firmware.collect_if_due(monitor.next_release(self.now_ns()) - self.now_ns())
                told.tell_changes(firmware)
        except KeyboardInterrupt:
            pass  # SIGINT, which the interpreter takes for itself
        finally:
            self._motors_off(monitor.cycle)

    def _wait_for(self, release_ns, firmware):
        while True:
            left_ns = release_ns - self.now_ns()
            if left_ns <= _QUIET_NS:
                break
            self._watch(self._link)
            self._watch(self._plant)
            for _ in self._poller.ipoll(1):
                pass
            self._serve(firmware, release_ns - _QUIET_NS)
        self.cycle_cpu_ns = self.read_cpu_ns(0)
        left_ns = release_ns - self.now_ns()
        if left_ns > 1000:
            time.sleep_us(left_ns // 1000)

    def _watch(self, line):
        """A line's stream may come and go."""
        known = self._registered.get(line)
        if known is not line.stream:
            if known is not None:
                self._poller.unregister(known)
            if line.stream is not None:
                self._poller.register(line.stream, select.POLLIN)
            self._registered[line] = line.stream

    def _serve(self, firmware, until_ns):
        self._listen()
        firmware.link_poll(until_ns)
        self._link.service()
        self._plant.service()
        if self._signals is not None and self._signals.readinto(self._bytes):
            self.stopping = True

    def _motors_off(self, cycle):
        self._plant.discard()  # an older duty must not be the last word
        size = self._stream.encode_off(cycle, self.now_ns())
        self._plant.write(self._stream.frame, 0, size)
        time.sleep_ms(_LAST_WORD_MS)
        self._plant.close()
        self._link.close()
        say("motors off, ended")


def say(text):
    sys.stderr.write("takt_micropython: " + text + "\n")


class Told:
    """One line on stderr for each change of state."""

    def __init__(self):
        self._state = -1
        self._connected = False

    def tell_changes(self, firmware):
        safety = firmware.control.safety
        state = safety.rung | safety.cause << 4 | safety.fault << 8 | safety.hold_reason << 12
        connected = firmware.client.session.state == CONNECTED
        if state != self._state:
            self._state = state
            say(RUNGS[safety.rung].decode() + " " + safety.reason().decode())
        if connected != self._connected:
            self._connected = connected
            say("link connected" if connected else "link lost")
