"""Replays recorded conversations: does our agent answer a recorded client as the recorded agent did?

The core that ships runs in virtual time at the recorded moments. It gets nothing but the client's bytes and the
ROS samples that the recorded agent forwarded. Per stream and in order, STATUS_AGENT, STATUS, DATA, FRAGMENT, INFO
and TIMESTAMP_REPLY must be equal; ACKNACK and what is left unconfirmed must be equal at the end. Not compared:
the two clock values of a TIMESTAMP_REPLY, padding. Writer guids come out equal, since requests are given in as
recorded.

Differences that are meant (counted, and told in the result):
- a cancelled READ_DATA is answered with STATUS OK; the recorded agent says nothing,
- and no sample follows a cancel; the recorded agent sends up to two more on stream 0.
"""

from __future__ import annotations

import argparse
import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.agent import AgentCore
from takt.link.cdr import Malformed
from takt.link.framing import Deframer
from takt.link.messages import RELIABLE, Submessage
from takt.link.refs import Profiles
from takt.link.representations import REPLIER, REQUESTER
from takt.link.ros_port import ENCAPSULATION, MemoryClient, MemoryRos, MemoryService, MemorySubscription
from takt.link.session import IDENTITY_SIZE, Session
from takt.link.streams import Rebuilder
from takt.link.trace import TO_AGENT, TO_CLIENT, Trace, TraceFrame, is_trace, load

_COMPARED = {
    xrce.STATUS_AGENT: "STATUS_AGENT",
    xrce.STATUS: "STATUS",
    xrce.DATA: "DATA",
    xrce.FRAGMENT: "FRAGMENT",
    xrce.INFO: "INFO",
    xrce.TIMESTAMP_REPLY: "TIMESTAMP_REPLY",
}
_STEP_NS = 50_000_000


class Said(NamedTuple):
    """One compared submessage. ``content`` has what may differ masked out."""

    kind: int
    content: bytes
    frame: int  # number of the recorded frame, or of the one that made us say it

    def describe(self) -> str:
        return f"{_COMPARED[self.kind]} {self.content.hex()}"


class Conversation:
    """What an agent said: by stream, repetitions left out, and the last ACKNACK for each of the client's streams."""

    def __init__(self, cancels: set[bytes]) -> None:
        self.said: dict[int, list[Said]] = defaultdict(list)
        self.acknacks: dict[int, tuple[int, int]] = {}
        self.meant = 0  # documented differences
        self._cancels = cancels
        self._heard: dict[int, set[int]] = defaultdict(set)

    def add(self, message: bytes, frame: int) -> None:
        header = xrce.parse_header(message)
        if header.stream >= RELIABLE:
            if header.sequence in self._heard[header.stream]:
                return
            self._heard[header.stream].add(header.sequence)
        for part in xrce.submessages(message, header.size):
            if part.kind == xrce.STATUS_AGENT:
                self._heard.clear()  # streams begin anew
            if part.kind == xrce.ACKNACK:
                first, missing, stream = xrce.parse_acknack(part.payload, bool(part.flags & 1))
                if (
                    stream >= RELIABLE
                ):  # asked by a HEARTBEAT for another stream, it answers what is not there
                    self.acknacks[stream] = first, missing
            elif part.kind in _COMPARED:
                self._note(header.stream, part, frame)

    def _note(self, stream: int, part: Submessage, frame: int) -> None:
        content = part.payload
        late_sample = part.kind == xrce.DATA and stream == xrce.NO_STREAM
        if content[:2] in self._cancels and (late_sample or part.kind == xrce.STATUS):
            self.meant += 1
            return
        if part.kind == xrce.TIMESTAMP_REPLY:
            content = bytes(16) + content[16:]
        if part.kind == xrce.FRAGMENT:
            content = bytes((part.flags & xrce.LAST_FRAGMENT,)) + content
        self.said[stream].append(Said(part.kind, content, frame))


