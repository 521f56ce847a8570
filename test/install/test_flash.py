"""`takt flash` looks into the image first; a dry run needs no board."""

import pytest

import takt.contract
from takt.errors import TaktError
from takt.install import flash


@pytest.fixture
def built(tmp_path):
    """A build folder as Zephyr's build leaves it, in what matters here."""

    def make(board="nucleo_f446re", contract=None):
        folder = tmp_path / board
        (folder / "zephyr").mkdir(parents=True, exist_ok=True)
        (folder / "CMakeCache.txt").write_text(f"# cache\nBOARD:STRING={board}\nBOARD_DIR:PATH=/x\n")
        text = takt.contract.load().hash_property if contract is None else contract
        content = b"\x7fELF\x01\x01" + b"0" * 64 + b"\0base\0" + text.encode() + b"\0takt_contract\0"
        (folder / "zephyr" / "zephyr.elf").write_bytes(content)
        return folder

    return make


def dry(folder, board="nucleo_f446re", *more):
    return flash.main([board, "--dry-run", "--build-dir", str(folder), *more])


def test_a_dry_run_checks_and_tells_the_command(built, capsys):
    folder = built()
    assert dry(folder, "nucleo_f446re", "--dev-id", "0671FF") == 0
    said = capsys.readouterr().out
    assert f"would run: west flash --skip-rebuild --build-dir {folder} --dev-id 0671FF" in said


def test_it_runs_west_and_returns_its_status(built, tmp_path, monkeypatch):
    west = tmp_path / "west"
    west.write_text('#!/bin/sh\necho "$@" >"$(dirname "$0")/asked"\nexit 7\n')
    west.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    folder = built()
    assert flash.main(["nucleo_f446re", "--build-dir", str(folder)]) == 7
    assert (tmp_path / "asked").read_text() == f"flash --skip-rebuild --build-dir {folder}\n"


def test_an_image_of_another_board_is_refused(built):
    with pytest.raises(TaktError, match="is for nucleo_h743zi.*Fix: build it: ./run firmware nucleo_f446re"):
        dry(built("nucleo_h743zi"))


def test_an_image_of_another_contract_is_refused_by_section(built):
    hashes = takt.contract.load().hashes
    other = {**hashes, "safety": "00000000"}
    with pytest.raises(TaktError, match=r"another contract \(safety differ\)"):
        dry(built(contract="".join(other.values())))


def test_an_image_without_a_contract_is_refused(built):
    with pytest.raises(TaktError, match="carries no contract hash"):
        dry(built(contract="hello"))


def test_what_is_no_image_is_refused(built, tmp_path):
    with pytest.raises(TaktError, match="there is no image in .*Fix: build it"):
        dry(tmp_path / "nowhere")
    folder = built()
    (folder / "zephyr" / "zephyr.elf").write_text("not a program")
    with pytest.raises(TaktError, match="is no ELF file"):
        dry(folder)


@pytest.mark.parametrize(
    ("board", "message"), [("qemu_cortex_m3", "no board to flash"), ("toaster", "there is no board 'toaster'")]
)
def test_what_cannot_be_flashed_is_refused_with_the_names(tmp_path, board, message):
    with pytest.raises(TaktError, match=f"{message}.*nucleo_f446re"):
        dry(tmp_path, board)
