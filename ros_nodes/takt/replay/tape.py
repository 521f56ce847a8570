"""What a recording holds for a replay: the ticks of planner and supervisor, and a twin's day."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from mcap.records import Attachment, Channel, Message, Metadata

from takt.contract import Contract
from takt.errors import TaktError
from takt.planning.plan_tick import PlanTick
from takt.recording.mcap_file import PART
from takt.recording.salvage import Damage, records_of
from takt.recording.shelf import BOX, RUN, SUFFIX
from takt.supervision.watch_tick import WatchTick

TWIN = "takt_twin"  # name of a twin's metadata record, and of the attachment that holds its rows
_LITTLE_ENDIAN = b"\0\1\0\0"
_HEAD = struct.Struct("<4sI")
Tick = TypeVar("Tick")


@dataclass
class Tape:
    """``plans`` and ``watches`` in the order in which they were sent. ``damage`` is empty for a file that is whole."""

    path: Path
    plans: list[PlanTick] = field(default_factory=list)
    watches: list[WatchTick] = field(default_factory=list)
    twin: dict[str, str] | None = None
    rows: bytes = b""
    damage: str = ""


def recordings_of(path: Path) -> list[Path]:
    """The file itself, or a run's recordings, oldest first: of whole runs if there are any, else the black boxes.

    Raises TaktError when there is none.
    """
    if path.is_file():
        return [path]
    for kind in (RUN, BOX, ""):
        names = (f"{kind}*{SUFFIX}", f"{kind}*{SUFFIX}{PART}")
        found = sorted((one for name in names for one in path.rglob(name)), key=lambda one: one.name)
        if found:
            return found
    raise TaktError(
        f"{path} holds no recording", "name a .mcap file, or the folder of a run that was recorded"
    )


def read(path: Path, contract: Contract) -> Tape:
    """Raises TaktError when the file cannot be read or holds what no node of ours sent."""
    tape, damage = Tape(path), Damage()
    names = {topic: "/" + contract.host_topics[topic].ros_name for topic in ("plans", "watch")}
    topics: dict[int, str] = {}
    for record in records_of(path, damage):
        if isinstance(record, Channel):
            topics[record.id] = record.topic
        elif isinstance(record, Message):
            _take(tape, topics.get(record.channel_id, ""), record.data, names)
        elif isinstance(record, Metadata) and record.name == TWIN:
            tape.twin = dict(record.metadata)
        elif isinstance(record, Attachment) and record.name == TWIN:
            tape.rows = record.data
    tape.damage = damage.what
    return tape


def _take(tape: Tape, topic: str, data: bytes, names: dict[str, str]) -> None:
    if topic == names["plans"]:
        tape.plans.append(_tick(tape.path, data, PlanTick.from_json))
    elif topic == names["watch"]:
        tape.watches.append(_tick(tape.path, data, WatchTick.from_json))


def _tick(path: Path, data: bytes, from_json: Callable[[str], Tick]) -> Tick:
    try:
        return from_json(text_of(data))
    except (ValueError, KeyError, TypeError) as error:
        raise TaktError(
            f"{path} holds a tick that cannot be read ({error})", "record it with this version of Takt"
        ) from None


def text_of(data: bytes) -> str:
    """What a std_msgs/String says; ``data`` begins with the encapsulation. Raises ValueError for anything else."""
    if len(data) < _HEAD.size or data[:2] != _LITTLE_ENDIAN[:2]:
        raise ValueError("no string of this computer's byte order")
    size = _HEAD.unpack_from(data)[1]
    if size == 0 or len(data) < _HEAD.size + size:
        raise ValueError("a string that was cut off")
    return data[_HEAD.size : _HEAD.size + size - 1].decode()


def cdr_of(text: str) -> bytes:
    """The same the other way."""
    content = text.encode() + b"\0"
    return _HEAD.pack(_LITTLE_ENDIAN, len(content)) + content


def joined(tapes: Iterator[Tape]) -> Tape:
    """Several recordings of one run as one, in the order given."""
    whole = next(tapes)
    for tape in tapes:
        whole.plans += tape.plans
        whole.watches += tape.watches
        whole.damage = whole.damage or tape.damage
    return whole


def twin_values(tape: Tape) -> tuple[dict[str, Any], str]:
    """The episode's plain values and the log hash of a twin's recording."""
    assert tape.twin is not None
    return json.loads(tape.twin["episode"]), tape.twin["log_hash"]
