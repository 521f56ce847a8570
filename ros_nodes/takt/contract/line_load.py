"""How many bytes each message of the contract takes on the serial line, and how many of them a second there can be.

Wire facts: a frame is flag, source, destination, two bytes of length, payload and CRC-16; every byte but the flag
may be doubled by escaping. A payload is the XRCE header (4 without client key), then submessages of 4 + content,
padded to 4. WRITE_DATA and DATA put request and object id (4) before the sample; a replier's sample has an identity
of 24 before it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from takt.contract.sections import Contract

BITS_PER_BYTE = 10  # 8N1: start, eight data bits, stop
FRAME_BYTES = 7
XRCE_HEADER = 4
SUBMESSAGE_HEADER = 4
IDS = 4
SAMPLE_IDENTITY = 24
ACKNACK = HEARTBEAT = 5
TIMESTAMP, TIMESTAMP_REPLY = 8, 24
GET_INFO, INFO = 8, 28
HEARTBEATS_HZ = 10  # at most, while something is unconfirmed
PINGS_HZ = 1
SERVICE_CALLS_HZ = 2  # a supervisor that repeats `arm` until it is answered
SERVICE_CDR_BYTES = 64
BOARD_TO_HOST, HOST_TO_BOARD = "board_to_host", "host_to_board"


@dataclass(frozen=True)
class Stream:
    """One kind of frame in one direction. ``sends`` is 2 for reliable data, since each may have to go twice."""

    name: str
    direction: str
    rate_hz: float
    payload_bytes: int
    sends: int = 1

    @property
    def frame_bytes(self) -> int:
        """On the line when nothing needs escaping."""
        return self.payload_bytes + FRAME_BYTES

    @property
    def worst_frame_bytes(self) -> int:
        """On the line when every byte but the flag is escaped."""
        return 2 * self.frame_bytes - 1

    @property
    def worst_bytes_per_s(self) -> int:
        return math.ceil(self.rate_hz * self.sends * self.worst_frame_bytes)

    @property
    def bytes_per_s(self) -> int:
        return math.ceil(self.rate_hz * self.frame_bytes)


def payload(content_bytes: int) -> int:
    """XRCE message with one submessage of ``content_bytes``, padded to four."""
    return XRCE_HEADER + SUBMESSAGE_HEADER + content_bytes + -content_bytes % 4


def streams(contract: Contract) -> list[Stream]:
    """Everything that crosses the line at the contract's rates: data, then acknowledgements, time, pings, services."""
    return [*_data(contract), *_acknowledgements(contract), *_session(contract), *_services(contract)]


def transmit_ms(count: int, baud: int) -> float:
    """Time that ``count`` bytes take on the line."""
    return 1000.0 * count * BITS_PER_BYTE / baud


def _data(contract: Contract) -> list[Stream]:
    return [
        Stream(name, t.direction, t.rate_hz, payload(IDS + t.max_cdr_bytes), 2 if t.reliable else 1)
        for name, t in contract.topics.items()
    ]


def _acknowledgements(contract: Contract) -> list[Stream]:
    """An ACKNACK comes back for every reliable message; heartbeats run while one is unconfirmed."""
    made = []
    for name, topic in contract.topics.items():
        if topic.reliable:
            back = HOST_TO_BOARD if topic.board_publishes else BOARD_TO_HOST
            made.append(Stream(f"{name} acks", back, topic.rate_hz, payload(ACKNACK), 2))
    return made + [
        Stream(f"heartbeats, {direction}", direction, HEARTBEATS_HZ, payload(HEARTBEAT))
        for direction in (BOARD_TO_HOST, HOST_TO_BOARD)
    ]


def _session(contract: Contract) -> list[Stream]:
    rate = contract.safety.link_time_exchange_hz
    return [
        Stream("time request", BOARD_TO_HOST, rate, payload(TIMESTAMP)),
        Stream("time reply", HOST_TO_BOARD, rate, payload(TIMESTAMP_REPLY)),
        Stream("ping", BOARD_TO_HOST, PINGS_HZ, payload(GET_INFO)),
        Stream("ping reply", HOST_TO_BOARD, PINGS_HZ, payload(INFO)),
    ]


def _services(contract: Contract) -> list[Stream]:
    call = payload(IDS + SAMPLE_IDENTITY + SERVICE_CDR_BYTES)
    rate = SERVICE_CALLS_HZ * len(contract.services)  # parameters are for people: they take what is left
    return [
        Stream("service requests", HOST_TO_BOARD, rate, call, 2),
        Stream("service replies", BOARD_TO_HOST, rate, call, 2),
        Stream("service request acks", BOARD_TO_HOST, rate, payload(ACKNACK), 2),
        Stream("service reply acks", HOST_TO_BOARD, rate, payload(ACKNACK), 2),
    ]
