"""The micro-ROS (DDS-XRCE) client: what the agent sends, samples and services (firmware/core: client*.c)."""

import takt_contract as contract
from micropython import const

from takt_board import framing, session, streams, xrce
from takt_board.cdr import Cursor, move
from takt_board.session import Session

_MTU = const(512)
_INPUT_BYTES = const(1012)  # one message behind one fragment of another


class Client:
    """Calls ``on_sample(topic, cursor, now_ns)`` and ``on_request(service, reader, writer, now_ns)``.

    The latter returns True when it wrote a reply.
    """

    def __init__(self, write, on_sample, on_request, key, domain, node_name, now_ns):
        self.session = Session(write, key, domain, node_name, now_ns)
        self.on_sample = on_sample
        self.on_request = on_request
        self.input = bytearray(_INPUT_BYTES)
        self.decoder = framing.Decoder(self.input, _MTU)
        self.reader = Cursor()
        self.writer = Cursor()
        self.assembled = 0  # bytes of fragments at the start of input; the next message lands behind
        self.assembly_lost = False  # a fragmented sample grew too large; dropped until its last fragment
        self.oversized_samples = 0
        self.duplicates = 0
        self.refused = 0
        self._best_effort = bytearray(_MTU)
        self._reliable = False
        self._place = 0

    # ---- the agent's bytes

    def receive(self, data, count, now_ns):
        """Bytes from the line, in any portions."""
        start = 0
        while True:
            start = self.decoder.feed(data, start, count)
            if start < 0:
                break
            self._take_message(now_ns)
        self.session.confirm()
        self.session.push()  # confirmations and replies do not wait for the next run

    def run(self, now_ns):
        if not self.session.is_open() and self.assembled:
            self._drop_fragments(False)
        self.session.run(now_ns)

    def _take_message(self, now_ns):
        decoder = self.decoder
        start = self.assembled
        size = decoder.size()
        kind = self.input[start] if size >= 8 else 0
        if (
            decoder.source() != framing.AGENT
            or decoder.destination() != framing.BOARD
            or (kind != xrce.SESSION and kind != xrce.NO_SESSION)
        ):
            self.session.malformed += 1
            return
        s = self.session
        s.rx += 1
        s.last_rx_ns = now_ns
        s.login_stale = False
        stream = self.input[start + 1]
        sequence = self.input[start + 2] | self.input[start + 3] << 8
        end = start + size
        if stream == xrce.STREAM_NONE:
            self._take_submessages(start, end, now_ns)
        elif not s.is_open():
            return
        elif stream == xrce.STREAM_BEST_EFFORT:
            if s.best_effort_in.accept(sequence):
                self._take_submessages(start, end, now_ns)
            else:
                self.duplicates += 1
        elif stream == xrce.STREAM_RELIABLE:
            self._take_reliable(start, end, sequence, now_ns)
        else:
            s.malformed += 1

    def _take_reliable(self, start, end, sequence, now_ns):
        s = self.session
        number = self.input[start + xrce.HEADER_BYTES]
        order = s.reliable_in.check(sequence)
        if order == streams.NEXT:
            # a sample may be a request: taken only when there is room for the reply, and asked for later
            if (number == xrce.DATA or number == xrce.FRAGMENT) and not s.reliable_out.has_room():
                s.request_waits = True
                return
            s.reliable_in.accept()
            if number == xrce.FRAGMENT:
                self._take_fragment(start, end, now_ns)
            else:
                if self.assembled:  # the pieces before it will not be completed
                    self._drop_fragments(False)
                self._take_submessages(start, end, now_ns)
        elif order == streams.REPEATED:
            self.duplicates += 1
        if s.is_open() and s.acknack == session.ACK_NONE:
            s.acknack = session.ACK_DUE

    def _drop_fragments(self, until_last):
        self.assembled = 0
        self.assembly_lost = until_last
        self.decoder.aim(0, _MTU)

    def _take_fragment(self, start, end, now_ns):
        """Pieces are gathered, without their headers, at the start of the input buffer."""
        at = start + xrce.HEADER_BYTES
        length = self.input[at + 2] | self.input[at + 3] << 8
        payload = at + xrce.SUBMESSAGE_BYTES
        if payload + length > end or not self.input[at + 1] & xrce.LITTLE_ENDIAN:
            self.session.malformed += 1
            self._drop_fragments(True)
            return
        last = bool(self.input[at + 1] & xrce.LAST_FRAGMENT)
        if self.assembly_lost:
            self.assembly_lost = not last
            return
        move(self.input, self.input, self.assembled << 16 | payload, length)
        self.assembled += length
        if last:
            size = self.assembled
            self._drop_fragments(False)
            self._take_submessages(-xrce.HEADER_BYTES, size, now_ns)
        elif self.assembled + _MTU > _INPUT_BYTES:
            self.oversized_samples += 1
            self._drop_fragments(True)
        else:
            self.decoder.aim(self.assembled, min(_MTU, _INPUT_BYTES - self.assembled))

    def _take_submessages(self, start, end, now_ns):
        """``start``: of the message's header, whose place counts for alignment."""
        at = start + xrce.HEADER_BYTES
        while at + xrce.SUBMESSAGE_BYTES <= end:
            length = self.input[at + 2] | self.input[at + 3] << 8
            payload = at + xrce.SUBMESSAGE_BYTES
            if payload + length > end or not self.input[at + 1] & xrce.LITTLE_ENDIAN:
                self.session.malformed += 1
                return
            self.reader.open(self.input, payload, payload + length)
            self._take_submessage(self.input[at], length, now_ns)
            at = start + ((payload + length - start + 3) & ~3)

    def _take_submessage(self, number, size, now_ns):
        s = self.session
        reader = self.reader
        if number == xrce.DATA:
            self._take_data(size, now_ns)
        elif number == xrce.ACKNACK:
            self._take_acknack(size, now_ns)
        elif number == xrce.HEARTBEAT:
            self._take_heartbeat(size, now_ns)
        elif number == xrce.TIMESTAMP_REPLY:
            s.take_time(reader, size, now_ns)
        elif number == xrce.STATUS:
            s.take_status(reader, size, now_ns)
        elif number == xrce.STATUS_AGENT:
            s.opened(reader, size, now_ns)
        elif number == xrce.INFO:
            s.take_info(reader, size, now_ns)
        elif number == xrce.GET_INFO:
            s.asked(reader, size)
        else:
            s.malformed += 1

    def _take_acknack(self, size, now_ns):
        reader = self.reader
        s = self.session
        first = reader.read_u16()
        missing = reader.read_pair()
        if size < 5 or reader.read_u8() != xrce.STREAM_RELIABLE or not s.reliable_out.acknack(first, missing):
            return
        s.heard_acknack(now_ns)
        if s.request_waits and s.reliable_out.has_room():
            s.request_waits = False
            s.acknack = session.ACK_AGAIN  # asks for it

    def _take_heartbeat(self, size, now_ns):
        reader = self.reader
        s = self.session
        first = reader.read_u16()
        last = reader.read_u16()
        if size < 5 or reader.read_u8() != xrce.STREAM_RELIABLE or not s.is_open():
            return
        found = s.reliable_in.heartbeat(first, last)
        if found == streams.SKIPPED:
            self._drop_fragments(self.assembled > 0)
        if not s.heard_heartbeat(found == streams.BEHIND):
            s.lose(now_ns)

    # ---- samples and services

    def _take_data(self, size, now_ns):
        s = self.session
        reader = self.reader
        if size < 4 or not s.is_open():
            s.malformed += 1
            return
        reader.read_pair()
        thing = reader.read_pair()
        number = thing >> 4
        kind = thing & 15
        reader.base = reader.at  # the sample's alignment counts from its own first byte
        if kind == xrce.READER and number < len(contract.TOPICS) and not contract.TOPICS[number][2]:
            self.on_sample(number, reader, now_ns)
        elif kind == xrce.REPLIER and number < len(contract.SERVICES):
            self._serve(number, thing, now_ns)
        else:
            s.malformed += 1

    def _serve(self, service, thing, now_ns):
        """The reply is written in place, behind the identity of the request."""
        reader = self.reader
        identity = reader.claim(xrce.IDENTITY_BYTES)
        if identity < 0 or not self._open_write(True, thing):
            self.refused += 1
            return
        writer = self.writer
        at = writer.claim(xrce.IDENTITY_BYTES)
        move(writer.buffer, self.input, at << 16 | identity, xrce.IDENTITY_BYTES)
        writer.base = writer.at
        reader.base = reader.at
        if self.on_request(service, reader, writer, now_ns) and writer.ok:
            self._close_write()
        else:
            self.refused += 1

    def _open_write(self, reliable, thing):
        """Start a WRITE_DATA in its own slot; False when there is no room."""
        s = self.session
        writer = self.writer
        buffer = s.reliable_out.room() if reliable else self._best_effort
        if buffer is None:
            return False
        self._reliable = reliable
        if reliable:
            xrce.start(writer, buffer, xrce.SESSION, xrce.STREAM_RELIABLE, s.reliable_out.next())
        else:
            xrce.start(writer, buffer, xrce.SESSION, xrce.STREAM_BEST_EFFORT, s.best_effort_sequence)
        self._place = xrce.open_submessage(writer, xrce.WRITE_DATA)
        writer.write_pair(s.take_request_id())
        writer.write_pair(thing)
        writer.base = writer.at
        writer.end -= 4  # the largest message is 508 bytes
        return True

    def _close_write(self):
        s = self.session
        writer = self.writer
        xrce.close_submessage(writer, self._place)
        writer.base = 0
        if self._reliable:
            writer.write_align(4)
            s.reliable_out.push(writer.at)
            return True
        if s.out.send(self._best_effort, writer.at):
            s.best_effort_sequence = (s.best_effort_sequence + 1) & 0xFFFF
            return True
        return False

    def has_room(self):
        """True when a reliable sample would be taken now; lets a sender of exact records wait for room."""
        return self.session.state == session.CONNECTED and self.session.reliable_out.has_room()

    def publish(self, topic, message):
        """One sample. False and counted: not connected, too large, or history full."""
        row = contract.TOPICS[topic]
        if self.session.state != session.CONNECTED or not self._open_write(row[3], topic << 4 | xrce.WRITER):
            self.refused += 1
            return False
        message.write(self.writer)
        if not self.writer.ok:
            self.refused += 1
            return False
        taken = self._close_write()
        self.session.push()
        return taken
