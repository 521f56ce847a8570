"""Creation of the board's entities from the contract's tables (firmware/core, client_entities.c).

Step 0 is the participant; then per topic: topic, publisher or subscriber, writer or reader, and a READ_DATA for what is
read; per service: replier and READ_DATA. A step is one reliable message with the request id FIRST_REQUEST + step.
"""

import takt_contract as contract
from micropython import const

from takt_board import xrce

_QOS_RELIABLE = const(1)
_QOS_KEEP_LAST = const(2)


def _make_steps():
    """(object kind, number, True for a READ_DATA) of each step."""
    steps = [(xrce.PARTICIPANT, 0, False)]
    for number, topic in enumerate(contract.TOPICS):
        steps.append((xrce.TOPIC, number, False))
        if topic[2]:
            steps += [(xrce.PUBLISHER, number, False), (xrce.WRITER, number, False)]
        else:
            steps += [(xrce.SUBSCRIBER, number, False), (xrce.READER, number, False)]
            steps.append((xrce.READER, number, True))
    for number in range(len(contract.SERVICES)):
        steps += [(xrce.REPLIER, number, False), (xrce.REPLIER, number, True)]
    return tuple(steps)


STEPS = _make_steps()


def _write_optional(cursor, text):
    cursor.write_u8(1)
    cursor.write_string(text)


def _write_endpoint(cursor, number, absent):
    """Writer and reader differ by the reader's content filter."""
    _, _, _, reliable, depth = contract.TOPICS[number]
    cursor.write_pair(number << 4 | xrce.TOPIC)
    cursor.write_u8(1)  # QoS follows: volatile
    cursor.write_u16(_QOS_KEEP_LAST | (_QOS_RELIABLE if reliable else 0))
    cursor.write_u8(1)  # depth follows
    cursor.write_u16(depth)
    for _ in range(absent):  # no deadline, lifespan, user data, ownership strength or time filter
        cursor.write_u8(0)


def _write_representation(cursor, kind, number, node_name):
    if kind == xrce.PARTICIPANT:
        cursor.write_u8(0)  # no domain reference
        _write_optional(cursor, node_name)
    elif kind == xrce.TOPIC:
        cursor.write_string(contract.TOPICS[number][0])
        cursor.write_u8(0)  # no type reference
        _write_optional(cursor, contract.TOPICS[number][1])
    elif kind == xrce.WRITER:
        _write_endpoint(cursor, number, 4)
    elif kind == xrce.READER:
        _write_endpoint(cursor, number, 5)
    elif kind == xrce.REPLIER:
        name, request_type, reply_type, request_topic, reply_topic = contract.SERVICES[number]
        cursor.write_string(name)
        cursor.write_string(request_type)
        cursor.write_string(reply_type)
        _write_optional(cursor, request_topic)
        _write_optional(cursor, reply_topic)
    else:
        cursor.write_u16(0)  # publisher, subscriber: neither name nor QoS


def _write_create(cursor, kind, number, node_name, domain):
    cursor.write_u8(kind)
    cursor.write_u8(xrce.FORMAT_BINARY)
    cursor.write_u32(0)  # size of the representation, known below
    start = cursor.at
    message_base = cursor.base
    cursor.base = start  # its alignment counts from its own first byte
    _write_representation(cursor, kind, number, node_name)
    cursor.base = message_base
    size = cursor.at - start
    cursor.buffer[start - 4] = size & 0xFF
    cursor.buffer[start - 3] = size >> 8
    if kind == xrce.PARTICIPANT:
        cursor.write_u16(domain)
    elif kind == xrce.WRITER:
        cursor.write_pair(number << 4 | xrce.PUBLISHER)
    elif kind == xrce.READER:
        cursor.write_pair(number << 4 | xrce.SUBSCRIBER)
    else:
        cursor.write_pair(xrce.PARTICIPANT)


def _write_read(cursor, kind, number):
    """Without end, limits or filter, on the stream that suits the reader."""
    reliable = kind == xrce.REPLIER or contract.TOPICS[number][3]
    cursor.write_u8(xrce.STREAM_RELIABLE if reliable else xrce.STREAM_BEST_EFFORT)
    cursor.write_u8(0)  # format: DATA
    cursor.write_u8(0)  # no content filter
    cursor.write_u8(1)  # delivery control follows
    cursor.write_u16(0xFFFF)
    for _ in range(3):
        cursor.write_u16(0)


def write_step(cursor, step, request, node_name, domain):
    """The submessage of STEPS[step]."""
    kind, number, is_read = STEPS[step]
    if is_read:
        place = xrce.open_submessage(cursor, xrce.READ_DATA)
    else:
        place = xrce.open_submessage(cursor, xrce.CREATE, xrce.REUSE_OR_REPLACE)
    cursor.write_pair(request)
    cursor.write_pair(number << 4 | kind)
    if is_read:
        _write_read(cursor, kind, number)
    else:
        _write_create(cursor, kind, number, node_name, domain)
    xrce.close_submessage(cursor, place)
    cursor.write_align(4)
