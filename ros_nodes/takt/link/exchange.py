"""Topics and services of types that ROS does not know: boards of one agent exchange them with each other.

So a client library's own examples (HelloWorld, Adder) work with this agent as they are; ROS does not see them. Best
effort: a sample reaches the readers that are there. Names and types must be equal, as in DDS.
"""

from __future__ import annotations

import struct
from collections import OrderedDict

from takt.link.representations import ServiceSpec, TopicSpec
from takt.link.ros_port import Deliver, OnReply, OnRequest

_PREFIX = b"takt-within\0"  # 12 bytes of writer guid prefix
MAX_OPEN_CALLS = 256
MAX_TABLES = 1024  # beyond these the empty ones are cleared away


class _Seat:
    """A place at one table of the exchange."""

    def __init__(self, table: list[_Seat]) -> None:
        self._table = table
        table.append(self)

    def close(self) -> None:
        if self in self._table:
            self._table.remove(self)


class _Writer:
    def __init__(self, readers: list[_Seat]) -> None:
        self._readers = readers

    def publish(self, sample: bytes) -> None:
        for reader in list(self._readers):
            assert isinstance(reader, _Reader)
            reader.deliver(sample, 0)

    def close(self) -> None:
        """Nothing waits for it."""


class _Reader(_Seat):
    def __init__(self, table: list[_Seat], deliver: Deliver) -> None:
        super().__init__(table)
        self.deliver = deliver


class _Replier(_Seat):
    def __init__(self, exchange: Exchange, table: list[_Seat], on_request: OnRequest) -> None:
        super().__init__(table)
        self._exchange, self.on_request = exchange, on_request

    def reply(self, identity: bytes, reply: bytes) -> None:
        self._exchange.answer(identity, reply)


class _Requester:
    def __init__(self, exchange: Exchange, table: list[_Seat], on_reply: OnReply) -> None:
        self._exchange, self._table, self.on_reply = exchange, table, on_reply
        self.is_open = True

    def call(self, request: bytes) -> int:
        return self._exchange.ask(self, self._table, request)

    def close(self) -> None:
        self.is_open = False


class Exchange:
    """The tables at which readers and repliers sit, by domain, name and types."""

    def __init__(self) -> None:
        self._tables: dict[tuple[object, ...], list[_Seat]] = {}
        self._calls: OrderedDict[int, _Requester] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return sum(len(table) for table in self._tables.values())

    def writer(self, domain: int, topic: TopicSpec) -> _Writer:
        return _Writer(self._table(domain, topic.name, topic.type_name))

    def reader(self, domain: int, topic: TopicSpec, deliver: Deliver) -> _Reader:
        return _Reader(self._table(domain, topic.name, topic.type_name), deliver)

    def replier(self, domain: int, service: ServiceSpec, on_request: OnRequest) -> _Replier:
        return _Replier(self, self._service_table(domain, service), on_request)

    def requester(self, domain: int, service: ServiceSpec, on_reply: OnReply) -> _Requester:
        return _Requester(self, self._service_table(domain, service), on_reply)

    def _service_table(self, domain: int, service: ServiceSpec) -> list[_Seat]:
        return self._table(domain, service.name, service.request_type, service.reply_type)

    def _table(self, *key: object) -> list[_Seat]:
        if key not in self._tables and len(self._tables) >= MAX_TABLES:
            self._tables = {known: table for known, table in self._tables.items() if table}
        return self._tables.setdefault(key, [])

    def ask(self, requester: _Requester, repliers: list[_Seat], request: bytes) -> int:
        """Bring a request to every replier of the service; returns the number that its answer comes with."""
        self._count += 1
        number = self._count & 0xFFFFFFFF
        self._calls[number] = requester
        while len(self._calls) > MAX_OPEN_CALLS:
            self._calls.popitem(last=False)
        identity = _PREFIX + b"\0\0\1\3" + struct.pack("<iI", 0, number)
        for replier in list(repliers):
            assert isinstance(replier, _Replier)
            replier.on_request(identity, request)
        return number

    def answer(self, identity: bytes, reply: bytes) -> None:
        """Bring the first reply to a call to its requester; others are late."""
        number: int = struct.unpack_from("<I", identity, 20)[0]
        requester = self._calls.pop(number, None) if identity.startswith(_PREFIX) else None
        if requester and requester.is_open:
            requester.on_reply(number, reply)
