"""What leaves a session: the messages of its streams, and fair turns for the samples that wait for a stream."""

from __future__ import annotations

from collections import defaultdict

from takt.link import messages as xrce
from takt.link.entities import Entity
from takt.link.feed import Outgoing
from takt.link.messages import RELIABLE, ClientHello
from takt.link.stats import LinkStats
from takt.link.streams import ReliableOut
from takt.link.surroundings import Pending

MIN_MTU = 32  # a client that announces less gets the smallest answers all the same
MAX_TIME_REQUESTS = 16  # that wait for the line

Sent = tuple[Entity, Outgoing]  # the reader that a sample went to, and the sample


class Sending:
    """Messages collect in ``outbox``, whole and in order.

    Samples stay in their feeds until :meth:`collect`, so that a busy line sends the newest. ``pending`` is told of all
    that :meth:`collect` would find. ``is_busy``: whether time may have something to do here soon (repetition, a
    delivery with limits).
    """

    def __init__(self, hello: ClientHello, stats: LinkStats, pending: Pending) -> None:
        self._stats, self._pending = stats, pending
        self._id = hello.session
        self._key = hello.key if hello.session < xrce.KEYLESS else b""
        self._waiting: dict[Entity, None] = {}  # feeds with samples; whose turn comes first stands first
        self.time_requests: list[tuple[bytes, int]] = []
        self.restart(hello)

    def restart(self, hello: ClientHello) -> None:
        """The client began anew: streams from 0, no sample waits, its MTU as told now."""
        self._room = max(hello.mtu, MIN_MTU) - xrce.HEADER - len(self._key)  # for submessages, in bytes
        self._waiting.clear()
        self.reset()

    def reset(self) -> None:
        """Streams from 0."""
        self.outbox: list[bytes] = []
        self._reliable: dict[int, ReliableOut] = {}
        self._stirred: dict[int, None] = {}  # reliable streams in which something may have become due
        self._best_effort_next: dict[int, int] = defaultdict(int)
        self.is_busy = False

    def skip_to(self, stream: int, sequence: int) -> None:
        """Number the next message of a stream ``sequence`` (a recording with a part cut out)."""
        if stream >= RELIABLE:
            self._out(stream).skip_to(sequence)
        else:
            self._best_effort_next[stream] = sequence

    # -------------------------------------------------------------- answers

    def control(self, submessage: bytes) -> None:
        """On no stream: sent once, outside all numbering."""
        self._send(xrce.NO_STREAM, 0, submessage)

    def status(self, request: bytes, object_id: bytes, result: int, stream: int) -> None:
        """Answer on the kind of stream that the request came on."""
        status = xrce.build_status(request, object_id, result)
        if stream >= RELIABLE:
            self._out(RELIABLE).offer(status)
            self._stir(RELIABLE)
        else:
            self._best_effort(xrce.BEST_EFFORT, status)

    def acknowledge(self, stream: int, first: int, missing: int, now_ns: int) -> None:
        """The client has all before ``first`` and wants again what is marked ``missing``."""
        out = self._reliable.get(stream)
        if out is None:
            return
        again = out.acknowledge(first, missing, now_ns)
        self._stats.retransmits += len(again)
        if out.round_trip_ns >= 0:
            self._stats.round_trips.note(out.round_trip_ns)
            out.round_trip_ns = -1
        for sequence, body in again:
            self._send(stream, sequence, body)
        self._stir(stream)

    def _stir(self, stream: int) -> None:
        self._stirred[stream] = None
        self._pending.output = True

    def answer_time(self, originate: bytes, receive_ns: int) -> bool:
        """A TIMESTAMP to answer when the line takes it; False where too many wait already."""
        if len(self.time_requests) >= MAX_TIME_REQUESTS:
            return False
        self.time_requests.append((originate, receive_ns))
        self._pending.output = True
        return True

    def take_time_replies(self, now_ns: int) -> list[bytes]:
        """The answers, stamped with the ROS time ``now_ns`` at which they go to the line."""
        replies = [
            xrce.pack_header(self._id, xrce.NO_STREAM, 0)
            + self._key
            + xrce.build_timestamp_reply(now_ns, receive_ns, originate)
            for originate, receive_ns in self.time_requests
        ]
        self.time_requests.clear()
        return replies

    def forget_under_way(self) -> None:
        """The line is gone, and what was built for it."""
        self.outbox.clear()
        self.time_requests.clear()

    # -------------------------------------------------------------- samples

    def queue(self, entity: Entity, payload: bytes, stamp_ns: int) -> None:
        """Keep a sample for the client until the stream of its delivery takes it."""
        feed = entity.feed
        assert feed
        overtaken = feed.push(payload, stamp_ns)
        if feed.ready:
            self._waiting[entity] = None
            self._pending.output = True
            if overtaken:
                self._stats.drop("overtaken")

    def wait(self, entity: Entity) -> None:
        """``entity`` has a sample that may go out; those that wait already come first."""
        self._waiting[entity] = None
        self._pending.output = True

    def forget(self, entity: Entity) -> None:
        """``entity`` is deleted."""
        self._waiting.pop(entity, None)

    def forget_topic(self, topic: str) -> None:
        """Throw away what waits for the readers of a ROS topic."""
        for entity in list(self._waiting):
            if entity.topic and entity.feed and entity.topic.ros_name == topic:
                entity.feed.clear()
                del self._waiting[entity]

    def collect(self, now_ns: int) -> list[Sent]:
        """Build all that may go out now into ``outbox``; returns the samples among it.

        Each feed sends one sample in its turn and then stands last, also from one call to the next: a feed that never
        runs dry takes no more than its share of a stream that cannot carry all.
        """
        if self._stirred:
            for stream in self._stirred:
                self._send_due(stream, now_ns)
            self._stirred.clear()
        sent: list[Sent] = []
        turns = list(self._waiting)
        while turns:
            again = []
            for entity in turns:
                if self._send_one(entity, now_ns, sent):
                    again.append(entity)
            turns = again
        self._stats.samples_to_client += len(sent)
        if self._waiting:
            self._pending.output = self.is_busy = True
        return sent

    def _send_one(self, entity: Entity, now_ns: int, sent: list[Sent]) -> bool:
        """Send the next sample of a feed, if there is one that may go; returns whether to ask again."""
        feed = entity.feed
        assert feed
        if feed.stream >= RELIABLE and not self._out(feed.stream).has_room:
            return False
        outgoing = feed.pull(now_ns)
        if outgoing is None:
            if not feed.ready:
                del self._waiting[entity]
            return False
        stream = outgoing.stream
        data = xrce.build_data(outgoing.request, entity.object_id, outgoing.payload)
        if stream < RELIABLE:
            went = self._best_effort(stream, data)
        else:
            went = self._out(stream).offer(data)
            self._send_due(stream, now_ns)
        if went:
            sent.append((entity, outgoing))
        del self._waiting[entity]
        if feed.ready:
            self._waiting[entity] = None
        return feed.ready

    # -------------------------------------------------------------- streams

    def _out(self, stream: int) -> ReliableOut:
        found = self._reliable.get(stream)
        if found is None:
            found = self._reliable[stream] = ReliableOut(self._room)
        return found

    def _send_due(self, stream: int, now_ns: int) -> None:
        for sequence, body in self._out(stream).due(now_ns):
            self._send(stream, sequence, body)
            self.is_busy = True  # until it is confirmed

    def _best_effort(self, stream: int, submessage: bytes) -> bool:
        if len(submessage) > self._room:
            self._stats.drop("too_large_for_best_effort")
            return False
        sequence = self._best_effort_next[stream]
        self._best_effort_next[stream] = (sequence + 1) & 0xFFFF if stream else 0
        self.outbox.append(xrce.pack_header(self._id, stream, sequence) + self._key + submessage)
        self._pending.output = True
        return True

    def _send(self, stream: int, sequence: int, body: bytes) -> None:
        self.outbox.append(xrce.pack_header(self._id, stream, sequence) + self._key + body)
        self._pending.output = True

    # ----------------------------------------------------------------- time

    def look_after(self) -> bool:
        """See whether anything is still under way."""
        self.is_busy = self._waiting != {} or any(out.unacknowledged for out in self._reliable.values())
        return self.is_busy

    def heartbeats(self, now_ns: int) -> None:
        for stream, out in self._reliable.items():
            beat = out.heartbeat(now_ns)
            if beat:
                self.control(xrce.build_heartbeat(*beat, stream))

    def unacknowledged(self, stream: int) -> int:
        """Messages of a reliable stream that the client has not confirmed."""
        out = self._reliable.get(stream)
        return out.unacknowledged if out else 0

    def queue_depth(self) -> int:
        """Messages and feeds that wait for the line or for an acknowledgement."""
        return sum(out.queued + out.unacknowledged for out in self._reliable.values()) + len(self._waiting)
