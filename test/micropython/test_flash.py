"""`takt flash --micropython`: what it compiles and in what order it would copy it; a board that is not there."""

from __future__ import annotations

import pytest

from takt.cli import main
from takt.errors import TaktError
from takt.micropython import flash


@pytest.mark.parametrize("board", flash.BOARDS)
def test_every_board_compiles_and_main_comes_last(board: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["flash", "--micropython", board, "--dry-run"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "mpremote" in line]
    copied = [line.split(" ")[-1] for line in lines if " fs cp " in line]
    assert {
        ":board.mpy",
        ":pins.mpy",
        ":encoders.mpy",
        ":takt_contract.mpy",
        ":takt_board/safety.mpy",
    } <= set(copied)
    assert copied[-1] == ":main.py" and lines[-1].endswith("reset")
    assert not any("unix" in place or "manifest" in place for place in copied)


def test_a_board_that_is_not_there_is_one_line_with_the_fix(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("mpremote")
    assert main(["flash", "--micropython", "rp2040", "--port", "/dev/takt-no-such"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: mpremote: ") and "Fix: plug the board in" in line


def test_an_unknown_board_is_refused() -> None:
    with pytest.raises(TaktError, match="no MicroPython board 'uno'"):
        flash.main(["uno"])
