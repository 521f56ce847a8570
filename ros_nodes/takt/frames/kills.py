"""`takt prove ring-kills`: kill -9 of writer, annotator and reader at seeded moments; the ring must never mind.

After each kill the victim is started again and every process must go on: numbers rise and never repeat, no reader takes
a mixed picture or a mixed result for whole, no lock outlives its owner, and one file in /dev/shm is all there ever is.
"""

from __future__ import annotations

import argparse
import json
import mmap
import os
import random
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from takt.errors import TaktError
from takt.frames import segment
from takt.frames.records import Detections
from takt.frames.ring import FrameRing

ROLES = ("writer", "annotator", "reader")
_WIDTH_PX, _HEIGHT_PX, _SLOTS = 160, 120, 4
_LONGEST_LIFE_S = 0.008
_PATIENCE_S = 20.0
_PAUSE_S = 0.0001
_MODULUS = 251


@dataclass
class Tally:
    """What came of all kills."""

    kills: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ROLES, 0))
    frames: int = 0
    results: int = 0
    torn_reads_noticed: int = 0
    faults: list[str] = field(default_factory=list)


def main(argv: list[str]) -> int:
    """Exit status 0 when the ring survived every kill."""
    parser = argparse.ArgumentParser(prog="takt prove ring-kills", description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="kills (default 1000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    if options.count < 1:
        raise TaktError(f"--count {options.count} proves nothing", "give at least 1")
    tally = run(options.count, options.seed)
    report = {"seed": options.seed, "ok": not tally.faults, **vars(tally)}
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if not tally.faults else 1


def run(count: int, seed: int) -> Tally:
    """``count`` kills in an order and at moments that ``seed`` decides."""
    name = f"takt_kills_{os.getpid()}"
    cast = _Cast(name)
    chance, tally = random.Random(seed), Tally()
    try:
        for role in ROLES:
            cast.start(role)
        cast.await_progress(ROLES)
        descriptors = len(os.listdir("/proc/self/fd"))
        for _ in range(count):
            victim = chance.choice(ROLES)
            time.sleep(chance.uniform(0.0, _LONGEST_LIFE_S))
            cast.kill(victim)
            tally.kills[victim] += 1
            cast.start(victim)
            cast.await_progress(ROLES)
            if tally.faults:
                break
        tally.faults += _left_behind(name, descriptors)
    except TaktError as error:
        tally.faults.append(str(error))
    finally:
        cast.end()
        tally.frames, tally.results, tally.torn_reads_noticed = (cast.read(word) for word in (0, 1, 3))
        if cast.read(4):
            tally.faults.append(
                "a reader took a mixed picture, a mixed result or an old number for a good one"
            )
        FrameRing.remove(name)
    return tally


class _Cast:
    """The three processes, forked so that a start costs no interpreter; what they tell lies in shared words."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._memory = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the children
        self._words = memoryview(self._memory).cast("Q")
        self._pids: dict[str, int] = {}

    def start(self, role: str) -> None:
        pid = os.fork()
        if pid:
            self._pids[role] = pid
            return
        try:
            self._play(role)
        except BaseException:
            self._words[5] += 1
        finally:
            os._exit(1)

    def kill(self, role: str) -> None:
        os.kill(self._pids[role], signal.SIGKILL)
        os.waitpid(self._pids.pop(role), 0)

    def end(self) -> None:
        for role in tuple(self._pids):
            self.kill(role)

    def read(self, word: int) -> int:
        return self._words[word]

    def await_progress(self, roles: tuple[str, ...]) -> None:
        """Each role has done something new since now. Raises TaktError when one does not come."""
        before = [self._words[index] for index in range(3)]
        deadline_s = time.monotonic() + _PATIENCE_S
        while any(self._words[index] == before[index] for index in range(len(roles))):
            if time.monotonic() > deadline_s:
                stuck = [role for index, role in enumerate(roles) if self._words[index] == before[index]]
                raise TaktError(f"no progress of {', '.join(stuck)}", "see takt.frames")
            if self._words[4]:
                raise TaktError("a reader was deceived", "see takt.frames")
            time.sleep(_PAUSE_S)

    def _play(self, role: str) -> None:
        plays: dict[str, Callable[[], None]] = {
            "writer": self._write, "annotator": self._annotate, "reader": self._read,
        }  # fmt: skip
        plays[role]()

    def _write(self) -> None:
        ring = FrameRing.create(self._name, _WIDTH_PX, _HEIGHT_PX, _SLOTS)
        while True:
            slot = ring.begin()
            slot.pixels[:] = slot.sequence % _MODULUS
            ring.publish(slot, slot.sequence, slot.sequence, slot.sequence)
            self._words[0] += 1
            time.sleep(_PAUSE_S)

    def _annotate(self) -> None:
        ring = self._attached("annotator")
        last = 0
        while True:
            frame = ring.wait_newer(last, 0.05)
            if frame is None:
                continue
            last, count = frame.sequence, frame.sequence % 33
            value = last % 1024
            boxes = np.full((count, 4), value, np.float32)
            found = Detections(boxes, boxes[:, 0].copy(), np.full(count, value, np.int32))
            self._words[1] += int(ring.attach_detections(last, found, last, last))

    def _read(self) -> None:
        ring, last = self._attached("reader"), 0
        while True:
            frame = ring.wait_newer(last, 0.05)
            if frame is None:
                continue
            first, final = int(frame.pixels[0, 0, 0]), int(frame.pixels[-1, -1, 2])
            whole = first == final == frame.sequence % _MODULUS and frame.capture_stamp_ns == frame.sequence
            if not frame.still_valid():
                self._words[3] += 1
            elif not whole or frame.sequence <= last:
                self._words[4] += 1
            last = frame.sequence
            self._check_result(ring)
            self._words[2] += 1

    def _check_result(self, ring: FrameRing) -> None:
        result = ring.newest_attached()
        if result is None:
            return
        found, value = result.detections, result.sequence % 1024
        good = len(found) == result.sequence % 33 and result.capture_stamp_ns == result.sequence
        if not (good and (found.boxes_xyxy_px == value).all() and (found.class_ids == value).all()):
            self._words[4] += 1

    def _attached(self, role: str) -> FrameRing:
        """The writer may not have made the ring yet; a place is free as soon as its owner is dead."""
        deadline_s = time.monotonic() + _PATIENCE_S
        while True:
            try:
                return FrameRing.attach(self._name, "annotator" if role == "annotator" else "reader")
            except TaktError:
                if time.monotonic() > deadline_s:
                    raise
                time.sleep(_PAUSE_S)


def _left_behind(name: str, descriptors: int) -> list[str]:
    files = [entry for entry in os.listdir(segment.SHM) if name in entry]
    faults = [] if files == [name] else [f"/dev/shm holds {files}"]
    mode = os.stat(segment.SHM / name).st_mode & 0o777
    if mode != 0o600:
        faults.append(f"the ring's file has mode {mode:o}")
    if len(os.listdir("/proc/self/fd")) > descriptors:
        faults.append("file descriptors were left open")
    return faults
