"""`takt prove fuzz-agent`: the agent's core fed with nonsense: noise, and recorded conversations harmed with knowledge.

An input is a few messages of a recorded client, changed where it hurts (numbers at their limits, lengths, ids, kinds,
cuts, splices), or noise, with ROS samples and jumps of time between them. Cores live for a chunk of inputs, so that
what one leaves behind meets the next. After each chunk a client that behaves must be served. Failing inputs are
written down (--corpus) and belong into test/link_proofs/fuzz_cases.json.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

from takt.errors import TaktError
from takt.link import messages as xrce
from takt.link.agent import MAX_SESSIONS, AgentCore
from takt.link.entities import MAX_OBJECTS
from takt.link.framing import Deframer, encode_frame
from takt.link.ros_port import ENCAPSULATION, MemoryRos, MemoryService, MemorySubscription
from takt.link.streams import MAX_REBUILT
from takt.link.trace import TO_AGENT, load

CHUNK = 500
LIMIT_S = 0.5  # CPU time of one input; beyond it counts as a hang
GROWTH_MIB = 200  # of a process over all its chunks
_RECORDED = Path("test/wire/recorded")
_LIMITS = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0x81, 0xFE, 0xFF)
_WIDE = (0, 1, 0x7FFF, 0x8000, 0xFFFE, 0xFFFF, 0x10000, 0x7FFFFFFF, 0xFFFFFFFF)

_PAUSES_NS = (0,) * 20 + (10**6,) * 10 + (25 * 10**6,) * 10 + (10**9, 40 * 10**9)

Line = list[bytes]  # portions as they reach the agent


@lru_cache(maxsize=2)
def seeds(folder: Path) -> tuple[tuple[bytes, ...], ...]:
    """The client's messages of each recorded conversation. Raises TaktError where there are none."""
    found = []
    for path in sorted(folder.glob("*.json")):
        messages = [frame.message for frame in load(path).frames if frame.direction == TO_AGENT]
        if messages:
            found.append(tuple(messages))
    if not found:
        raise TaktError(f"{folder} holds no recordings to start from", "run it in the project's folder")
    return tuple(found)


# ----------------------------------------------------------------------- harm


def _flip(random: Random, message: bytearray) -> None:
    for _ in range(random.choice((1, 1, 2, 8))):
        message[random.randrange(len(message))] = random.randrange(256)


def _limit(random: Random, message: bytearray) -> None:
    message[random.randrange(len(message))] = random.choice(_LIMITS)


def _wide(random: Random, message: bytearray) -> None:
    size = random.choice((2, 4))
    at = random.randrange(len(message)) & ~1
    value = (random.choice(_WIDE) & (1 << 8 * size) - 1).to_bytes(size, random.choice(("little", "big")))
    message[at : at + size] = value


def _cut(random: Random, message: bytearray) -> None:
    del message[random.randrange(len(message)) :]


def _grow(random: Random, message: bytearray) -> None:
    at = random.randrange(len(message) + 1)
    message[at:at] = random.randbytes(random.choice((1, 2, 3, 4, 64, 600)))


def _stream(random: Random, message: bytearray) -> None:
    message[1:2] = bytes((random.choice((0, 1, 2, 0x7F, 0x80, 0x81, 0xFF)),))


def _sequence(random: Random, message: bytearray) -> None:
    message[2:4] = random.choice((random.randrange(40), random.choice(_WIDE) & 0xFFFF)).to_bytes(2, "little")


def _kind(random: Random, message: bytearray) -> None:
    message[4:6] = bytes((random.randrange(18), random.randrange(16)))


def _fragment(random: Random, message: bytearray) -> None:
    body = bytes(message[4:])
    message[4:] = xrce.build_submessage(xrce.FRAGMENT, body, random.choice((1, 3)))


_HARMS: tuple[Callable[[Random, bytearray], None], ...] = (
    _flip, _limit, _wide, _cut, _grow, _stream, _sequence, _kind, _fragment,
)  # fmt: skip