class Replay:
    """One trace against a fresh core."""

    def __init__(self, trace: Trace, profiles: Profiles) -> None:
        self._trace = trace
        self._ros = MemoryRos()
        self._core = AgentCore(self._ros, profiles=profiles)
        cancels = set(_cancels(trace))
        self._ours, self._theirs = Conversation(cancels), Conversation(cancels)
        self._given: dict[int, set[int]] = defaultdict(set)
        self._given_frames: set[int] = set()
        self._rebuilders: dict[int, Rebuilder] = defaultdict(Rebuilder)
        self._deframer = Deframer()
        self._position = 0  # in the recording

    def run(self) -> str:
        """``ok``, with the number of differences that are meant, or what differs first."""
        cuts = self._trace.cuts()
        now_ns = 0
        for position, frame in enumerate(self._trace.frames):
            self._position = position
            while now_ns + _STEP_NS < frame.time_ns:
                now_ns += _STEP_NS
                self._turn(now_ns, frame.number)
            now_ns = frame.time_ns
            self._turn(now_ns, frame.number)
            if frame.number in cuts:
                self._set_forward(frame.number)
            if frame.direction == TO_CLIENT:
                self._theirs.add(frame.message, frame.number)
                self._give_samples(frame)
            elif frame.arrived:
                self._give_overtaking(frame)
                self._turn(now_ns, frame.number)
                self._core.receive(frame.data, now_ns)
            self._turn(now_ns, frame.number)
        return self._verdict()

    def _turn(self, now_ns: int, frame: int) -> None:
        self._ros.clock_ns = now_ns
        self._core.run(now_ns)
        for heard in self._deframer.feed(self._core.transmit()):
            self._ours.add(heard.payload, frame)

    def _set_forward(self, start: int) -> None:
        for session in self._core.sessions:
            for stream in self._trace.streams():
                session.skip_to(
                    stream,
                    inbound=self._trace.next_sequence(start, TO_AGENT, stream),
                    outbound=self._trace.next_sequence(start, TO_CLIENT, stream),
                )

    def _give_overtaking(self, asked: TraceFrame) -> None:
        """Bring the samples that the recorded agent sent before its status for what is asked in this frame.

        A sample from ROS and an answer to the client race there; in one stream their order is compared.
        """
        answers = []
        for frame in self._trace.frames[self._position + 1 :]:
            if frame.direction == TO_CLIENT:
                answers.append(frame)
            elif any(part.kind not in (xrce.ACKNACK, xrce.HEARTBEAT) for part in frame.submessages()):
                break
        told = [frame for frame in answers if any(part.kind == xrce.STATUS for part in frame.submessages())]
        for frame in answers[: answers.index(told[-1])] if told else ():
            self._give_samples(frame)

    def _give_samples(self, frame: TraceFrame) -> None:
        """Bring to ROS's side of the agent what the recorded agent forwarded in this frame."""
        stream, sequence = frame.header.stream, frame.header.sequence
        parts = frame.submessages()
        if any(part.kind == xrce.STATUS_AGENT for part in parts):
            self._given.clear()
        if stream >= RELIABLE:
            if sequence in self._given[stream]:
                return
            self._given[stream].add(sequence)
        elif frame.number in self._given_frames:
            return
        self._given_frames.add(frame.number)
        for part in parts:
            if part.kind == xrce.DATA:
                self._give(part.payload)
            elif part.kind == xrce.FRAGMENT:
                whole = self._rebuilders[stream].add(part.payload, bool(part.flags & xrce.LAST_FRAGMENT))
                if whole:
                    self._give(whole[xrce.SUBHEADER :])

    def _give(self, payload: bytes) -> None:
        object_id, body = payload[2:4], payload[4:]
        for session in self._core.sessions:
            entity = session.entities.get(object_id)
            if entity is None:
                continue
            if entity.kind == REQUESTER and isinstance(entity.client, MemoryClient):
                self._give_reply(entity.client, entity.calls, body)
            elif entity.kind == REPLIER and isinstance(entity.service, MemoryService):
                entity.service.on_request(body[:IDENTITY_SIZE], ENCAPSULATION + body[IDENTITY_SIZE:])
            elif isinstance(entity.subscription, MemorySubscription):
                entity.subscription.deliver(ENCAPSULATION + body, self._ros.clock_ns)

    @staticmethod
    def _give_reply(client: MemoryClient, calls: dict[int, bytes], body: bytes) -> None:
        for number, request in list(calls.items()):
            if request == body[:2]:
                client.on_reply(number, ENCAPSULATION + body[4:])
                return

    # --------------------------------------------------------------- verdict

    def _verdict(self) -> str:
        for stream in sorted({*self._theirs.said, *self._ours.said}):
            difference = _first_difference(stream, self._theirs.said[stream], self._ours.said[stream])
            if difference:
                return difference
        if self._theirs.acknacks != self._ours.acknacks:
            return f"final ACKNACKs (first, missing): recorded {self._theirs.acknacks}, ours {self._ours.acknacks}"
        for session in self._core.sessions:
            left = self._unconfirmed(session)
            if left:
                return left
        meant = self._theirs.meant + self._ours.meant
        return f"ok ({meant} documented differences)" if meant else "ok"

    def _unconfirmed(self, session: Session) -> str:
        """Where a session outlives the trace: is as much left unconfirmed as in the recording?"""
        for stream in self._trace.streams():
            if stream < RELIABLE:
                continue
            sent = [f for f in self._trace.frames if f.direction == TO_CLIENT and f.header.stream == stream]
            confirmed = [
                first
                for frame in self._trace.frames
                if frame.direction == TO_AGENT and frame.arrived
                for part in frame.submessages()
                if part.kind == xrce.ACKNACK
                for first, _, named in [xrce.parse_acknack(part.payload, True)]
                if named == stream
            ]
            if not sent or not confirmed:
                continue
            theirs = (sent[-1].header.sequence + 1 - confirmed[-1]) & 0xFFFF
            ours = session.sending.unacknowledged(stream) - self._ours.meant
            if theirs != max(ours, 0):
                return f"stream {stream:#04x} ends with {ours} unconfirmed messages, recorded {theirs}"
        return ""


