"""One client's session: its streams, its objects, and what each submessage does to them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.entities import Entity, EntityTable
from takt.link.handshake import PROPERTY, mismatch_message, refusal_reply
from takt.link.messages import LITTLE_ENDIAN, RELIABLE, ClientHello, Header, Submessage
from takt.link.names import ros_service
from takt.link.representations import ServiceSpec, parse_create
from takt.link.ros_port import ENCAPSULATION
from takt.link.sending import Sending
from takt.link.streams import BestEffortIn, Rebuilder, ReliableIn
from takt.link.surroundings import Surroundings
from takt.link.timing import ClockWatch

IDENTITY_SIZE = 24
MAX_OPEN_CALLS = 256


class Session:
    """Pure state machine of one client.

    What goes out is in ``sending``; what comes in, from the line and from ROS, comes to the methods here.
    """

    def __init__(self, hello: ClientHello, address: object, around: Surroundings, now_ns: int) -> None:
        self._around = around
        self._ros, self._stats = around.ros, around.stats
        self.key, self.id = hello.key, hello.session
        self.entities = EntityTable(around.ros, around.profiles, self, f"xrce_client_{hello.key.hex()}")
        self.sending = Sending(hello, self._stats, around.pending)
        self.clock = ClockWatch()
        self.best_effort_in: dict[int, BestEffortIn] = {}
        self._lost_before = 0  # before the streams last began anew
        self.end_request = b""  # request id of a DELETE of the whole client, which its owner carries out
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
        self.sending.restart(hello)
        self._reset_inbound()
        for entity in self.entities.all():
            if entity.feed:
                entity.feed.clear()

    def _reset_inbound(self) -> None:
        self._lost_before += sum(stream.lost for stream in self.best_effort_in.values())
        self._reliable_in: dict[int, ReliableIn] = {}
        self._rebuilders: dict[int, Rebuilder] = {}
        self.best_effort_in = defaultdict(BestEffortIn)
        self.owes_acknacks: dict[int, None] = {}  # reliable streams with input

    def skip_to(self, stream: int, *, inbound: int | None = None, outbound: int | None = None) -> None:
        """Set a stream forward to the next sequence number in either direction (a recording with a part cut out)."""
        if inbound is not None:
            if stream >= RELIABLE:
                self._inbound(stream).skip_to(inbound)
            else:
                self.best_effort_in[stream].skip_to(inbound)
        if outbound is not None:
            self.sending.skip_to(stream, outbound)

    # ------------------------------------------------------------------ in

    def receive(self, header: Header, message: bytes, now_ns: int) -> None:
        """Take one message of this client."""
        self.now_ns = self.last_rx_ns = now_ns
        self.probes = 0
        body, stream = message[header.size :], header.stream
        if stream >= RELIABLE:
            self.owes_acknacks[stream] = None
            for ready in self._inbound(stream).receive(header.sequence, body):
                self._process(ready, stream)
        elif stream == xrce.NO_STREAM or self.best_effort_in[stream].accept(header.sequence):
            self._process(body, stream)
        else:
            self._stats.drop("late")

    def _inbound(self, stream: int) -> ReliableIn:
        return self._reliable_in.setdefault(stream, ReliableIn())

    @property
    def lost(self) -> int:
        """Messages of the client that never came, by the numbers of those that did."""
        return self._lost_before + sum(stream.lost for stream in self.best_effort_in.values())

    def _process(self, body: bytes, stream: int, whole: bool = False) -> None:
        """Handle submessages in order; the first that fails ends the message, as with the official agent."""
        try:
            if xrce.is_lone_sample(body):
                self._write(body[4:6], body[6:8], body[8:])
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
        for stream in self.owes_acknacks:
            self.sending.control(xrce.build_acknack(*self._inbound(stream).acknack(), stream))
        self.owes_acknacks.clear()

    def _on_create(self, submessage: Submessage, stream: int) -> bool:
        creation = parse_create(submessage)
        result = self.entities.create(creation, submessage.flags)
        if result >= xrce.DDS_ERROR:
            self._stats.drop("create_refused")
        self.sending.status(creation.request, creation.object_id, result, stream)
        return True

    def _on_delete(self, submessage: Submessage, stream: int) -> bool:
        request, object_id = xrce.parse_ids(submessage.payload)
        if object_id == xrce.OBJECT_CLIENT:
            self.end_request = request
            return False
        entity = self.entities.get(object_id)
        if entity:
            self.sending.forget(entity)
        found = self.entities.delete(object_id)
        self.sending.status(request, object_id, xrce.OK if found else xrce.UNKNOWN_REFERENCE, stream)
        return True

    def _on_get_info(self, submessage: Submessage, stream: int) -> bool:
        self.sending.control(xrce.build_info(*xrce.parse_asked(submessage.payload), True))
        return True

    def _on_write(self, submessage: Submessage, stream: int) -> bool:
        request, object_id = xrce.parse_ids(submessage.payload)
        if submessage.flags & xrce.FORMAT_MASK and self.entities.get(object_id):
            self._stats.drop("data_format")
            return False
        return self._write(request, object_id, submessage.payload[4:])

    def _write(self, request: bytes, object_id: bytes, content: bytes) -> bool:
        """Bring ``content`` (a sample, a request, an identity and a reply) to the ROS end that it is for."""
        entity = self.entities.get(object_id)
        if entity is None:
            self._stats.drop("unknown_writer")
            return False
        if entity.publisher:
            entity.publisher.publish(ENCAPSULATION + content)
        elif entity.client:
            if len(entity.calls) >= MAX_OPEN_CALLS:
                del entity.calls[next(iter(entity.calls))]
                self._stats.drop("call_unanswered")
            entity.calls[entity.client.call(ENCAPSULATION + content)] = request
        elif entity.service and len(content) >= IDENTITY_SIZE:
            entity.service.reply(content[:IDENTITY_SIZE], ENCAPSULATION + content[IDENTITY_SIZE:])
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
            self.sending.status(read.request, read.object_id, xrce.UNKNOWN_REFERENCE, RELIABLE)
            return True
        entity.feed.start(read, self.now_ns)
        if read.cancels:
            self.sending.status(read.request, read.object_id, xrce.OK, RELIABLE)
        if entity.feed.ready:
            self.sending.wait(entity)
        return True

    def _on_acknack(self, submessage: Submessage, stream: int) -> bool:
        first, missing, named = xrce.parse_acknack(submessage.payload, _little(submessage))
        self.sending.acknowledge(named, first, missing, self.now_ns)
        return True

    def _on_heartbeat(self, submessage: Submessage, stream: int) -> bool:
        first, last, named = xrce.parse_heartbeat(submessage.payload, _little(submessage))
        if named < RELIABLE:
            return True
        inbound = self._inbound(named)
        skipped = inbound.skipped
        self.owes_acknacks[named] = None
        ready = inbound.heartbeat(first, last)
        if inbound.skipped > skipped:
            self._stats.drop("given_up_by_client", inbound.skipped - skipped)
            self._rebuilders.setdefault(named, Rebuilder()).reset()
        for body in ready:
            self._process(body, named)
        return True

    def _on_reset(self, submessage: Submessage, stream: int) -> bool:
        self.sending.reset()
        self._reset_inbound()
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
        receive_ns = self._ros.now_ns()
        if self.sending.answer_time(originate, receive_ns):
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
            self.sending.queue(entity, sample[4:], stamp_ns)

    def on_reply(self, entity: Entity, number: int, reply: bytes) -> None:
        request = entity.calls.pop(number, None)
        if request is None:
            self._stats.drop("reply_unasked")
        else:
            self.sending.queue(entity, request + entity.object_id + reply[4:], 0)

    def on_request(self, entity: Entity, identity: bytes, request: bytes) -> None:
        assert isinstance(entity.spec, ServiceSpec) and entity.service
        if self.entities.get(entity.object_id) is not entity:
            return
        name = ros_service(entity.spec.name)
        if self.mismatches and name in self._around.handshake.services:
            self._stats.drop("contract")
            entity.service.reply(identity, refusal_reply(mismatch_message(self.mismatches)))
        else:
            self.sending.queue(entity, identity + request[4:], 0)

    # ----------------------------------------------------------------- time

    def probe(self, now_ns: int) -> None:
        """Ask the client for a sign of life."""
        self.probes, self.probe_ns = self.probes + 1, now_ns
        self.sending.control(xrce.build_probe())

    def held_bytes(self) -> int:
        """Bytes of half-received messages."""
        return sum(rebuilder.size for rebuilder in self._rebuilders.values())


def _taken(_submessage: Submessage, _stream: int) -> bool:
    return True


def _little(submessage: Submessage) -> bool:
    return bool(submessage.flags & LITTLE_ENDIAN)
