"""`takt install`: what it writes, and that the texts are what systemd and udev read."""

from __future__ import annotations

import configparser
import shlex
import sys

import pytest

from takt import cli, graph
from takt.install import command, units


@pytest.fixture(autouse=True)
def scripts(tmp_path, monkeypatch):
    """Console scripts beside a Python of our own: the commands of the services do not depend on this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("agent", "camera", "detector", "planner", "dashboard", "supervisor", "bystander", "recorder"):
        script = folder / f"takt_{name}"
        script.write_text("#!/bin/sh\n")
        script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    return folder


def read_unit(text: str) -> configparser.ConfigParser:
    unit = configparser.ConfigParser(interpolation=None, delimiters=("=",))
    unit.optionxform = str
    unit.read_string(text)
    return unit


def test_one_service_a_process_and_a_target_that_wants_them_all(tmp_path, capsys):
    assert cli.main(["install", "--prefix", str(tmp_path), "--port", "/dev/ttyACM3", "--user", "pilot"]) == 0
    systemd = tmp_path / "etc/systemd/system"
    expected = {process.name for process in graph.robot("/dev/ttyACM3")} | {"supervisor"}
    services = {path.stem.removeprefix("takt-") for path in systemd.glob("takt-*.service")}
    assert services == expected
    wants = read_unit((systemd / "takt.target").read_text())["Unit"]["Wants"].split()
    assert set(wants) == {f"takt-{name}.service" for name in expected}
    assert "systemctl enable --now takt.target" in capsys.readouterr().out


def test_a_service_runs_its_process_as_the_graph_says(tmp_path, scripts):
    cli.main(["install", "--prefix", str(tmp_path), "--port", "/dev/ttyACM3", "--user", "pilot"])
    unit = read_unit((tmp_path / "etc/systemd/system/takt-agent.service").read_text())
    words = shlex.split(unit["Service"]["ExecStart"])
    assert words[0] == str(scripts / "takt_agent")
    assert "device:='/dev/ttyACM3'" in words
    assert unit["Service"]["User"] == "pilot"
    assert unit["Service"]["KillSignal"] == "SIGINT"  # the nodes leave the motors in order on it
    assert int(unit["Service"]["LimitRTPRIO"]) >= 80 and unit["Service"]["LimitMEMLOCK"] == "infinity"
    assert unit["Service"]["Restart"] == "always"


def test_the_supervisor_arms_again_by_itself_only_when_asked(tmp_path):
    for choice in ("operator", "automatic"):
        cli.main(["install", "--prefix", str(tmp_path), "--rearm", choice])
        text = (tmp_path / "etc/systemd/system/takt-supervisor.service").read_text()
        assert f"rearm:='{choice}'" in text
    cli.main(["install", "--prefix", str(tmp_path)])
    assert "rearm:='operator'" in (tmp_path / "etc/systemd/system/takt-supervisor.service").read_text()


def test_dry_run_prints_every_file_and_writes_none(tmp_path, capsys):
    assert cli.main(["install", "--dry-run", "--prefix", str(tmp_path / "none")]) == 0
    out = capsys.readouterr().out
    for name in ("takt-agent.service", "takt.target", "99-takt.rules", "/etc/takt/environment"):
        assert name in out
    assert not (tmp_path / "none").exists()


def test_the_environment_is_carried_but_nothing_else():
    text = units.environment_text(
        {"ROS_DISTRO": "jazzy", "PATH": "/a b:/c", "SECRET_TOKEN": "x", "PYTHONPATH": ""}
    )
    assert 'ROS_DISTRO="jazzy"' in text and 'PATH="/a b:/c"' in text
    assert "SECRET" not in text and "PYTHONPATH" not in text


def test_the_dds_profile_is_chosen_unless_the_person_chose_one(monkeypatch):
    monkeypatch.delenv("FASTDDS_DEFAULT_PROFILES_FILE", raising=False)
    assert command.service_environment()["FASTDDS_DEFAULT_PROFILES_FILE"].endswith("config/fastdds.xml")
    monkeypatch.setenv("FASTDDS_DEFAULT_PROFILES_FILE", "/mine.xml")
    assert command.service_environment()["FASTDDS_DEFAULT_PROFILES_FILE"] == "/mine.xml"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("50%", "50%%"),
        ("$HOME", "$$HOME"),
        ('say "x"', '"say \\"x\\""'),
    ],
)
def test_words_reach_the_program_unchanged_by_systemd(word, written):
    text = units.service_text("x", ["/bin/x", word], "pilot")
    assert f"ExecStart=/bin/x {written}\n" in text


def test_a_board_named_by_hand_replaces_the_known_ones(tmp_path):
    cli.main(["install", "--prefix", str(tmp_path), "--board", "1A86:7523"])
    rules = (tmp_path / "etc/udev/rules.d/99-takt.rules").read_text()
    assert 'ATTRS{idVendor}=="1a86", ATTRS{idProduct}=="7523"' in rules and "0483" not in rules
    assert 'SYMLINK+="takt_board"' in rules


def test_bad_input_is_one_line_with_a_fix(tmp_path, capsys):
    assert cli.main(["install", "--dry-run", "--board", "nonsense"]) == 2
    blocked = tmp_path / "file"
    blocked.touch()
    assert cli.main(["install", "--prefix", str(blocked)]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 2 and all(line.startswith("error: ") and "Fix: " in line for line in lines)


def test_a_service_whose_program_is_missing_is_refused(scripts, monkeypatch, capsys):
    (scripts / "takt_agent").unlink()
    monkeypatch.setenv("PATH", str(scripts))
    assert cli.main(["install", "--dry-run"]) == 2
    assert "takt_agent" in capsys.readouterr().err