def make(number: int, seed: int, folder: Path) -> Line:
    """Input ``number``: always the same for the same seed and recordings."""
    random = Random(f"{seed}:{number}")
    way = random.random()
    if way < 0.1:
        return [random.randbytes(random.randrange(1, 400)) for _ in range(random.randrange(1, 4))]
    if way < 0.2:
        return [encode_frame(random.randbytes(random.randrange(200)), 1, 0) for _ in range(3)]
    talk = random.choice(seeds(folder))
    if way < 0.5:  # far into a conversation, harmed seldom
        deep = talk[: random.randrange(8, 60)]
        line = [
            _harmed(random, message, talk) if random.random() < 0.1 else _framed(message) for message in deep
        ]
    else:
        start = random.randrange(len(talk))
        line = [_harmed(random, message, talk) for message in talk[start : start + random.randrange(1, 7)]]
    if random.random() < 0.2:
        joined = bytearray(b"".join(line))
        for _ in range(random.randrange(1, 4)):
            joined[random.randrange(len(joined))] = random.randrange(256)
        at = random.randrange(len(joined))
        line = [bytes(joined[:at]), bytes(joined[at:])]
    return line


def _framed(message: bytes) -> bytes:
    return encode_frame(message, 1, 0)


def _harmed(random: Random, original: bytes, talk: tuple[bytes, ...]) -> bytes:
    message = bytearray(original)
    if random.random() < 0.1:
        message += random.choice(talk)[4:]
    for _ in range(random.choice((0, 0, 0, 1, 1, 2, 4))):
        if len(message) > 0:
            random.choice(_HARMS)(random, message)
    return encode_frame(bytes(message), random.choice((1,) * 12 + (2, 0x7E)), 0)


# ------------------------------------------------------------------- the target


class Target:
    """A core with a ROS in memory; ``feed`` gives it one input and what ROS and time do meanwhile."""

    def __init__(self) -> None:
        self.ros = MemoryRos()
        self.core = AgentCore(self.ros, watched_topic="/cmd_vel")
        self.now_ns = 0
        self.reached: Counter[str] = Counter()

    def feed(self, line: Line, random: Random) -> None:
        for portion in line:
            self.core.receive(portion, self.now_ns)
            if random.random() < 0.3:
                self._ros_speaks(random)
            self.now_ns += random.choice(_PAUSES_NS)
            self.ros.clock_ns = self.now_ns
            self.core.run(self.now_ns)
            self.core.transmit()
        self.reached.update(what for what, _, _ in self.ros.log)
        self.ros.log.clear()
        self._check_bounds()

    def _ros_speaks(self, random: Random) -> None:
        for node in list(self.ros.nodes):
            for end in list(node.ends):
                sample = random.choice((b"", b"\0", ENCAPSULATION)) + random.randbytes(
                    random.choice((0, 4, 600))
                )
                if isinstance(end, MemorySubscription):
                    end.deliver(sample, self.now_ns)
                elif isinstance(end, MemoryService):
                    end.on_request(random.randbytes(24), sample)

    def _check_bounds(self) -> None:
        sessions = self.core.sessions
        assert len(sessions) <= MAX_SESSIONS, "sessions"
        for session in sessions:
            assert len(session.entities) <= MAX_OBJECTS, "objects"
            assert session.held_bytes() <= 8 * MAX_REBUILT, "half-received messages"

    def serves(self) -> bool:
        """Whether a client that behaves is let in and answered."""
        key = b"\x0f\xa1\0\x01"
        hello = xrce.build_header(0x80, 0, 0, key) + xrce.build_create_client(key, 0x81, 508)
        ping = xrce.build_header(0x81, 0, 0, key) + xrce.build_submessage(
            xrce.GET_INFO, b"\0\x0a" + xrce.OBJECT_AGENT + b"\2\0\0\0"
        )
        self.now_ns += 40 * 10**9
        self.core.run(self.now_ns)
        self.core.transmit()
        self.core.receive(bytes(8) + encode_frame(hello, 9, 0) + encode_frame(ping, 9, 0), self.now_ns)
        answers = [frame.payload for frame in Deframer().feed(self.core.transmit())]
        return xrce.build_status_agent(xrce.OK) in [answer[4:] for answer in answers] and any(
            answer[4:5] == bytes((xrce.INFO,)) and answer[4 + xrce.SUBHEADER + 5] == 1 for answer in answers
        )


