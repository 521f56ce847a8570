"""One client's session: its streams, its objects, and what each submessage does to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.entities import Entity, EntityTable
from takt.link.feed import Outgoing
from takt.link.handshake import PROPERTY, mismatch_message, refusal_reply
from takt.link.messages import LITTLE_ENDIAN, RELIABLE, ClientHello, Header, Submessage
from takt.link.names import ros_service
from takt.link.representations import ServiceSpec, parse_create
from takt.link.ros_port import ENCAPSULATION
from takt.link.streams import BestEffortIn, Rebuilder, ReliableIn, ReliableOut
from takt.link.surroundings import Surroundings
from takt.link.timing import ClockWatch

IDENTITY_SIZE = 24
MAX_OPEN_CALLS = 256
MIN_MTU = 32  # a client that announces less gets the smallest answers all the same


class Session:
    """Pure state machine of one client.

    What must go out collects in ``outbox`` as whole messages; best-effort samples stay in their feeds until
    :meth:`best_effort` is asked for them, so that a busy line sends the newest.
    """

    def __init__(self, hello: ClientHello, address: object, around: Surroundings, now_ns: int) -> None:
        self._around = around
        self._ros, self._stats = around.ros, around.stats
        self.key, self.id = hello.key, hello.session
        self.entities = EntityTable(around.ros, around.profiles, self, f"xrce_client_{hello.key.hex()}")
        self.outbox: list[bytes] = []
        self.time_requests: list[tuple[bytes, int]] = []
        self.clock = ClockWatch()
        self._best_effort_in: dict[int, BestEffortIn] = {}
        self._lost_before = 0  # before the streams last began anew
        self.end_request = b""  # request id of a DELETE of the whole client, which its owner carries out
        self._waiting: dict[Entity, None] = {}  # feeds with samples, in the order of their oldest arrival
        self._handlers: dict[int, Callable[[Submessage, int], bool]] = {
            xrce.CREATE_CLIENT: _taken,  # also the headless INFO of the official client
            xrce.CREATE: self._on_create,
            xrce.DELETE: self._on_delete,
            xrce.GET_INFO: self._on_get_info,
            xrce.INFO: _taken,  # a sign of life, noted already
            xrce.WRITE_DATA: self._on_write,
            xrce.READ_DATA: self._on_read,
            xrce.ACKNACK: self._on_acknack,
            xrce.HEARTBEAT: self._on_heartbeat,
            xrce.RESET: self._on_reset,
            xrce.FRAGMENT: self._on_fragment,
            xrce.TIMESTAMP: self._on_timestamp,
        }
        self.now_ns = now_ns
        self.restart(hello, address, now_ns)

    def restart(self, hello: ClientHello, address: object, now_ns: int) -> None:
        """The client began anew under the same key: streams from 0, properties as told, objects stay."""
        self.address, self.mtu, self.properties = address, hello.mtu, hello.properties
        self.mismatches = self._around.handshake.mismatches(hello.properties)
        self.is_takt = PROPERTY in hello.properties
        liveliness = hello.properties.get("uxr_hl", "")
        self.liveliness_ns = int(liveliness) * 1_000_000 if liveliness.isdecimal() else 0
        self.last_rx_ns, self.probes, self.probe_ns = now_ns, 0, 0
        self.reset_streams()
        for entity in self.entities.all():
            if entity.feed:
                entity.feed.clear()
        self._waiting.clear()

    def reset_streams(self) -> None:
        self._lost_before += sum(stream.lost for stream in self._best_effort_in.values())
        self._reliable_in: dict[int, ReliableIn] = {}
        self._rebuilders: dict[int, Rebuilder] = {}
        self._best_effort_in = {}
        self._reliable_out: dict[int, ReliableOut] = {}
        self._best_effort_next: dict[int, int] = {}
        self._touched: dict[int, None] = {}  # reliable streams that owe an ACKNACK
        self.outbox.clear()

    def skip_to(self, stream: int, *, inbound: int | None = None, outbound: int | None = None) -> None:
        """Set a stream forward to the next sequence number in either direction (a recording with a part cut out)."""
        if inbound is not None:
            if stream >= RELIABLE:
                self._inbound(stream).skip_to(inbound)
            else:
                self._best_effort_in.setdefault(stream, BestEffortIn()).skip_to(inbound)
        if outbound is not None:
            if stream >= RELIABLE:
                self._outbound(stream).skip_to(outbound)
            else:
                self._best_effort_next[stream] = outbound

    # ------------------------------------------------------------------ in

    def receive(self, header: Header, message: bytes, now_ns: int) -> None:
        """Take one message of this client."""
        self.now_ns = self.last_rx_ns = now_ns
        self.probes = 0
        body, stream = message[header.size :], header.stream
        if stream >= RELIABLE:
            self._touched[stream] = None
            for ready in self._inbound(stream).receive(header.sequence, body):
                self._process(ready, stream)
        elif stream == xrce.NO_STREAM or self._newer(stream, header.sequence):
            self._process(body, stream)

    def _inbound(self, stream: int) -> ReliableIn:
        found = self._reliable_in.get(stream)
        if found is None:
            found = self._reliable_in[stream] = ReliableIn()
        return found

    def _newer(self, stream: int, sequence: int) -> bool:
        inbound = self._best_effort_in.get(stream)
        if inbound is None:
            inbound = self._best_effort_in[stream] = BestEffortIn()
        if inbound.accept(sequence):
            return True
        self._stats.drop("late")
        return False

    @property
    def lost(self) -> int:
        """Messages of the client that never came, by the numbers of those that did."""
        return self._lost_before + sum(stream.lost for stream in self._best_effort_in.values())

    def _process(self, body: bytes, stream: int, whole: bool = False) -> None:
        """Handle submessages in order; the first that fails ends the message, as with the official agent."""
        try:
            sample = xrce.lone_sample(body)
            if sample:
                self._on_write(sample, stream)
                return
            for submessage in xrce.submessages(body, 0, whole):
                handler = self._handlers.get(submessage.kind)
                if handler is None:
                    self._stats.drop("unknown_submessage")
                    return
                if not handler(submessage, stream):
                    return
        except Malformed:
            self._stats.drop("malformed")

    def flush_acknacks(self) -> None:
        """One ACKNACK for each reliable stream that had input since the last call."""
        if not self._touched:
            return
        for stream in self._touched:
            self._control(xrce.build_acknack(*self._inbound(stream).acknack(), stream))
        self._touched.clear()

    def _on_create(self, submessage: Submessage, stream: int) -> bool:
        creation = parse_create(submessage)
        result = self.entities.create(creation, submessage.flags)
        if result >= xrce.DDS_ERROR:
            self._stats.drop("create_refused")
        self._status(creation.request, creation.object_id, result, stream)
        return True

    def _on_delete(self, submessage: Submessage, stream: int) -> bool:
        request, object_id = xrce.parse_ids(submessage.payload)
        if object_id == xrce.OBJECT_CLIENT:
            self.end_request = request
            return False
        entity = self.entities.get(object_id)
        if entity:
            self._waiting.pop(entity, None)
        found = self.entities.delete(object_id)
        self._status(request, object_id, xrce.OK if found else xrce.UNKNOWN_REFERENCE, stream)
        return True

    def _on_get_info(self, submessage: Submessage, stream: int) -> bool:
        self._control(xrce.build_info(*xrce.parse_asked(submessage.payload), True))
        return True

    def _on_write(self, submessage: Submessage, stream: int) -> bool:
        payload = submessage.payload
        request, object_id = xrce.parse_ids(payload)
        entity = self.entities.get(object_id)
        if submessage.flags & xrce.FORMAT_MASK or entity is None:
            self._stats.drop("unknown_writer" if entity is None else "data_format")
            return False
        if entity.publisher:
            entity.publisher.publish(ENCAPSULATION + payload[4:])
        elif entity.client:
            if len(entity.calls) >= MAX_OPEN_CALLS:
                del entity.calls[next(iter(entity.calls))]
                self._stats.drop("call_unanswered")
            entity.calls[entity.client.call(ENCAPSULATION + payload[4:])] = request
        elif entity.service and len(payload) >= 4 + IDENTITY_SIZE:
            body = payload[4 + IDENTITY_SIZE :]
            entity.service.reply(payload[4 : 4 + IDENTITY_SIZE], ENCAPSULATION + body)
        else:
            self._stats.drop("not_writable")
            return False
        self._stats.samples_to_ros += 1
        return True

    def _on_read(self, submessage: Submessage, stream: int) -> bool:
        """Start, replace or cancel a delivery.

        A cancel is answered (the official agent stays silent, and its clients then wait a second for nothing).
        """
        read = xrce.parse_read_data(submessage)
        entity = self.entities.get(read.object_id)
        if entity is None or entity.feed is None:
            self._status(read.request, read.object_id, xrce.UNKNOWN_REFERENCE, RELIABLE)
            return True
        entity.feed.start(read, self.now_ns)
        if read.cancels:
            self._status(read.request, read.object_id, xrce.OK, RELIABLE)
        if entity.feed.waiting():
            self._waiting[entity] = None
        return True

    def _on_acknack(self, submessage: Submessage, stream: int) -> bool:
        first, missing, named = xrce.parse_acknack(submessage.payload, _little(submessage))
        outbound = self._reliable_out.get(named)
        if outbound:
            again = outbound.acknowledge(first, missing, self.now_ns)
            self._stats.retransmits += len(again)
            if outbound.round_trip_ns >= 0:
                self._stats.round_trips.note(outbound.round_trip_ns)
                outbound.round_trip_ns = -1
            for sequence, body in again:
                self._send(named, sequence, body)
        return True

    def _on_heartbeat(self, submessage: Submessage, stream: int) -> bool:
        first, last, named = xrce.parse_heartbeat(submessage.payload, _little(submessage))
        if named < RELIABLE:
            return True
        inbound = self._inbound(named)
        skipped = inbound.skipped
        self._touched[named] = None
        ready = inbound.heartbeat(first, last)
        if inbound.skipped > skipped:
            self._stats.drop("given_up_by_client", inbound.skipped - skipped)
            self._rebuilders.setdefault(named, Rebuilder()).reset()
        for body in ready:
            self._process(body, named)
        return True

    def _on_reset(self, submessage: Submessage, stream: int) -> bool:
        self.reset_streams()
        return True

    def _on_fragment(self, submessage: Submessage, stream: int) -> bool:
        rebuilder = self._rebuilders.setdefault(stream, Rebuilder())
        whole = rebuilder.add(submessage.payload, bool(submessage.flags & xrce.LAST_FRAGMENT))
        if whole is not None:
            self._process(whole, stream, whole=True)
        return True

    def _on_timestamp(self, submessage: Submessage, stream: int) -> bool:
        originate = submessage.payload[:8]
        if len(originate) < 8:
            raise Malformed("TIMESTAMP too short")
        if not _little(submessage):
            originate = originate[3::-1] + originate[:3:-1]
        if len(self.time_requests) < 16:
            receive_ns = self._ros.now_ns()
            self.time_requests.append((originate, receive_ns))
            self.clock.note(originate, receive_ns)
        return True

    # ------------------------------------------------------------- from ROS

    def on_sample(self, entity: Entity, sample: bytes, stamp_ns: int) -> None:
        """A ROS sample for a reader; what the client cannot decode or must not get is counted and dropped."""
        assert entity.topic and entity.feed
        if self.entities.get(entity.object_id) is not entity:
            return  # deleted while the sample was on its way
        name = entity.topic.ros_name
        blocked = self._around.blocked.get(name)
        if blocked or (self.mismatches and name in self._around.handshake.topics):
            self._stats.drop(blocked or "contract")
        elif sample[:2] != ENCAPSULATION[:2]:
            self._stats.drop("encapsulation")
        else:
            self._queue(entity, sample[4:], stamp_ns)

    def on_reply(self, entity: Entity, number: int, reply: bytes) -> None:
        request = entity.calls.pop(number, None)
        if request is None:
            self._stats.drop("reply_unasked")
        else:
            self._queue(entity, request + entity.object_id + reply[4:], 0)

    def on_request(self, entity: Entity, identity: bytes, request: bytes) -> None:
        assert isinstance(entity.spec, ServiceSpec) and entity.service
        if self.entities.get(entity.object_id) is not entity:
            return
        name = ros_service(entity.spec.name)
        if self.mismatches and name in self._around.handshake.services:
            self._stats.drop("contract")
            entity.service.reply(identity, refusal_reply(mismatch_message(self.mismatches)))
        else:
            self._queue(entity, identity + request[4:], 0)

    def _queue(self, entity: Entity, payload: bytes, stamp_ns: int) -> None:
        feed = entity.feed
        assert feed
        overwritten = feed.overwritten
        feed.push(payload, stamp_ns)
        if feed.stream >= 0:
            self._waiting[entity] = None
            self._stats.drop("overtaken", feed.overwritten - overwritten)

    def forget_waiting(self, topic: str) -> None:
        """Throw away what waits for the readers of a ROS topic."""
        for entity in list(self._waiting):
            if entity.topic and entity.feed and entity.topic.ros_name == topic:
                entity.feed.clear()
                del self._waiting[entity]

    # ------------------------------------------------------------------ out

    @property
    def has_output(self) -> bool:
        """False where :meth:`collect` would find nothing; cheap, since it is asked after every input."""
        if self._waiting or self.outbox or self.time_requests:
            return True
        for outbound in self._reliable_out.values():  # noqa: SIM110 - a generator costs more
            if outbound.is_due:
                return True
        return False

    def collect(self) -> list[tuple[Entity, Outgoing]]:
        """Build all that may go out now into ``outbox``; returns the samples among it."""
        sent: list[tuple[Entity, Outgoing]] = []
        for entity in list(self._waiting):
            sent.extend((entity, outgoing) for outgoing in self._drain(entity))
            if not entity.feed or not entity.feed.waiting():
                self._waiting.pop(entity, None)
        for stream, outbound in self._reliable_out.items():
            for sequence, body in outbound.due(self.now_ns):
                self._send(stream, sequence, body)
        self._stats.samples_to_client += len(sent)
        return sent

    def _drain(self, entity: Entity) -> Iterator[Outgoing]:
        feed = entity.feed
        assert feed
        while feed.stream < RELIABLE or self._outbound(feed.stream).has_room:
            outgoing = feed.pull(self.now_ns)
            if outgoing is None:
                return
            data = xrce.build_data(outgoing.request, entity.object_id, outgoing.payload)
            if outgoing.stream >= RELIABLE:
                outbound = self._outbound(outgoing.stream)
                outbound.offer(data)
                for sequence, body in outbound.due(self.now_ns):
                    self._send(outgoing.stream, sequence, body)
            elif not self._best_effort(outgoing.stream, data):
                continue
            yield outgoing

    def _outbound(self, stream: int) -> ReliableOut:
        found = self._reliable_out.get(stream)
        if found is None:
            found = self._reliable_out[stream] = ReliableOut(self._room())
        return found

    def _room(self) -> int:
        """Bytes of submessage that one message to this client holds."""
        return max(self.mtu, MIN_MTU) - (4 if self.id >= xrce.KEYLESS else 8)

    def _best_effort(self, stream: int, submessage: bytes) -> bool:
        if len(submessage) > self._room():
            self._stats.drop("too_large_for_best_effort")
            return False
        sequence = self._best_effort_next.get(stream, 0)
        self._best_effort_next[stream] = (sequence + 1) & 0xFFFF if stream else 0
        self._send(stream, sequence, submessage)
        return True

    def _status(self, request: bytes, object_id: bytes, result: int, stream: int) -> None:
        """Answer on the kind of stream that the request came on."""
        status = xrce.build_status(request, object_id, result)
        if stream >= RELIABLE:
            self._outbound(RELIABLE).offer(status)
        else:
            self._best_effort(xrce.BEST_EFFORT, status)

    def _control(self, submessage: bytes) -> None:
        self._send(xrce.NO_STREAM, 0, submessage)

    def _send(self, stream: int, sequence: int, body: bytes) -> None:
        self.outbox.append(xrce.build_header(self.id, stream, sequence, self.key) + body)

    # ----------------------------------------------------------------- time

    def heartbeats(self, now_ns: int) -> None:
        self.now_ns = now_ns
        for stream, outbound in self._reliable_out.items():
            beat = outbound.heartbeat(now_ns)
            if beat:
                self._control(xrce.build_heartbeat(*beat, stream))

    def probe(self, now_ns: int) -> None:
        """Ask the client for a sign of life."""
        self.probes, self.probe_ns = self.probes + 1, now_ns
        self._control(xrce.build_probe())

    @property
    def is_busy(self) -> bool:
        """Whether time has something to do here soon: repetition, a delivery with limits, a probe."""
        if self._waiting or self.liveliness_ns:
            return True
        for outbound in self._reliable_out.values():  # noqa: SIM110
            if outbound.unacknowledged:
                return True
        return False

    def unacknowledged(self, stream: int) -> int:
        """Messages of a reliable stream that the client has not confirmed."""
        outbound = self._reliable_out.get(stream)
        return outbound.unacknowledged if outbound else 0

    def held_bytes(self) -> int:
        """Bytes of half-received messages."""
        return sum(rebuilder.size for rebuilder in self._rebuilders.values())

    def queue_depth(self) -> int:
        """Messages and feeds that wait for the line or for an acknowledgement."""
        waiting = sum(out.queued + out.unacknowledged for out in self._reliable_out.values())
        return waiting + len(self._waiting)


def _taken(_submessage: Submessage, _stream: int) -> bool:
    return True


def _little(submessage: Submessage) -> bool:
    return bool(submessage.flags & LITTLE_ENDIAN)
