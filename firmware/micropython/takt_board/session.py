"""Login, its loss, and what keeps a session: heartbeat, time exchange, ping (firmware/core, client_session.c)."""

import takt_contract as contract
from micropython import const

from takt_board import entities, xrce
from takt_board.cdr import Cursor
from takt_board.clock import Clock
from takt_board.line_out import LineOut
from takt_board.streams import BestEffortIn, ReliableIn, ReliableOut

DISCONNECTED = const(0)
CONNECTING = const(1)
CREATING = const(2)
CONNECTED = const(3)
STATES = (b"disconnected", b"connecting", b"creating", b"connected")

ACK_NONE = const(0)
ACK_DUE = const(1)
ACK_AGAIN = const(2)

_MS = const(1000000)
_LOGIN_PERIOD_NS = const(100 * _MS)
_REFUSED_PAUSE_NS = const(1000 * _MS)
_LOGIN_FRESH_NS = const(500 * _MS)  # unanswered for longer: no agent
_HEARTBEAT_PERIOD_NS = const(50 * _MS)
_HEARTBEATS_UNANSWERED = const(20)
_EXCHANGE_PERIOD_NS = 1000000000 // contract.SAFETY_LINK_TIME_EXCHANGE_HZ
_QUICK_PERIOD_NS = const(20 * _MS)
_QUICK_EXCHANGES = const(16)
_EXCHANGES = const(4)  # time requests that may be under way
_PING_AFTER_NS = const(250 * _MS)
_PING_PERIOD_NS = const(100 * _MS)
_PING_REQUEST = const(10)
_GIVE_UP_NS = contract.SAFETY_LINK_SILENCE_MS * _MS
_GIVE_UP_CREATING_NS = const(1000 * _MS)  # an agent may be busy making the ROS entities
_CREATE_TIMEOUT_NS = const(3000 * _MS)
_MESSAGE_BYTES = const(508)  # largest message; the official client's, too
_COOKIE = b"XRCE\x01\x00\x01\x0f"  # with version and vendor


