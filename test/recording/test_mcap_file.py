"""What is written is what MCAP's own library reads, whole or cut off anywhere."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from takt.errors import TaktError
from takt.recording.mcap_file import McapFile, part_of
from takt.recording.salvage import Damage, records_of
from takt.recording.shelf import complete_parts, recording_name, remove_oldest

START_NS = 1_780_000_000 * 1_000_000_000


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / recording_name("box", "safe", START_NS)


@pytest.fixture
def written(path, channels, talk) -> Path:
    file = McapFile(path, channels, {"kind": "box"})
    file.attach("contract.yaml", "text/plain", b"schema_version: 1", START_NS)
    for one in talk(0, 200):
        file.write(one)
    file.finish({"ended": "full"})
    return path


def messages(path: Path) -> list[tuple[str, int, object]]:
    with path.open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        return [
            (channel.topic, message.log_time, decoded)
            for _, channel, message, decoded in reader.iter_decoded_messages()
        ]


def test_the_library_reads_every_message_by_the_schemas_in_the_file(written):
    read = messages(written)
    assert len(read) == 240
    joints = [decoded for topic, _, decoded in read if topic == "/joint_states"]
    assert joints[7].name == ["left_wheel_joint", "right_wheel_joint"]
    assert list(joints[7].position) == pytest.approx([0.7, -0.7])
    loops = [decoded for topic, _, decoded in read if topic == "/diagnostics"]
    assert [loop.status[0].values[0].value for loop in loops] == [str(n) for n in range(0, 200, 10)]
    assert not part_of(written).exists()


def test_index_metadata_and_attachment_are_there(written):
    with written.open("rb") as file:
        reader = make_reader(file)
        assert reader.get_header().profile == "ros2"
        summary = reader.get_summary()
        assert summary.statistics.message_count == 240
        metadata = {one.name: one.metadata for one in reader.iter_metadata()}
        assert (metadata["takt"]["kind"], metadata["takt_end"]["ended"]) == ("box", "full")
        assert [one.name for one in reader.iter_attachments()] == ["contract.yaml"]
        for channel in summary.channels.values():
            assert channel.message_encoding == "cdr"
            assert summary.schemas[channel.schema_id].encoding == "ros2msg"
            qos = yaml.safe_load(channel.metadata["offered_qos_profiles"])
            assert qos[0]["reliability"] in ("reliable", "best_effort") and qos[0]["depth"] > 0


def test_messages_of_one_time_are_found_by_the_index(written):
    with written.open("rb") as file:
        reader = make_reader(file)
        window = reader.iter_messages(
            "/joint_states", starting_at=START_NS + 500_000_000, ending_before=START_NS + 600_000_000
        )
        assert len(list(window)) == 10


def test_a_file_cut_off_anywhere_gives_what_is_whole(written, channels, talk, tmp_path):
    whole = written.read_bytes()
    counts = []
    last_magic = 8  # bytes behind the footer: who lacks only these has lost nothing
    for size in range(0, len(whole) - last_magic, max(1, len(whole) // 60)):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(whole[:size])
        damage = Damage()
        counts.append(sum(type(one).__name__ == "Message" for one in records_of(cut, damage)))
        assert "cut.mcap ends early or is damaged" in damage.what
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == 240


def test_rubbish_is_told_and_never_an_exception(tmp_path):
    rubbish = tmp_path / "rubbish.mcap"
    for content in (b"", b"no mcap at all", b"\x89MCAP0\r\n" + b"\xff" * 300, os.urandom(5000)):
        rubbish.write_bytes(content)
        damage = Damage()
        assert list(records_of(rubbish, damage)) == []
        assert damage.what


def test_a_flipped_bit_ends_the_reading(written, tmp_path):
    content = bytearray(written.read_bytes())
    content[len(content) // 3] ^= 0x10
    flipped, damage = tmp_path / "flipped.mcap", Damage()
    flipped.write_bytes(content)
    list(records_of(flipped, damage))
    assert damage.what


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(TaktError, match="cannot be read"):
        list(records_of(tmp_path / "none.mcap", Damage()))


WRITER = """
import sys, time
from pathlib import Path
sys.path.insert(0, {folder!r})
from takt.contract import load
from takt.recording.channels import channels_of
from takt.recording.mcap_file import McapFile
from takt.recording.sample import Sample
channels = {{channel.topic: channel for channel in channels_of(load())}}
file = McapFile(Path({path!r}), channels, {{"kind": "run"}})
data = bytes.fromhex("00010000") + (5).to_bytes(8, "little")
for number in range(10_000_000):
    file.write(Sample("base/ledger_ack", number, number, data))
    if number % 100 == 99:
        file.flush()
        print(number + 1, flush=True)
"""


def test_after_kill_9_nothing_that_was_flushed_is_missing(path):
    """A recorder that dies in the middle leaves a part; the next start completes it, index and all."""
    source = WRITER.format(folder=str(Path(__file__).parents[2] / "ros_nodes"), path=str(path))
    process = subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True)
    flushed = 0
    for line in process.stdout:
        flushed = int(line)
        if flushed >= 1500:
            break
    process.send_signal(signal.SIGKILL)
    flushed = max([flushed, *(int(line) for line in process.stdout)])  # told before the end, read after it
    process.wait()
    assert part_of(path).exists() and not path.exists()
    assert list(complete_parts(path.parent)) == [path.name]
    with path.open("rb") as file:
        reader = make_reader(file)
        stamps = [message.log_time for _, _, message in reader.iter_messages()]
        metadata = {one.name: one.metadata for one in reader.iter_metadata()}
    assert stamps == list(range(len(stamps))) and len(stamps) >= flushed
    assert metadata["takt"]["kind"] == "run" and metadata["takt_end"]["ended"] == "cut off"
    assert not part_of(path).exists()
    assert complete_parts(path.parent) == {}


def test_a_part_without_a_message_is_no_recording(path, channels):
    McapFile(path, channels, {}).abandon()
    assert complete_parts(path.parent) == {}
    assert list(path.parent.iterdir()) == []


def test_a_completion_that_was_cut_off_is_done_again(path, channels, talk):
    file = McapFile(path, channels, {})
    for one in talk(0, 10):
        file.write(one)
    file.flush()
    file.abandon()
    part_of(path).with_name(part_of(path).name + ".new").write_bytes(b"half")
    assert list(complete_parts(path.parent)) == [path.name]
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert len(messages(path)) == 12


def test_only_so_many_of_a_kind_are_kept(tmp_path):
    names = [recording_name("box", "safe", START_NS + number * 1_500_000_000) for number in range(5)]
    assert names == sorted(names) and names[0] == "box-20260528T202640.000Z-safe.mcap"
    for name in (*names, "run-20260528T202640.000Z-all.mcap", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in remove_oldest(tmp_path, "box", 2)] == names[:3]
    assert len(list(tmp_path.iterdir())) == 4
