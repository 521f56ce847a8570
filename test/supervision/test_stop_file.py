"""STOP outlives the process that heard it."""

from takt.supervision.stop_file import StopFile


def test_it_holds_until_it_is_taken_back(tmp_path):
    path = tmp_path / "state" / "stopped"
    first = StopFile(path)
    assert not first.is_set
    first.set()
    first.set()
    second = StopFile(path)
    assert second.is_set
    second.clear()
    second.clear()
    assert not first.is_set