class Session:
    def __init__(self, write, key, domain, node_name, now_ns):
        self.key = key
        self.domain = domain
        self.node_name = node_name
        self.out = LineOut(write)
        self.clock = Clock()
        self.reliable_out = ReliableOut()
        self.reliable_in = ReliableIn()
        self.best_effort_in = BestEffortIn()
        self.cursor = Cursor()  # of the message under construction
        self.message = bytearray(512)
        self.rx = 0
        self.last_rx_ns = 0
        self.retransmits = 0
        self.reconnects = 0
        self.create_errors = 0
        self.malformed = 0
        self.round_trip_us = 0
        self.losses = 0
        self.login_stale = False
        self.had_session = False
        self._sent_ns = [0] * _EXCHANGES
        self._slot = 0
        self._quick = 0
        self._progress_ns = now_ns
        self._next_exchange_ns = now_ns
        self._next_ping_ns = now_ns
        self._next_heartbeat_ns = now_ns
        self.lose(now_ns)
        self.losses = 0

    def is_open(self):
        return self.state >= CREATING

    def restart_streams(self):
        self.out.clear()
        self.reliable_out.reset()
        self.reliable_in.reset()
        self.best_effort_in.reset()
        self.best_effort_sequence = 0
        self.next_request = xrce.FIRST_REQUEST
        self.created = 0
        self.answered = 0
        self._unconfirmed_heartbeats = 0
        self._late_heartbeats = 0
        self.request_waits = False
        self.acknack = ACK_NONE

    def lose(self, now_ns, refused=False):
        self.restart_streams()
        self.state = DISCONNECTED
        self.losses += 1
        self._next_login_ns = now_ns + (_REFUSED_PAUSE_NS if refused else 0)

    def take_request_id(self):
        request = self.next_request
        self.next_request = xrce.FIRST_REQUEST if request == 0xFFFF else request + 1
        return request

    # ---- messages on stream 0

    def _start(self, session, number):
        xrce.start(self.cursor, self.message, session, xrce.STREAM_NONE, 0)
        return xrce.open_submessage(self.cursor, number)

    def _send(self, place):
        xrce.close_submessage(self.cursor, place)
        return self.out.send(self.message, self.cursor.at)

    def _send_login(self):
        cursor = self.cursor
        place = self._start(xrce.NO_SESSION, xrce.CREATE_CLIENT)
        cursor.write_bytes(_COOKIE, len(_COOKIE))
        cursor.write_pair(self.key >> 16)
        cursor.write_pair(self.key & 0xFFFF)
        cursor.write_u8(xrce.SESSION)
        cursor.write_u8(1)  # properties follow
        cursor.write_u32(1)
        cursor.write_string(b"takt_contract")
        cursor.write_string(contract.CONTRACT_HASH)
        cursor.write_u16(_MESSAGE_BYTES)
        self._send(place)

    def _run_login(self, now_ns):
        if now_ns < self._next_login_ns or self.out.waiting():
            return
        if self.state == DISCONNECTED and not self.login_stale:
            self.state = CONNECTING
            self._progress_ns = now_ns
        elif now_ns - self._progress_ns >= _LOGIN_FRESH_NS:
            self.state = DISCONNECTED
            self.login_stale = True
        self._next_login_ns = now_ns + _LOGIN_PERIOD_NS
        self._send_login()

    def opened(self, reader, size, now_ns):
        """STATUS_AGENT."""
        if self.is_open() or size < 2 + len(_COOKIE):
            return  # an answer to a login that was repeated
        at = reader.at
        if reader.buffer[at] >= xrce.FAILED or bytes(reader.buffer[at + 2 : at + 6]) != _COOKIE[:4]:
            self.lose(now_ns, True)
            return
        self.restart_streams()
        self.state = CREATING
        self.login_stale = False
        if self.had_session:
            self.reconnects += 1
        self.had_session = True
        self.create_errors = 0
        self._quick = _QUICK_EXCHANGES
        self._progress_ns = now_ns
        self._next_exchange_ns = now_ns
        self._next_ping_ns = now_ns

    # ---- reliability

    def confirm(self):
        """Sends the ACKNACK that is due."""
        if self.acknack == ACK_NONE:
            return
        missing = self.reliable_in.missing(self.acknack == ACK_AGAIN)
        place = self._start(xrce.SESSION, xrce.ACKNACK)
        self.cursor.write_u16(self.reliable_in.expected)
        self.cursor.write_pair(missing)  # the bitmap travels high byte first
        self.cursor.write_u8(xrce.STREAM_RELIABLE)
        if self._send(place):
            self.acknack = ACK_NONE

    def _run_heartbeat(self, now_ns):
        sent = self.reliable_out.sent()
        if sent == 0:
            self.heard_acknack(now_ns)
            return
        if now_ns < self._next_heartbeat_ns:
            return
        self._next_heartbeat_ns = now_ns + _HEARTBEAT_PERIOD_NS
        self._unconfirmed_heartbeats += 1
        if self._unconfirmed_heartbeats > _HEARTBEATS_UNANSWERED:
            self.lose(now_ns)
            return
        first = self.reliable_out.first
        place = self._start(xrce.SESSION, xrce.HEARTBEAT)
        self.cursor.write_u16(first)
        self.cursor.write_u16((first + sent - 1) & 0xFFFF)
        self.cursor.write_u8(xrce.STREAM_RELIABLE)
        self._send(place)

    def heard_acknack(self, now_ns):
        self._unconfirmed_heartbeats = 0
        self._next_heartbeat_ns = now_ns + _HEARTBEAT_PERIOD_NS

    def heard_heartbeat(self, is_behind):
        """False: the agent's stream started anew behind our back, the session is of no use."""
        self._late_heartbeats = self._late_heartbeats + 1 if is_behind else 0
        self.acknack = ACK_AGAIN
        return self._late_heartbeats < 3

    # ---- time

    def _run_exchange(self, now_ns):
        if now_ns < self._next_exchange_ns:
            return
        quick = self._quick > 0 or not self.clock.locked(now_ns)
        self._next_exchange_ns = now_ns + (_QUICK_PERIOD_NS if quick else _EXCHANGE_PERIOD_NS)
        if self._quick > 0:
            self._quick -= 1
        place = self._start(xrce.SESSION, xrce.TIMESTAMP)
        xrce.write_time(self.cursor, now_ns)
        if self._send(place):
            self._sent_ns[self._slot] = now_ns
            self._slot = (self._slot + 1) % _EXCHANGES

    def take_time(self, reader, size, now_ns):
        """TIMESTAMP_REPLY: transmit, receive, originate."""
        if size < 24:
            self.malformed += 1
            return
        transmit_ns = xrce.read_time(reader)
        receive_ns = xrce.read_time(reader)
        originate_ns = xrce.read_time(reader)
        for slot in range(_EXCHANGES):
            if self._sent_ns[slot] == originate_ns and originate_ns:
                self._sent_ns[slot] = 0  # a repeated reply teaches nothing
                self.round_trip_us = (now_ns - originate_ns) // 1000
                self.clock.exchange(originate_ns, receive_ns, transmit_ns, now_ns)
                if not self.clock.locked(now_ns):
                    self._next_exchange_ns = now_ns + _QUICK_PERIOD_NS
                return

    # ---- is the agent there?

    def _run_ping(self, now_ns):
        silence_ns = now_ns - self.last_rx_ns
        if silence_ns >= (_GIVE_UP_CREATING_NS if self.state == CREATING else _GIVE_UP_NS):
            self.lose(now_ns)
        elif silence_ns >= _PING_AFTER_NS and now_ns >= self._next_ping_ns:
            self._next_ping_ns = now_ns + _PING_PERIOD_NS
            place = self._start(xrce.SESSION, xrce.GET_INFO)
            self.cursor.write_pair(_PING_REQUEST)
            self.cursor.write_pair(xrce.AGENT_OBJECT)
            self.cursor.write_u32(2)  # activity
            self._send(place)

    def take_info(self, reader, size, now_ns):
        if size < 6:
            self.malformed += 1
        elif self.is_open() and reader.buffer[reader.at + 5] == 0:
            self.lose(now_ns)  # the agent answers, but it holds no session for us

    def asked(self, reader, size):
        """The agent's own ping (hard liveliness): an INFO without configuration and activity."""
        if size >= 4:
            request = reader.read_pair()
            thing = reader.read_pair()
            place = self._start(xrce.SESSION, xrce.INFO)
            self.cursor.write_pair(request)
            self.cursor.write_pair(thing)
            self.cursor.write_u32(0)
            self._send(place)

    # ---- creation

    def _skip_reads(self):
        """A READ_DATA that succeeds is not answered."""
        while self.answered < self.created and entities.STEPS[self.answered][2]:
            self.answered += 1

    def run_creation(self, now_ns):
        while self.created < len(entities.STEPS):
            room = self.reliable_out.room()
            if room is None or self.created - self.answered >= contract.LINK_HISTORY:
                break
            sequence = self.reliable_out.next()
            xrce.start(self.cursor, room, xrce.SESSION, xrce.STREAM_RELIABLE, sequence)
            request = self.take_request_id()
            entities.write_step(self.cursor, self.created, request, self.node_name, self.domain)
            self.reliable_out.push(self.cursor.at)
            self.created += 1
            self._skip_reads()
        if self.created == self.answered == len(entities.STEPS):
            self.state = CONNECTED
        elif now_ns - self._progress_ns >= _CREATE_TIMEOUT_NS:
            self.lose(now_ns)

    def take_status(self, reader, size, now_ns):
        if size < 6 or not self.is_open():
            self.malformed += 1
            return
        step = reader.read_pair() - xrce.FIRST_REQUEST
        thing = reader.read_pair()
        failed = reader.read_u8() >= xrce.FAILED
        if failed:
            self.create_errors += 1
            if thing == xrce.PARTICIPANT:
                self.lose(now_ns, True)
                return
        if self.state == CREATING and self.answered <= step < self.created:
            self.answered = step + 1
            self._progress_ns = now_ns
            self._skip_reads()
            self.run_creation(now_ns)

    # ---- all timers

    def run(self, now_ns):
        if self.is_open():
            self._run_ping(now_ns)
        if self.is_open():
            self._run_exchange(now_ns)
            self._run_heartbeat(now_ns)
        if self.is_open():
            self.confirm()
            if self.state == CREATING:
                self.run_creation(now_ns)
        else:
            self._run_login(now_ns)
        self.push()

    def push(self):
        """Reliable messages that are due join what waits for the line."""
        while self.reliable_out.due and self.out.takes_reliable():
            slot = self.reliable_out.take()
            if slot < 0:
                break
            if self.reliable_out.again:
                self.retransmits += 1
            self.out.put(self.reliable_out.slots[slot], self.reliable_out.sizes[slot])
        self.out.push()
