"""Bad input ends in one clear line with the fix and exit status 2, never in a traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.system
ROOT = Path(__file__).resolve().parents[2]
CONTRACT = ROOT / "config/contract.yaml"


def takt(*arguments, **more):
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'ros_nodes'}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "takt.cli", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env={**environment, **more}, timeout=400)


def assert_one_clear_line(done, *words):
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert "Fix: " in lines[0]
    for word in words:
        assert word in lines[0], lines[0]


def changed_contract(tmp_path, old, new):
    text = CONTRACT.read_text()
    assert old in text
    file = tmp_path / "contract.yaml"
    file.write_text(text.replace(old, new, 1))
    return file


def test_an_unknown_key(tmp_path):
    file = changed_contract(tmp_path, "  baud: 921600", "  baud: 921600\n  bauds: 1")
    assert_one_clear_line(takt("contract", "check", "--file", str(file)), "bauds")


def test_a_baud_rate_too_low_for_the_topics(tmp_path):
    file = changed_contract(tmp_path, "  baud: 921600", "  baud: 57600")
    assert_one_clear_line(takt("contract", "check", "--file", str(file)), "57600")


@pytest.mark.parametrize("command", [["demo", "--headless", "--seconds", "5"]])
def test_a_demo_refuses_a_bad_contract(tmp_path, command):
    file = changed_contract(tmp_path, "  baud: 921600", "  baud: fast")
    assert_one_clear_line(takt(*command, TAKT_CONTRACT=str(file)), "baud")


def test_a_missing_model_file():
    assert_one_clear_line(takt("demo", "--headless", "--weights", "/nowhere/x.onnx"), "/nowhere/x.onnx")


def test_a_port_that_does_not_exist():
    assert_one_clear_line(takt("agent", "--dev", "/dev/ttyNOWHERE"), "/dev/ttyNOWHERE")


@pytest.mark.parametrize("command", ["report", "trace"])
def test_a_run_that_is_not_there_or_no_run(tmp_path, command):
    assert_one_clear_line(takt(command, "/nowhere"), "there is no run at /nowhere")
    (tmp_path / "box.mcap").write_bytes(b"half of nothing")
    assert_one_clear_line(takt(command, str(tmp_path / "box.mcap")), "box.mcap ends early or is damaged")


def test_an_unknown_command():
    assert_one_clear_line(takt("fly"), "fly")


@pytest.fixture(scope="module")
def foreign_firmware(tmp_path_factory):
    """A firmware built from another contract: generated from it and compiled, as a user with an old build has."""
    folder = tmp_path_factory.mktemp("foreign")
    file = changed_contract(folder, "  speed_m_s: 0.8", "  speed_m_s: 0.7")
    generated = folder / "generated"
    made = takt("contract", "generate", "--file", str(file), "--out", str(generated))
    assert made.returncode == 0, made.stderr
    headers = next(generated.rglob("takt_contract.h")).parent
    build = folder / "build"
    configure = ["cmake", "-S", str(ROOT / "firmware"), "-B", str(build), f"-DTAKT_GENERATED_DIR={headers}"]
    subprocess.run(configure, check=True, capture_output=True)
    subprocess.run(
        ["cmake", "--build", str(build), "--target", "takt_firmware"], check=True, capture_output=True
    )
    yield build / "takt_firmware"
    shutil.rmtree(folder)


def test_a_firmware_built_from_another_contract(foreign_firmware, tmp_path):
    done = takt("demo", "--headless", "--firmware", str(foreign_firmware), "--run-dir", str(tmp_path))
    assert_one_clear_line(done, "limits")
