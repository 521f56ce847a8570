"""The agent's core: one line's clients, from bytes in to bytes out. Pure: time comes in, ROS is a port.

core = AgentCore(ros)
core.receive(bytes_from_the_line, now_ns)      on input
core.run(now_ns)                               at core.next_event_ns() or after a ROS sample
line.write(core.transmit())                    after either
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.framing import AGENT_ADDRESS, Deframer, encode_frame
from takt.link.handshake import Handshake
from takt.link.messages import KEYLESS, ClientHello, Header
from takt.link.refs import Profiles
from takt.link.ros_port import RosPort
from takt.link.sample_lane import SampleLane
from takt.link.session import Session
from takt.link.stats import LinkStats
from takt.link.surroundings import Pending, Surroundings

BEAT_NS = 200_000_000
BUSY_BEAT_NS = 20_000_000  # while something is under way
HEARTBEAT_ALIVE_NS = 30_000_000_000  # no heartbeats to a client silent for longer
PROBES = 3
TAKT_SILENCE_NS = 5_000_000_000  # our own client exchanges time at 5 Hz: one silent for this long is gone
LINE_LOST_NS = 30_000_000_000  # clients outlive a pulled cable by this, and a flood of rubbish
DEAF_NS = (
    100_000_000  # bytes that make no message for longer than this are rubbish, under which nobody is heard
)
STANDSTILL_NS = 1_000_000_000  # run() comes every 200 ms; a longer pause is our own (suspended, SIGSTOP)
MAX_SESSIONS = 32
CROWDED_NS = 30_000_000_000  # when all places are taken, one silent for longer gives way


class AgentCore:
    """Sessions of one line. ``framed`` False: one message per datagram (UDP), see :meth:`receive_message`.

    ``sent_stamps`` collects the source stamps (ROS ns) of the samples of ``watched_topic`` that were built into
    output, ``sent_samples`` the samples themselves; their reader clears both.
    """

    def __init__(
        self,
        ros: RosPort,
        *,
        profiles: Profiles | None = None,
        handshake: Handshake | None = None,
        watched_topic: str = "",
    ) -> None:
        self.stats = LinkStats()
        self.handshake = handshake or Handshake()
        self._blocked: dict[str, str] = {}
        self.pending = Pending()
        self._around = Surroundings(
            ros, profiles or Profiles(), self.handshake, self.stats, self._blocked, self.pending
        )
        self._ros = ros
        self._deframer = Deframer()
        self._sessions: dict[bytes, Session] = {}
        self._lane = SampleLane(self._sessions, self._deframer, self.stats)
        self._control: list[tuple[Hashable, bytes]] = []
        self._lost_before = 0  # of sessions that ended
        self._now_ns = 0
        self.due_ns = 0  # when run() would act
        self._ran_ns = 0
        self._line_lost_ns: int | None = None
        self._heard_ns = 0  # the newest message of anybody
        self._rubbish_ns = -TAKT_SILENCE_NS  # the newest bytes that made none for so long
        self._watched_topic = watched_topic
        self.sent_stamps: list[int] = []
        self.sent_samples: list[bytes] = []
        self.on_opened: Callable[[], None] = lambda: None  # told of each new session
        self.siblings: list[AgentCore] = []  # the cores of an agent's other lines; a client is on one of them

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    @property
    def lost(self) -> int:
        """Messages that are missing, damaged or had to be repeated, either way, since the line was made."""
        missing = sum(session.lost for session in self._sessions.values()) + self._lost_before
        return missing + self.crc_errors + self.framing_errors + self.stats.retransmits

    @property
    def crc_errors(self) -> int:
        return self._deframer.crc_errors

    @property
    def framing_errors(self) -> int:
        return self._deframer.cut_short + self._deframer.oversize

    # ------------------------------------------------------------------ in

    def receive(self, data: bytes, now_ns: int) -> None:
        """Take bytes from the line, in any portions."""
        self.stats.bytes_rx += len(data)
        if self._lane.take(data, now_ns):
            self._now_ns = self._heard_ns = now_ns
            return
        frames = self._deframer.feed(data)
        for frame in frames:
            if frame.destination == AGENT_ADDRESS:
                self._take(frame.source, frame.payload, now_ns)
        if frames:
            self._heard_ns = now_ns
            self._flush()
        elif now_ns - self._heard_ns > DEAF_NS:
            self._rubbish_ns = now_ns

    def receive_message(self, address: Hashable, message: bytes, now_ns: int) -> None:
        """Take one unframed message (a datagram) from ``address``."""
        self.stats.bytes_rx += len(message)
        self._take(address, message, now_ns)
        self._flush()

    def _take(self, address: Hashable, message: bytes, now_ns: int) -> None:
        self._now_ns = now_ns
        self.stats.rx += 1
        try:
            header = xrce.parse_header(message)
            first = message[header.size] if len(message) > header.size else -1
            if first == xrce.CREATE_CLIENT and header.session & ~KEYLESS == 0:
                self._create_client(address, header, message)
                return
            session = self._find(address, header)
            if session:
                session.address, session.last_rx_ns, session.probes = address, now_ns, 0
            if first == xrce.GET_INFO and header.stream == xrce.NO_STREAM:
                self._tell_info(address, header, message, session)
            elif session and header.session & ~KEYLESS:
                session.receive(header, message, now_ns)
                if session.end_request:
                    self._end(session)
            elif first == xrce.DELETE and header.session & ~KEYLESS and self._ends(header, message):
                self._confirm_end(address, header, message)
            else:
                self.stats.drop("no_session")
        except Malformed:
            self.stats.drop("malformed")

    def _find(self, address: Hashable, header: Header) -> Session | None:
        """By key where the message has one, else by address; the session id itself is not compared."""
        if header.key and header.session:
            return self._sessions.get(header.key)
        for session in self._sessions.values():
            if session.address == address and session.id >= KEYLESS:
                return session
        return None

    def _flush(self) -> None:
        for session in self._sessions.values():
            if session.owes_acknacks:
                session.flush_acknacks()

    # ------------------------------------------------------------- sessions

    def _create_client(self, address: Hashable, header: Header, message: bytes) -> None:
        submessage = xrce.first_submessage(message, header.size)
        hello = xrce.parse_create_client(submessage)
        result = _verdict(hello)
        if result == xrce.OK:
            result = self._admit(address, hello)
        reply = xrce.build_header(hello.session, header.stream, header.sequence, hello.key)
        self._say(address, reply + xrce.build_status_agent(result))

    def _admit(self, address: Hashable, hello: ClientHello) -> int:
        """Open or restart the client's session, by the rules for keys, session ids and addresses."""
        known = self._sessions.get(hello.key)
        if known and known.id == hello.session:
            known.restart(hello, address, self._now_ns)
            return xrce.OK
        if known:
            self._close(known)
        for other in self.sessions:
            if other.address == address and other.id >= KEYLESS and hello.session >= KEYLESS:
                self._close(other)
        if len(self._sessions) >= MAX_SESSIONS and not self._make_room():
            self.stats.drop("too_many_sessions")
            return xrce.RESOURCES
        for sibling in self.siblings:
            if sibling is not self:
                sibling.disown(hello.key)
        self._sessions[hello.key] = Session(hello, address, self._around, self._now_ns)
        self.stats.sessions_opened += 1
        self.on_opened()
        return xrce.OK

    def _make_room(self) -> bool:
        quietest = min(self._sessions.values(), key=lambda session: session.last_rx_ns)
        if self._now_ns - quietest.last_rx_ns < CROWDED_NS:
            return False
        self._close(quietest)
        return True

    def disown(self, key: bytes) -> None:
        """The client has turned up on another line: end its session here."""
        known = self._sessions.get(key)
        if known:
            self._close(known)

    @staticmethod
    def _ends(header: Header, message: bytes) -> bool:
        payload = message[header.size + xrce.SUBHEADER :]
        return payload[2:4] == xrce.OBJECT_CLIENT

    def _confirm_end(self, address: Hashable, header: Header, message: bytes) -> None:
        """A client that is not known hears OK for its end too, on the stream that it asked on."""
        request = message[header.size + xrce.SUBHEADER :][:2]
        reply = xrce.build_header(header.session, header.stream, header.sequence, header.key)
        self._say(address, reply + xrce.build_status(request, xrce.OBJECT_CLIENT, xrce.OK))

    def _end(self, session: Session) -> None:
        """Delete a client that asked for it; what was under way to it goes first."""
        session.flush_acknacks()
        session.sending.collect(self._now_ns)
        status = xrce.build_status(session.end_request, xrce.OBJECT_CLIENT, xrce.OK)
        last = xrce.build_header(session.id, xrce.NO_STREAM, 0, session.key) + status
        for message in (*session.sending.outbox, last):
            self._say(session.address, message)
        self._close(session)

    def _tell_info(self, address: Hashable, header: Header, message: bytes, session: Session | None) -> None:
        """Answer a ping; its implementation status tells whether the client's session lives here."""
        payload = xrce.first_submessage(message, header.size).payload
        info = xrce.build_info(*xrce.parse_asked(payload), session is not None)
        in_session = session is not None and header.session & ~KEYLESS
        session_id = session.id if session and in_session else header.session
        self._say(address, xrce.build_header(session_id, 0, 0, header.key) + info)

    def _say(self, address: Hashable, message: bytes) -> None:
        """Answer outside all sessions."""
        self._control.append((address, message))
        self.pending.output = True

    def _close(self, session: Session) -> None:
        del self._sessions[session.key]
        self._lost_before += session.lost
        session.entities.clear()
        self.stats.sessions_closed += 1

    def close(self) -> None:
        """Delete every client and all that it has in ROS."""
        for session in self.sessions:
            self._close(session)

    # ----------------------------------------------------------------- rules

    def block(self, topic: str, reason: str) -> None:
        """Forward no sample of a ROS topic from now on, also none that waits already."""
        self._blocked[topic] = reason
        for session in self._sessions.values():
            session.sending.forget_topic(topic)

    def unblock(self, topic: str) -> None:
        self._blocked.pop(topic, None)

    # ------------------------------------------------------------------ time

    def line_lost(self, now_ns: int) -> None:
        """The port vanished: what was under way is void; the clients live on for a while."""
        self._deframer.reset()
        self._control.clear()
        for session in self._sessions.values():
            session.sending.forget_under_way()
        self._line_lost_ns = now_ns

    def line_found(self, now_ns: int) -> None:
        self._line_lost_ns = None
        for session in self._sessions.values():
            session.last_rx_ns = now_ns

    def run(self, now_ns: int) -> None:
        """Do what time asks for: heartbeats, liveliness, forgetting. Cheap until :meth:`next_event_ns`."""
        stood_ns = now_ns - self._ran_ns
        self._ran_ns = self._now_ns = now_ns
        if stood_ns > STANDSTILL_NS:
            self._forgive(stood_ns)
        if now_ns >= self.due_ns:
            self._beat(now_ns)

    def _forgive(self, stood_ns: int) -> None:
        """When we were stopped ourselves, the clients were not silent: what they said waits to be read."""
        for session in self._sessions.values():
            session.last_rx_ns += stood_ns
            session.probe_ns += stood_ns

    def _beat(self, now_ns: int) -> None:
        self.due_ns = now_ns + BEAT_NS
        for session in self.sessions:
            if now_ns - session.last_rx_ns < HEARTBEAT_ALIVE_NS:
                session.sending.heartbeats(now_ns)
            if self._is_gone(session, now_ns):
                self._close(session)
            elif session.liveliness_ns or session.sending.look_after():
                self.due_ns = now_ns + BUSY_BEAT_NS

    def _is_gone(self, session: Session, now_ns: int) -> bool:
        if self._line_lost_ns is not None:
            return now_ns - self._line_lost_ns > LINE_LOST_NS
        silence_ns = now_ns - session.last_rx_ns
        if session.is_takt and silence_ns > self._patience_ns(now_ns):
            return True
        if not session.liveliness_ns or silence_ns <= session.liveliness_ns:
            return False
        if session.probes and now_ns - session.probe_ns < BEAT_NS:
            return False
        if session.probes >= PROBES:
            return True
        session.probe(now_ns)
        return False

    def _patience_ns(self, now_ns: int) -> int:
        """How long one of our own clients may be silent; while rubbish drowns it out, as long as a cable may be out."""
        return LINE_LOST_NS if now_ns - self._rubbish_ns < TAKT_SILENCE_NS else TAKT_SILENCE_NS

    def next_event_ns(self) -> int:
        """When :meth:`run` wants to be called next, in ns of the clock that it is given."""
        return self.due_ns

    # ------------------------------------------------------------------- out

    def transmit(self, now_ns: int | None = None) -> bytes:
        """The frames of all that may go out now. ``now_ns``: None is the time of the newest call."""
        frames = b""
        for address, message in self.transmit_messages(now_ns):
            frames += encode_frame(message, AGENT_ADDRESS, address)  # type: ignore[arg-type]
        self.stats.bytes_tx += len(frames)
        return frames

    def transmit_messages(self, now_ns: int | None = None) -> list[tuple[Hashable, bytes]]:
        """All that may go out now, unframed, with the address that each is for."""
        if now_ns is not None:
            self._now_ns = now_ns
        self.pending.output = False
        out, self._control = self._control, []
        for session in self._sessions.values():
            sending = session.sending
            for entity, outgoing in sending.collect(self._now_ns):
                if entity.topic and entity.topic.ros_name == self._watched_topic:
                    self.sent_stamps.append(outgoing.stamp_ns)
                    self.sent_samples.append(outgoing.payload)
            if sending.time_requests:  # stamped as late as can be
                out += [(session.address, reply) for reply in sending.take_time_replies(self._ros.now_ns())]
            for message in sending.outbox:
                out.append((session.address, message))
            sending.outbox.clear()
            if sending.is_busy:
                self.due_ns = min(self.due_ns, self._now_ns + BUSY_BEAT_NS)
        self.stats.tx += len(out)
        return out


def _verdict(hello: ClientHello) -> int:
    if hello.cookie != xrce.COOKIE or hello.key == bytes(4):
        return xrce.INVALID_DATA
    return xrce.OK if hello.major == xrce.VERSION_MAJOR else xrce.INCOMPATIBLE
