"""Recorded conversations between a client and an agent: NAME.json with the frames of both directions in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.cdr import Malformed
from takt.link.framing import Deframer
from takt.link.messages import RELIABLE, Header, Submessage
from takt.link.streams import WINDOW, ahead

TO_AGENT, TO_CLIENT = "c2a", "a2c"
_HARMED = ("drop", "chang", "flip", "corrupt", "cut", "lost", "damag")


class TraceFrame(NamedTuple):
    """One frame. ``arrived`` False: the recording proxy kept it from its receiver or harmed it."""

    number: int
    time_ns: int
    direction: str
    data: bytes
    message: bytes
    header: Header
    arrived: bool

    def submessages(self) -> list[Submessage]:
        """Its parts. A client may have sent anything, up to where it goes wrong; an agent's frame must be right."""
        parts: list[Submessage] = []
        try:
            parts.extend(xrce.submessages(self.message, self.header.size))
        except Malformed:
            if self.direction == TO_CLIENT:
                raise
        return parts


@dataclass(frozen=True)
class Trace:
    name: str
    frames: tuple[TraceFrame, ...]

    def cuts(self) -> set[int]:
        """Numbers of the frames before which a part of the conversation was cut out.

        Seen by a jump in a stream's numbers that no window allows; the cut lies where time jumped most.
        """
        newest: dict[tuple[str, int], TraceFrame] = {}
        found = set()
        for frame in self.frames:
            if frame.header.stream == 0:
                newest = {} if _opens_session(frame) else newest
                continue
            lane = frame.direction, frame.header.stream
            before = newest.get(lane)
            if before and self._is_cut(before, frame):
                found.add(self._longest_pause(before.number, frame.number))
                newest = {}
            elif before and not 0 < ahead(frame.header.sequence, before.header.sequence) <= WINDOW:
                continue
            newest[lane] = frame
        return found

    def _is_cut(self, before: TraceFrame, frame: TraceFrame) -> bool:
        """Whether a stream's numbers jump further than any window, and the conversation goes on from there."""
        sequence = frame.header.sequence
        if abs(ahead(sequence, before.header.sequence)) <= WINDOW:
            return False
        later = (one for one in self.frames if one.number > frame.number)
        if frame.direction == TO_AGENT and frame.header.stream >= RELIABLE:
            confirmed = (first for one in later for first in _confirmed(one, frame.header.stream))
            return abs(ahead(next(confirmed, before.header.sequence), before.header.sequence)) > WINDOW
        lane = frame.direction, frame.header.stream
        following = [one.header.sequence for one in later if (one.direction, one.header.stream) == lane][:1]
        return all(0 < ahead(number, sequence) <= WINDOW for number in following)

    def _longest_pause(self, first: int, last: int) -> int:
        between = [frame for frame in self.frames if first <= frame.number <= last]
        pauses = [(after.time_ns - before.time_ns, after.number) for before, after in pairwise(between)]
        return max(pauses, key=lambda pause: pause[0])[1]

    def next_sequence(self, start: int, direction: str, stream: int) -> int | None:
        """The first sequence number of a stream at or after the frame ``start``."""
        for frame in self.frames:
            if frame.number >= start and frame.direction == direction and frame.header.stream == stream:
                return frame.header.sequence
        return None

    def streams(self) -> set[int]:
        return {frame.header.stream for frame in self.frames if frame.header.stream}


def _confirmed(frame: TraceFrame, stream: int) -> Iterator[int]:
    """The first number that the agent asks for next, in each ACKNACK of ``stream`` in the frame."""
    if frame.direction == TO_CLIENT:
        for part in frame.submessages():
            if part.kind == xrce.ACKNACK:
                first, _, named = xrce.parse_acknack(part.payload, True)
                if named == stream:
                    yield first


def _opens_session(frame: TraceFrame) -> bool:
    return frame.direction == TO_CLIENT and any(
        part.kind == xrce.STATUS_AGENT for part in frame.submessages()
    )


def load(path: Path) -> Trace:
    """Read one trace. Raises TaktError for what is not one."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        frames = tuple(_frames(document["frames"]))
        return Trace(str(document.get("name", path.stem)), frames)
    except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as error:
        raise TaktError(
            f"{path} is no trace ({error})", "give files in the format of a recording: NAME.json"
        ) from None


def _frames(records: list[dict[str, object]]) -> Iterator[TraceFrame]:
    for index, record in enumerate(records):
        data = bytes.fromhex(str(record["hex"]))
        whole = Deframer().feed(data)
        fate = str(record.get("fate") or "")
        if len(whole) != 1:
            if fate:
                continue  # harmed on the line and recorded so: nobody can read it
            raise Malformed(f"frame {index} does not decode")
        message = whole[0].payload
        time_ns = round(float(str(record["t_s"])) * 1e9)
        arrived = not any(word in fate for word in _HARMED)
        yield TraceFrame(
            index, time_ns, str(record["dir"]), data, message, xrce.parse_header(message), arrived
        )


def is_trace(path: Path) -> bool:
    """Whether a JSON file of the folder is a recording (the folder's list of contents is not)."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True  # reading it for real will say what is wrong
    return isinstance(document, dict) and "frames" in document
