"""The proof of recordings, in small; and it bites."""

import json

import pytest

from takt.errors import TaktError
from takt.recording import kills


def test_nothing_that_was_flushed_is_missing_after_an_end_at_any_moment(tmp_path, capsys):
    assert kills.main(["--count", "4", "--seed", "7", "--json", str(tmp_path / "out.json")]) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert report["ok"] and report["kills"] == 4 and report["kept"] >= report["flushed"] > 0


def test_a_completion_that_loses_a_chunk_is_found(monkeypatch):
    def lossy(folder):
        for part in folder.glob("*.part"):
            content = part.read_bytes()
            part.write_bytes(content[: len(content) // 2])
        return complete_parts(folder)

    complete_parts = kills.complete_parts
    monkeypatch.setattr(kills, "complete_parts", lossy)
    tally = kills.run(6, seed=1)
    assert tally.faults and "flushed" in tally.faults[0]


def test_no_ends_prove_nothing():
    with pytest.raises(TaktError, match="proves nothing"):
        kills.main(["--count", "0"])
