"""Does everything fit: the topics onto the serial line, each message into its limit and into one XRCE message?"""

from __future__ import annotations

import math

from takt.contract import board_content, line_load, message_sizes
from takt.contract.finding import Finding, at_most
from takt.contract.rules import plain
from takt.contract.sections import Contract

XRCE_SAMPLE_LIMIT = 480  # bytes of CDR in one XRCE message of every client with an MTU of 512


def line(contract: Contract) -> list[Finding]:
    """Each direction by itself (the line is full duplex), every byte escaped, every reliable message sent twice."""
    baud = contract.link.baud
    room = baud // line_load.BITS_PER_BYTE
    found = []
    for direction in (line_load.BOARD_TO_HOST, line_load.HOST_TO_BOARD):
        streams = [s for s in line_load.streams(contract) if s.direction == direction]
        worst = sum(s.worst_bytes_per_s for s in streams)
        usual = sum(s.bytes_per_s for s in streams)
        arithmetic = (
            f"{direction} at {baud} baud: {_largest(streams)} = {worst} byte/s when every byte is escaped"
            f" ({usual} usually)"
        )
        least = worst * line_load.BITS_PER_BYTE
        fix = f"set link.baud to {_standard_baud(least)} or more, or lower rate_hz of a topic"
        found.append(at_most(arithmetic, worst, room, f"{baud} / 10 bit", fix))
    return [*found, _command_in_time(contract)]


def _largest(streams: list[line_load.Stream]) -> str:
    """The sum with its three largest terms written out."""
    ranked = sorted(streams, key=lambda s: -s.worst_bytes_per_s)
    terms = [f"{s.name} {plain(s.rate_hz * s.sends)} x {s.worst_frame_bytes}" for s in ranked[:3]]
    rest = sum(s.worst_bytes_per_s for s in ranked[3:])
    return " + ".join([*terms, f"{len(ranked) - 3} smaller ones {rest}"])


def _standard_baud(least: int) -> int:
    usual = (115200, 230400, 460800, 921600, 1_000_000, 1_500_000, 2_000_000, 3_000_000, 4_000_000)
    return next((baud for baud in usual if baud >= least), least)


def _command_in_time(contract: Contract) -> Finding:
    """A command may have to wait for one other frame that is on the line already."""
    downward = [s for s in line_load.streams(contract) if s.direction == line_load.HOST_TO_BOARD]
    command = next(s for s in downward if s.name == "cmd_vel").worst_frame_bytes
    ahead = max(s.worst_frame_bytes for s in downward if s.name != "cmd_vel")
    time_ms = math.ceil(100 * line_load.transmit_ms(command + ahead, contract.link.baud)) / 100
    what = f"cmd_vel on the line: ({command} + {ahead} byte ahead of it) x 10 / {contract.link.baud} = {time_ms} ms"
    budget = contract.stages["link"].budget_ms
    return at_most(what, time_ms, budget, "stages.link.budget_ms", "raise link.baud or stages.link.budget_ms")


def sizes(contract: Contract) -> list[Finding]:
    found = []
    for topic, (size, name) in message_sizes.worst_cdr_bytes().items():
        limit = contract.topics[topic].max_cdr_bytes
        which = f" ({name})" if name else ""
        what = f"{topic}: widest message{which} {size} byte of CDR"
        key = f"topics.{topic}.max_cdr_bytes"
        fix = f"raise {key} to {size}" if size <= XRCE_SAMPLE_LIMIT else "split the message"
        found.append(at_most(what, size, limit, key, fix))
    found.append(_statuses(contract))
    widest = max(topic.max_cdr_bytes for topic in contract.topics.values())
    what = f"largest topic {widest} + {line_load.payload(line_load.IDS)} byte of XRCE"
    total = widest + line_load.payload(line_load.IDS)
    room = contract.link.mtu_bytes - 4
    return [*found, at_most(f"{what} = {total}", total, room, "link.mtu_bytes - 4", "lower max_cdr_bytes")]


def _statuses(contract: Contract) -> Finding:
    """Each status of the board goes out once a second, in a message of its own."""
    count = len(board_content.STATUSES)
    what = f"diagnostics: {count} statuses a second"
    key = "topics.diagnostics.rate_hz"
    return at_most(what, count, contract.topics["diagnostics"].rate_hz, key, f"set {key} to {count} or more")
