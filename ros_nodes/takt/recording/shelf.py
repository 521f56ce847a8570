"""The folder of recordings: names, a bound on their number, and the completion of what a crash left in parts."""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from mcap.records import Attachment, Channel, Message, Metadata, Schema
from mcap.writer import CompressionType, Writer

from takt.recording.mcap_file import CLOSED, PART, PROFILE, fsync_folder
from takt.recording.salvage import Damage, records_of

SUFFIX = ".mcap"
BOX, RUN = "box", "run"  # what a recording is: the black box around a cause, or a stretch of a whole run


def recording_name(kind: str, word: str, now_ns: int) -> str:
    """Such as ``box-20261121T100712.345Z-safe.mcap``; names sort by time within a kind."""
    moment = datetime.fromtimestamp(now_ns / 1e9, timezone.utc)
    stamp = moment.strftime("%Y%m%dT%H%M%S.") + f"{now_ns // 1_000_000 % 1000:03d}Z"
    return f"{kind}-{stamp}-{word}{SUFFIX}"


def remove_oldest(folder: Path, kind: str, keep: int) -> list[Path]:
    """Remove complete recordings of a kind until ``keep`` are left; returns what went."""
    old = sorted(folder.glob(f"{kind}-*{SUFFIX}"))
    gone = old[: max(0, len(old) - keep)]
    for path in gone:
        path.unlink(missing_ok=True)
    if gone:
        fsync_folder(folder)
    return gone


def complete_parts(folder: Path) -> dict[str, str]:
    """Complete every recording that was cut off (kill -9, power) and return name -> what was wrong with it.

    All that is whole is written anew with an index; a part without a message is removed. Call it before the first
    recording of this process is opened: two recorders do not share a folder.
    """
    done: dict[str, str] = {}
    for part in sorted(folder.glob(f"*{SUFFIX}{PART}")):
        whole = part.with_name(part.name.removesuffix(PART))
        copy, damage = part.with_name(part.name + ".new"), Damage()
        if _rewrite(part, copy, damage):
            copy.replace(whole)
            done[whole.name] = damage.what
        copy.unlink(missing_ok=True)
        part.unlink()
    for copy in folder.glob(f"*{SUFFIX}{PART}.new"):
        copy.unlink()  # of a completion that was itself cut off; its part was still there
    fsync_folder(folder)
    return done


def _rewrite(part: Path, copy: Path, damage: Damage) -> int:
    """Copy what is whole; returns the number of messages."""
    messages = 0
    schemas: dict[int, int] = {0: 0}
    channels: dict[int, int] = {}
    ended = False
    with copy.open("wb") as file:
        writer = Writer(file, compression=CompressionType.ZSTD)
        writer.start(PROFILE, "takt")
        for record in records_of(part, damage):
            if isinstance(record, Message):
                messages += 1
                writer.add_message(
                    channels[record.channel_id],
                    record.log_time,
                    record.data,
                    record.publish_time,
                    record.sequence,
                )
            elif isinstance(record, Schema):
                schemas[record.id] = writer.register_schema(record.name, record.encoding, record.data)
            elif isinstance(record, Channel):
                channels[record.id] = writer.register_channel(
                    record.topic, record.message_encoding, schemas[record.schema_id], record.metadata
                )
            elif isinstance(record, Metadata):
                ended = ended or record.name == CLOSED
                writer.add_metadata(record.name, record.metadata)
            elif isinstance(record, Attachment):
                writer.add_attachment(
                    record.create_time, record.log_time, record.name, record.media_type, record.data
                )
        if not ended:
            writer.add_metadata(CLOSED, cut_off_facts(damage.what))
        writer.finish()
        file.flush()
        os.fsync(file.fileno())
    return messages


def cut_off_facts(what: str) -> dict[str, str]:
    """What stands in the last metadata record of a recording whose recorder did not end it."""
    return {"ended": "cut off", "damage": what}