def _first_difference(stream: int, theirs: list[Said], ours: list[Said]) -> str:
    for position in range(max(len(theirs), len(ours))):
        wanted = theirs[position] if position < len(theirs) else None
        got = ours[position] if position < len(ours) else None
        if wanted is None or got is None or (wanted.kind, wanted.content) != (got.kind, got.content):
            frame = wanted.frame if wanted else got.frame if got else 0
            return (
                f"differs at frame {frame}, stream {stream:#04x}, item {position}: "
                f"recorded {wanted.describe() if wanted else 'nothing'}, ours {got.describe() if got else 'nothing'}"
            )
    return ""


def _cancels(trace: Trace) -> Iterator[bytes]:
    """Request ids of the READ_DATA that end a delivery."""
    for frame in trace.frames:
        if frame.direction == TO_AGENT:
            for part in frame.submessages():
                with contextlib.suppress(Malformed):
                    if part.kind == xrce.READ_DATA and xrce.parse_read_data(part).cancels:
                        yield part.payload[:2]


def replay_folder(folder: Path) -> list[tuple[str, str]]:
    """(name, verdict) of every trace in a folder. Profiles come from refs.xml there, if it is there."""
    paths = sorted(path for path in folder.glob("*.json") if is_trace(path)) if folder.is_dir() else []
    if not paths:
        raise TaktError(f"{folder} holds no traces", "name a folder with recordings (NAME.json)")
    refs = folder / "refs.xml"
    profiles = Profiles.load(refs) if refs.exists() else Profiles()
    verdicts = []
    for path in paths:
        trace = load(path)
        try:
            verdicts.append((trace.name, Replay(trace, profiles).run()))
        except Malformed as error:
            verdicts.append((trace.name, f"differs: a recorded frame is not understood ({error})"))
    return verdicts


def main(argv: list[str]) -> int:
    """`takt link replay DIR`: one line a trace; exit status 1 if any differs."""
    parser = argparse.ArgumentParser(
        prog="takt link replay", description="Replay recordings against our agent."
    )
    parser.add_argument("folder", type=Path, help="folder with NAME.json recordings")
    verdicts = replay_folder(parser.parse_args(argv).folder)
    for name, verdict in verdicts:
        print(f"{name} {verdict}")
    return 0 if all(verdict.startswith("ok") for _, verdict in verdicts) else 1
