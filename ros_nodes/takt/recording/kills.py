"""`takt prove recordings`: kill -9 of a writer at seeded moments, and torn ends as a loss of power leaves them.

After each, what :func:`takt.recording.shelf.complete_parts` makes of the folder must open with its index, hold every
message that was flushed before the end, each once, in order and unharmed, and no byte that was never written.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import mmap
import os
import random
import signal
import tempfile
import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcap.reader import make_reader

import takt.contract
from takt.contract.cdr import ENCAPSULATION
from takt.errors import TaktError
from takt.recording.channels import Channel, channels_of
from takt.recording.mcap_file import PART
from takt.recording.sample import Sample
from takt.recording.shelf import RUN, complete_parts
from takt.recording.tape import Tape

_LONGEST_LIFE_S = 0.25
_FIRST_FLUSH_LIMIT_S = 60.0
_LARGEST_BYTES = 20_000
_SIZE_BITS = 32


@dataclass
class Tally:
    """What came of all ends. ``flushed`` messages were promised, ``kept`` were found, ``files`` were completed."""

    kills: int = 0
    torn_ends: int = 0
    flushed: int = 0
    kept: int = 0
    files: int = 0
    faults: list[str] = field(default_factory=list)


def main(argv: list[str]) -> int:
    """Exit status 0 when nothing that was flushed was ever missing."""
    parser = argparse.ArgumentParser(prog="takt prove recordings", description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="ends of a writer (default 200)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args(argv)
    if options.count < 1:
        raise TaktError(f"--count {options.count} proves nothing", "give at least 1")
    tally = run(options.count, options.seed)
    text = json.dumps({"seed": options.seed, "ok": not tally.faults, **vars(tally)}, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    return 0 if not tally.faults else 1


def run(count: int, seed: int) -> Tally:
    """``count`` ends at moments that ``seed`` decides; every second one is torn."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="takt-recordings-") as folder:
        for number in range(count):
            trial = Path(folder) / str(number)
            trial.mkdir()
            _one(trial, random.Random(f"{seed} {number}"), number % 2 == 1, tally)
            if tally.faults:
                break
    return tally


def _one(folder: Path, chance: random.Random, torn: bool, tally: Tally) -> None:
    words = mmap.mmap(-1, mmap.PAGESIZE)  # shared with the child: messages flushed << 32 | bytes flushed
    pid = os.fork()
    if pid == 0:
        try:
            _write(folder, chance.randrange(1 << 30), words)
        finally:  # whatever went wrong: the parent sees that nothing was flushed
            traceback.print_exc()
            os._exit(1)
    end_s = time.monotonic() + _FIRST_FLUSH_LIMIT_S
    while not _told(words) and time.monotonic() < end_s:
        time.sleep(0.001)
    time.sleep(chance.uniform(0.0, _LONGEST_LIFE_S))
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    flushed, flushed_bytes = _told(words) >> _SIZE_BITS, _told(words) & (1 << _SIZE_BITS) - 1
    tally.kills += 1
    if not flushed:
        tally.faults.append(f"{folder.name}: the writer never flushed")
    if torn:
        tally.torn_ends += _tear(folder, flushed_bytes, chance)
    completed = complete_parts(folder)
    tally.files += len(completed)
    tally.faults += _faults(folder, flushed, tally)


def _tear(folder: Path, flushed_bytes: int, chance: random.Random) -> int:
    """What the disk had not confirmed is gone, or holds nothing but zeros."""
    parts = list(folder.glob("*" + PART))
    torn = 0
    for part in parts:
        size = part.stat().st_size
        if size > flushed_bytes:
            cut = chance.randint(flushed_bytes, size)
            os.truncate(part, cut)
            if chance.random() < 0.5:
                os.truncate(part, size)
            torn += 1
    return torn


def _faults(folder: Path, flushed: int, tally: Tally) -> list[str]:
    numbers: list[int] = []
    for path in sorted(folder.iterdir()):
        if path.suffix == PART:
            return [f"{folder.name}: {path.name} was left"]
        with path.open("rb") as file:
            reader = make_reader(file)
            if reader.get_summary() is None:
                return [f"{folder.name}: {path.name} has no index"]
            for _, _, message in reader.iter_messages(log_time_order=False):
                if message.data != _content(message.log_time):
                    return [f"{folder.name}: message {message.log_time} is not what was written"]
                numbers.append(message.log_time)
    tally.flushed += flushed
    tally.kept += len(numbers)
    if numbers != list(range(1, len(numbers) + 1)):
        return [f"{folder.name}: messages are missing, twice or out of order"]
    return [f"{folder.name}: {flushed} flushed, {len(numbers)} kept"] if len(numbers) < flushed else []


def _write(folder: Path, seed: int, words: mmap.mmap) -> None:
    """The child: writes until it is killed, and tells what the disk has confirmed."""
    chance = random.Random(seed)
    contract = takt.contract.load()
    rules = dataclasses.replace(contract.recording, file_mib=1, files=1000)
    channels = {channel.topic: channel for channel in channels_of(contract)[: len(contract.topics)]}
    tape = Tape(folder, RUN, rules, channels, {}, {}, lambda line: None)
    tape.open("all", "proof", 1)
    first = 1
    while True:
        last = first + chance.randrange(1, 60)
        opened = tape.file
        tape.write(_samples(first, last, channels), last * 1_000_000_000)
        tape.flush()
        assert tape.file is not None
        if tape.file is opened or last % 2:  # a fresh file is told at once, or with what comes next
            told = (last - 1) << _SIZE_BITS | tape.file.size_bytes
            words[:8] = told.to_bytes(8, "little")
        first = last


def _samples(first: int, last: int, channels: dict[str, Channel]) -> Iterator[Sample]:
    topics = list(channels)
    for number in range(first, last):
        yield Sample(topics[number % len(topics)], number, number, _content(number))


def _content(number: int) -> bytes:
    chance = random.Random(number)
    return ENCAPSULATION + chance.randbytes(chance.randrange(_LARGEST_BYTES))


def _told(words: mmap.mmap) -> int:
    return int.from_bytes(words[:8], "little")
