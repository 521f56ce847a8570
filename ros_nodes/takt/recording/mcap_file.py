"""One MCAP file while it is written: whole up to its last chunk at any moment, named ``.part`` until it is complete.

The format is MCAP's own (profile "ros2"), written by its library; layout and names are those of rosbag2, so that
Foxglove, PlotJuggler and ``ros2 bag`` open it. docs/recording.md has the layout.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from mcap.writer import CompressionType, Writer

from takt.recording.channels import Channel
from takt.recording.message_schema import ENCODING, schema_text
from takt.recording.sample import Sample

PART = ".part"
PROFILE = "ros2"
OPENED, CLOSED = "takt", "takt_end"  # names of the metadata records
QOS_KEY = "offered_qos_profiles"
_CHUNK_BYTES = 512 * 1024


class McapFile:
    """Writes ``path`` through ``path.part``. Use from one thread; times are ns of the samples."""

    def __init__(
        self,
        path: Path,
        channels: Mapping[str, Channel],
        facts: Mapping[str, str],
        schema_of: Callable[[str], str] = schema_text,
    ) -> None:
        self.path = path
        self._channels = channels
        self._schema_of = schema_of
        self._channel_ids: dict[str, int] = {}
        self._schema_ids: dict[str, int] = {}
        self._counts: dict[str, int] = {}
        self._file = part_of(path).open("wb")
        self._writer = Writer(self._file, chunk_size=_CHUNK_BYTES, compression=CompressionType.ZSTD)
        self._writer.start(PROFILE, "takt")
        self._writer.add_metadata(OPENED, dict(facts))
        self.flush()
        fsync_folder(path.parent)

    @property
    def size_bytes(self) -> int:
        """On disk; what is gathered for the next chunk (at most half a MiB) is not in it."""
        return self._file.tell()

    def attach(self, name: str, media_type: str, data: bytes, now_ns: int) -> None:
        """Put a whole file into the recording, such as the contract."""
        self._writer.add_attachment(now_ns, now_ns, name, media_type, data)

    def note(self, name: str, facts: Mapping[str, str]) -> None:
        """A metadata record of this name."""
        self._writer.add_metadata(name, dict(facts))

    def write(self, sample: Sample) -> None:
        channel = self._channel_ids.get(sample.topic) or self._register(self._channels[sample.topic])
        sequence = self._counts.get(sample.topic, 0) + 1
        self._counts[sample.topic] = sequence
        self._writer.add_message(channel, sample.log_ns, sample.data, sample.publish_ns, sequence)

    def flush(self) -> None:
        """End the chunk and wait until the disk has it: from here on it outlives the process and the power."""
        self._writer.flush()
        os.fdatasync(self._file.fileno())

    def finish(self, facts: Mapping[str, str]) -> None:
        """Write the index, wait for the disk, and give the file its name."""
        self._writer.add_metadata(CLOSED, dict(facts))
        self._writer.finish()
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        os.replace(part_of(self.path), self.path)
        fsync_folder(self.path.parent)

    def abandon(self) -> None:
        """The disk refuses to go on: leave the part as it is, for :func:`takt.recording.shelf.complete_parts`."""
        with contextlib.suppress(OSError):
            self._file.close()

    def _register(self, channel: Channel) -> int:
        if channel.type not in self._schema_ids:
            text = self._schema_of(channel.type).encode()
            self._schema_ids[channel.type] = self._writer.register_schema(channel.type, ENCODING, text)
        schema, qos = self._schema_ids[channel.type], {QOS_KEY: channel.qos_text()}
        name = channel.topic if channel.topic.startswith("/") else "/" + channel.topic
        self._channel_ids[channel.topic] = self._writer.register_channel(name, "cdr", schema, qos)
        return self._channel_ids[channel.topic]


def part_of(path: Path) -> Path:
    """The name that a recording bears until it is complete."""
    return path.with_name(path.name + PART)


def fsync_folder(folder: Path) -> None:
    """Names made, changed or removed in the folder outlive the power from here on."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
