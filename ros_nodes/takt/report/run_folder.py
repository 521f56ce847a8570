"""Reads what a run left: a folder of the demo, a folder of recordings, or one recording. Reads what is whole of it."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mcap.records import Attachment, Channel, Message

import takt.contract
from takt.contract import Contract, document, validate
from takt.deadlines import Journey, Miss
from takt.errors import TaktError
from takt.graph import RECORDINGS
from takt.recording.mcap_file import PART
from takt.recording.salvage import Damage, records_of
from takt.recording.shelf import BOX, RUN, SUFFIX
from takt.report.recorded import MessageReader
from takt.report.run_record import Fault, RunRecord

RESULTS, LEDGER, JOURNEYS, FAULTS = "results.json", "ledger.jsonl", "journeys.jsonl", "faults.jsonl"
_CONTRACT = "contract.yaml"
T = TypeVar("T")


def read_run(path: Path) -> RunRecord:
    """Everything that is known of the run. Raises TaktError when there is nothing to read."""
    if not path.exists():
        raise TaktError(
            f"there is no run at {path}", "name the folder that ./run demo printed, or a .mcap file"
        )
    recordings = [path] if path.is_file() else _recordings_of(path)
    notes: list[str] = [] if recordings else ["no recording"]
    record = RunRecord(path.resolve().name, _contract_of(recordings, notes), notes=notes)
    reader = MessageReader(record)
    for recording in recordings:
        _read_recording(recording, reader, notes)
    reader.finish()
    if reader.unreadable:
        notes.append(f"{reader.unreadable} messages could not be read")
    if path.is_dir():
        _read_beside(path, record)
    if record.is_empty:
        why = "; ".join(notes) or "it is empty"
        raise TaktError(
            f"nothing of a run can be read from {path} ({why})", "name the folder that ./run demo printed"
        )
    return record.in_order()


def _recordings_of(folder: Path) -> list[Path]:
    """Whole runs if there are any, else the boxes; parts that a crash left count too."""
    for place in (folder / RECORDINGS, folder):
        for kind in (RUN, BOX, ""):
            found = sorted([*place.glob(f"{kind}*{SUFFIX}"), *place.glob(f"{kind}*{SUFFIX}{PART}")])
            if found:
                return found
    return []


def _read_recording(path: Path, reader: MessageReader, notes: list[str]) -> None:
    damage, topics = Damage(), dict[int, str]()
    for one in records_of(path, damage):
        if isinstance(one, Channel):
            topics[one.id] = one.topic
        elif isinstance(one, Message):
            reader.take(topics.get(one.channel_id, ""), one.data, one.log_time)
    if damage.what:
        notes.append(damage.what)


def _contract_of(recordings: list[Path], notes: list[str]) -> Contract:
    """The one that the run obeyed stands in front of its recording; else that of this installation."""
    for path in recordings:
        for one in records_of(path, Damage()):
            if isinstance(one, Message):
                break
            if isinstance(one, Attachment) and one.name == _CONTRACT:
                try:
                    return validate.contract_from(document.parse(one.data.decode(), path / _CONTRACT))
                except (TaktError, UnicodeDecodeError):
                    notes.append(
                        f"the contract in {path.name} is of another version: this one's budgets are shown"
                    )
    return takt.contract.load()


def _read_beside(folder: Path, record: RunRecord) -> None:
    """Files that the demo and the supervisor write themselves."""
    results = folder / RESULTS
    if results.is_file():
        try:
            record.results = json.loads(results.read_text())
        except ValueError:
            record.notes.append(f"{RESULTS} is not whole")
    else:
        record.notes.append(f"no {RESULTS}: the run did not come to its end, or was no demo")
    if (folder / LEDGER).is_file():
        written = _parsed(folder / LEDGER, Miss.from_json, record.notes)
        known = {miss.identity for miss in written}
        record.misses = written + [miss for miss in record.misses if miss.identity not in known]
    if (folder / JOURNEYS).is_file():
        record.journeys += _parsed(folder / JOURNEYS, Journey.from_json, record.notes)
    if (folder / FAULTS).is_file():
        record.faults = _parsed(folder / FAULTS, _fault, record.notes)


def _parsed(path: Path, parse: Callable[[str], T], notes: list[str]) -> list[T]:
    """Each line that can be read; the others are counted in a note."""
    read: list[T] = []
    wrong = 0
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            read.append(parse(line))
        except (ValueError, TypeError):
            wrong += 1
    if wrong:
        notes.append(f"{wrong} of {wrong + len(read)} lines of {path.name} cannot be read")
    return read


def _fault(line: str) -> Fault:
    row = json.loads(line)
    if not isinstance(row, dict) or "at_ns" not in row:
        raise ValueError("no fault")
    at_ns = int(row["at_ns"])
    until_ns = int(row.get("until_ns") or at_ns)
    return Fault(at_ns, until_ns, str(row.get("kind", "?")), str(row.get("strength", "")))


def stretch_of(record: RunRecord, from_s: float, to_s: float) -> RunRecord:
    """The record of these seconds. Raises TaktError when there is nothing in them."""
    if from_s == 0.0 and to_s == math.inf:
        return record
    began_ns, ended_ns = record.span_ns
    cut = record.between(from_s, to_s) if 0.0 <= from_s < min(to_s, 1e9) else None
    if cut is None or cut.is_empty:
        length = f"{(ended_ns - began_ns) / 1e9:.1f} s long"
        raise TaktError(
            f"the run has nothing from {from_s:g} s to {'its end' if to_s == math.inf else f'{to_s:g} s'}",
            f"it is {length}: give --from and --to",
        )
    return cut
