"""`takt demo` refuses bad input before anything starts, with cause and fix."""

import socket

import pytest

from takt.demo.options import parse
from takt.errors import TaktError


@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_told_before_anything_starts(firmware, taken_port):
    with pytest.raises(TaktError, match=rf"port {taken_port}.*Fix: end the program"):
        parse([*firmware, "--port", str(taken_port)])
    assert parse([*firmware, "--headless", "--port", str(taken_port)]).headless


@pytest.fixture
def firmware(tmp_path):
    program = tmp_path / "takt_firmware"
    program.touch()
    return ["--firmware", str(program), "--run-dir", str(tmp_path), "--port", "0"]


def test_the_defaults(firmware):
    options = parse(firmware)
    assert (options.seconds, options.seed, options.headless, options.faults) == (40.0, 1, False, {})


def test_faults_carry_their_second(firmware):
    options = parse([*firmware, "--fault", "cut_link@7.5", "--fault", "blank_camera"])
    assert options.faults == {"cut_link": 7.5, "blank_camera": 10.0}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seconds", "0"], "too short"),
        (["--seed", "-3"], "negative"),
        (["--weights", "/nowhere/x.onnx"], "does not exist"),
        (["--json", "/nowhere/out.json"], "folder of"),
        (["--firmware", "/nowhere/fw"], "firmware /nowhere/fw does not exist"),
        (["--fault", "gremlin@3"], "unknown fault 'gremlin'"),
        (["--fault", "cut_link@soon"], "names no second"),
    ],
)
def test_bad_input_is_named_with_its_fix(firmware, arguments, message):
    with pytest.raises(TaktError, match=message) as caught:
        parse([*firmware, *arguments])
    assert "Fix: " in str(caught.value)
