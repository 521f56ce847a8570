"""The black box from cause to file: what happened before and after it, bounded on every side."""

from __future__ import annotations

import dataclasses
import json
import random
import time
from pathlib import Path

import pytest
from mcap.reader import make_reader

from takt.contract import Recording
from takt.recording.black_box import BlackBox, word_of
from takt.recording.sample import Sample
from takt.recording.scribe import Scribe
from takt.recording.tape import Tape

SECOND_NS = 1_000_000_000


class Recorder:
    """The black box on its scribe, in time that a test moves: 100 samples a second."""

    def __init__(self, folder: Path, rules: Recording, channels, size: int = 8) -> None:
        self.folder = folder
        self.said: list[str] = []
        facts, more = {"contract": "00"}, {"contract.yaml": "a: 1"}
        tape = Tape(folder, "box", rules, channels, facts, more, self.said.append)
        self.scribe = Scribe(tape, 1 << 24)
        self.box = BlackBox(rules, self.scribe, latched=["ladder"])
        self.now_ns = 0
        self._size = size

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds * 100)):
            self.now_ns += SECOND_NS // 100
            stamp, data = self.now_ns, bytes.fromhex("00010000") + bytes(self._size)
            self.box.add(Sample("base/ledger_ack", stamp, stamp, data), self.now_ns)
            if stamp % (SECOND_NS // 20) == 0:
                self.box.step(self.now_ns)

    def files(self) -> list[Path]:
        self.box.close()
        assert self.scribe.close(60.0)
        return sorted(self.folder.iterdir())


@pytest.fixture
def recorder(tmp_path, small, channels) -> Recorder:
    return Recorder(tmp_path / "recordings", small, channels)


def read(path: Path) -> tuple[list[float], dict[str, str], dict[str, str]]:
    """Stamps in seconds, opening and closing facts."""
    with path.open("rb") as file:
        reader = make_reader(file)
        seconds = [message.log_time / SECOND_NS for _, _, message in reader.iter_messages()]
        metadata = {one.name: one.metadata for one in reader.iter_metadata()}
    return seconds, metadata["takt"], metadata["takt_end"]


def test_without_a_cause_nothing_is_written(recorder):
    recorder.run(30)
    recorder.box.close()
    assert recorder.scribe.close(60.0)
    assert not recorder.folder.exists()


def test_a_cause_writes_what_was_before_and_what_follows(recorder):
    recorder.run(30)
    recorder.box.trigger("host SAFE: link", recorder.now_ns)
    recorder.run(10)
    (path,) = recorder.files()
    seconds, opened, closed = read(path)
    assert path.name.endswith("-safe.mcap")
    assert (seconds[0], seconds[-1]) == (20.0, 32.0)
    assert len(seconds) == 1201  # none missing, none twice
    assert (opened["cause"], opened["contract"]) == ("host SAFE: link", "00")
    assert closed["ended"] == "after the last cause" and json.loads(closed["causes"]) == ["host SAFE: link"]
    assert recorder.said == [f"recording complete: {path}"]


def test_a_further_cause_goes_into_the_same_file_and_extends_it(recorder):
    recorder.run(1)
    recorder.box.trigger("5 misses in 1000 ms: board 5", recorder.now_ns)
    recorder.run(1.5)
    recorder.box.trigger("board SAFE: k_misses", recorder.now_ns)
    recorder.run(9)
    (path,) = recorder.files()
    seconds, _, closed = read(path)
    assert path.name.endswith("-misses.mcap")
    assert seconds[-1] == 4.5 and len(json.loads(closed["causes"])) == 2


def test_causes_without_end_fill_one_file_after_the_other_and_a_bounded_folder(recorder, small):
    for _ in range(70):
        recorder.run(1)
        recorder.box.trigger("host SAFE", recorder.now_ns)
    files = recorder.files()
    assert len(files) == small.files
    for path in files[:-1]:
        seconds, _, _ = read(path)
        assert seconds[-1] - seconds[0] <= 2.0 * small.keep_s + 0.1


def test_a_recorder_that_ends_completes_its_file(recorder):
    recorder.run(3)
    recorder.box.trigger("asked", recorder.now_ns)
    recorder.run(0.52)
    (path,) = recorder.files()
    seconds, _, closed = read(path)
    assert path.name.endswith("-asked.mcap")
    assert closed["ended"] == "the recorder ended" and seconds[-1] == 3.52


def test_a_full_file_ends_at_its_bound(tmp_path, small, channels):
    """Data that cannot be made smaller: a MiB comes in 2.6 s."""
    noise = random.Random(1)
    recorder = Recorder(tmp_path / "recordings", dataclasses.replace(small, after_s=60), channels)
    recorder.box.trigger("asked", 0)
    for number in range(1000):
        recorder.now_ns += SECOND_NS // 100
        sample = Sample("base/ledger_ack", number, number, noise.randbytes(4000))
        recorder.box.add(sample, recorder.now_ns)
        recorder.box.step(recorder.now_ns)
    (path,) = recorder.files()
    assert read(path)[2]["ended"] == "full"
    assert 1 << 20 <= path.stat().st_size <= (1 << 20) + (1 << 19) + 50_000


def test_a_disk_that_refuses_is_told_and_the_next_cause_tries_again(recorder):
    recorder.folder.write_text("a file stands where the folder should be")
    recorder.run(1)
    recorder.box.trigger("first", recorder.now_ns)
    recorder.run(3)
    recorder.scribe.open("wait", "until the scribe has come here")  # fails as well: the file still stands
    while len(recorder.said) < 2:
        time.sleep(0.01)
    assert all("fails: " in line for line in recorder.said)
    recorder.folder.unlink()
    recorder.box.trigger("second", recorder.now_ns)
    recorder.run(3)
    (path,) = recorder.files()
    assert read(path)[1]["cause"] == "second"


@pytest.mark.parametrize(
    "cause, word",
    [
        ("board SAFE: link", "safe"),
        ("9 misses in 1000 ms: a 9", "misses"),
        ("A person asked!", "a-person-asked"),
    ],
)
def test_the_word_in_the_name(cause, word):
    assert word_of(cause) == word
