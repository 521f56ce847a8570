"""`takt contract` as a person calls it."""

from pathlib import Path

import pytest

from takt.contract import command
from takt.errors import TaktError

ROOT = Path(__file__).resolve().parents[2]
SHIPPED = ROOT / "config/contract.yaml"


def changed(tmp_path, old, new):
    file = tmp_path / "contract.yaml"
    file.write_text(SHIPPED.read_text().replace(old, new, 1))
    return str(file)


def test_check_shows_the_arithmetic(capsys):
    assert command.main(["check", "--file", str(SHIPPED)]) == 0
    out = capsys.readouterr().out
    assert "board_to_host at 921600 baud" in out
    assert "photon to motor" in out
    assert "NO" not in out


def test_check_marks_what_fails_and_raises_its_arithmetic(tmp_path, capsys):
    with pytest.raises(TaktError, match="57600"):
        command.main(["check", "--file", changed(tmp_path, "baud: 921600", "baud: 57600")])
    assert "NO   board_to_host at 57600 baud" in capsys.readouterr().out


def test_generate_writes_below_out_and_then_agrees(tmp_path, capsys):
    arguments = ["generate", "--file", str(SHIPPED), "--out", str(tmp_path)]
    assert command.main(arguments) == 0
    assert (tmp_path / "firmware/core/generated/takt_contract.h").is_file()
    assert "13 of 13 files changed; then build the firmware again" in capsys.readouterr().out
    assert command.main([*arguments, "--check"]) == 0
    assert command.main(arguments) == 0
    assert "0 of 13 files changed" in capsys.readouterr().out


def test_generate_check_writes_nothing_and_names_what_differs(tmp_path):
    with pytest.raises(TaktError) as caught:
        command.main(["generate", "--check", "--file", str(SHIPPED), "--out", str(tmp_path)])
    assert "takt_messages.c" in caught.value.cause
    assert "takt contract generate" in caught.value.fix
    assert list(tmp_path.iterdir()) == []


def test_generate_refuses_what_cannot_work(tmp_path):
    file = changed(tmp_path, "baud: 921600", "baud: 57600")
    with pytest.raises(TaktError, match="57600"):
        command.main(["generate", "--file", file, "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(TaktError, match="cannot be written"):
        command.main(["generate", "--file", str(SHIPPED), "--out", str(blocked)])


def test_an_installed_package_has_no_tree_to_write_to(monkeypatch, tmp_path):
    monkeypatch.setattr(command, "roots", lambda: [tmp_path])
    with pytest.raises(TaktError, match="source tree"):
        command.main(["generate", "--file", str(SHIPPED)])
