"""Journal: rows one process writes and others read, the newest kept, a torn or recycled one never given out."""

import pytest

from takt.errors import TaktError
from takt.frames.journal import Journal


@pytest.fixture
def name(tmp_path, monkeypatch):
    monkeypatch.setattr("takt.frames.segment.SHM", tmp_path)
    return "robot.plan"


def test_rows_come_out_as_they_went_in_also_negative_and_large_ones(name):
    writer, reader = Journal.create(name, 2, 4), Journal.attach(name)
    rows = [(-1, 2**62), (3, -(2**62)), (5, 6)]
    for row in rows:
        writer.append(*row)
    assert reader.since(0) == rows
    assert reader.since(2) == rows[2:]
    assert reader.newest == 3


def test_the_newest_are_kept_and_a_late_reader_sees_how_many_it_missed(name):
    writer, reader = Journal.create(name, 1, 4), Journal.attach(name)
    for value in range(10):
        writer.append(value)
    assert reader.since(0) == [(6,), (7,), (8,), (9,)]
    assert reader.row(6) is None
    assert reader.row(10) == (9,)
    assert reader.row(11) is None


def test_a_row_that_is_being_written_is_not_there(name):
    writer, reader = Journal.create(name, 1, 4), Journal.attach(name)
    writer.append(1)
    writer._words[4 + 1 * 2] = 0  # as in the middle of writing row 1 anew
    assert reader.since(0) == []


def test_a_writer_that_comes_back_goes_on_where_it_was(name):
    Journal.create(name, 1, 4).append(7)
    again = Journal.create(name, 1, 4)
    again.append(8)
    assert Journal.attach(name).since(0) == [(7,), (8,)]


def test_another_shape_replaces_the_file_and_its_readers_notice(name):
    writer = Journal.create(name, 1, 4)
    reader = Journal.attach(name)
    assert reader.is_current()
    Journal.create(name, 2, 4).append(1, 2)
    assert not reader.is_current()
    assert Journal.attach(name).since(0) == [(1, 2)]
    writer.close()


def test_a_reader_cannot_write(name):
    Journal.create(name, 1, 4)
    with pytest.raises(TypeError):
        Journal.attach(name).append(1)


def test_there_is_none_or_it_is_something_else(name, tmp_path):
    with pytest.raises(TaktError, match="no journal"):
        Journal.attach(name)
    (tmp_path / name).write_bytes(b"something else entirely, and long enough")
    with pytest.raises(TaktError, match="no journal of this version"):
        Journal.attach(name)
    Journal.create(name, 1, 4).append(3)
    assert Journal.attach(name).since(0) == [(3,)]


def test_a_row_of_another_width_is_refused(name):
    with pytest.raises(ValueError, match="2 words"):
        Journal.create(name, 2, 4).append(1)