def run_chunk(job: tuple[int, int, int, str]) -> dict[str, Any]:
    """Inputs ``first`` to ``first + count``, each in turn to one core."""
    first, count, seed, folder = job
    target, slowest_s = Target(), 0.0
    failures: list[dict[str, Any]] = []
    reached: Counter[str] = Counter()
    for number in range(first, first + count):
        line = make(number, seed, Path(folder))
        began_s = time.thread_time()
        try:
            target.feed(line, Random(f"{seed}/{number}"))
        except Exception as error:
            failures.append({"number": number, "error": repr(error), "line": [part.hex() for part in line]})
            reached += target.reached
            target = Target()
        took_s = time.thread_time() - began_s
        slowest_s = max(slowest_s, took_s)
        if took_s > LIMIT_S:
            failures.append(
                {"number": number, "error": f"took {took_s:.2f} s", "line": [p.hex() for p in line]}
            )
    if not target.serves():
        failures.append({"number": first + count, "error": "a good client is not served", "line": []})
    peak_mib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {
        "first": first, "count": count, "slowest_ms": round(slowest_s * 1e3, 2), "peak_mib": round(peak_mib, 1),
        "failures": failures, "reached": reached + target.reached + Counter(target.core.stats.drops),
    }  # fmt: skip


def prove(count: int, seed: int, jobs: int, folder: Path, state: Path | None = None) -> dict[str, Any]:
    """All chunks that ``state`` does not hold yet; the summary of all."""
    done = [json.loads(row) for row in state.read_text().splitlines()] if state and state.exists() else []
    known = {row["first"] for row in done}
    waiting = [
        (first, min(CHUNK, count - first), seed, str(folder))
        for first in range(0, count, CHUNK)
        if first not in known
    ]
    seeds(folder)
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        for row in pool.imap_unordered(run_chunk, waiting):
            done.append(row)
            if state:
                with state.open("a") as record:
                    record.write(json.dumps(row) + "\n")
    peaks = [row["peak_mib"] for row in done]
    failures = [failure for row in done for failure in row["failures"]]
    grown = max(peaks) - min(peaks)
    return {
        "inputs": sum(row["count"] for row in done),
        "failures": failures[:20],
        "failed": len(failures),
        "reached": sum((Counter(row["reached"]) for row in done), Counter()),
        "slowest_ms": max(row["slowest_ms"] for row in done),
        "memory_grown_mib": round(grown, 1),
        "ok": not failures and grown <= GROWTH_MIB,
    }


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt prove fuzz-agent", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--count", type=int, default=1_000_000, help="inputs")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--jobs", type=int, default=2, help="processes")
    made.add_argument(
        "--recordings", type=Path, default=_RECORDED, help="folder of conversations to start from"
    )
    made.add_argument("--state", type=Path, help="file to record chunks in, and to go on from")
    made.add_argument("--json", type=Path, default=None, metavar="FILE")
    return made


def main(argv: list[str]) -> int:
    """0 when no input raised, hung, or left the core unable to serve."""
    given = parser().parse_args(argv)
    result = prove(given.count, given.seed, given.jobs, given.recordings, given.state)
    print(json.dumps(result, indent=1))
    if given.json is not None:
        given.json.write_text(json.dumps(result, indent=1) + "\n")
    return 0 if result["ok"] else 1
