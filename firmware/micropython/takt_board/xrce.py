"""DDS-XRCE on the wire: numbers of the protocol, and messages built with a Cursor. Everything is little endian."""

from micropython import const

SESSION = const(0x81)  # keyless, as the official client has it
NO_SESSION = const(0x80)
STREAM_NONE = const(0x00)
STREAM_BEST_EFFORT = const(0x01)
STREAM_RELIABLE = const(0x80)
HEADER_BYTES = const(4)
SUBMESSAGE_BYTES = const(4)
IDENTITY_BYTES = const(24)  # before a service request and its reply

CREATE_CLIENT = const(0)
CREATE = const(1)
GET_INFO = const(2)
STATUS_AGENT = const(4)
STATUS = const(5)
INFO = const(6)
WRITE_DATA = const(7)
READ_DATA = const(8)
DATA = const(9)
ACKNACK = const(10)
HEARTBEAT = const(11)
FRAGMENT = const(13)
TIMESTAMP = const(14)
TIMESTAMP_REPLY = const(15)

LITTLE_ENDIAN = const(1)
LAST_FRAGMENT = const(2)
REUSE_OR_REPLACE = const(6)

PARTICIPANT = const(1)
TOPIC = const(2)
PUBLISHER = const(3)
SUBSCRIBER = const(4)
WRITER = const(5)
READER = const(6)
REPLIER = const(8)

FIRST_REQUEST = const(10)  # request ids below have fixed meanings
AGENT_OBJECT = const(0xFFFD)
FAILED = const(0x80)  # result status: this and above is an error
FORMAT_BINARY = const(3)


def start(cursor, buffer, session, stream, sequence):
    """Aim ``cursor`` at a new message in ``buffer``."""
    cursor.open(buffer, 0, len(buffer))
    cursor.write_u8(session)
    cursor.write_u8(stream)
    cursor.write_u16(sequence)


def open_submessage(cursor, number, flags=0):
    """Aligned; returns the place that close_submessage needs."""
    cursor.write_align(4)
    place = cursor.at
    cursor.write_u8(number)
    cursor.write_u8(flags | LITTLE_ENDIAN)
    cursor.write_u16(0)
    return place


def close_submessage(cursor, place):
    length = cursor.at - place - SUBMESSAGE_BYTES
    cursor.buffer[place + 2] = length & 0xFF
    cursor.buffer[place + 3] = length >> 8


def write_time(cursor, time_ns):
    cursor.write_u32(time_ns // 1000000000)
    cursor.write_u32(time_ns % 1000000000)


def read_time(cursor):
    seconds = cursor.read_i32()
    return seconds * 1000000000 + cursor.read_u32()
