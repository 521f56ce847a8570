"""The table of ports that a simulated run can hold, and the lines that each is started with."""

from pathlib import Path

import pytest

from takt import firmware_ports, graph
from takt.errors import TaktError


def started(port: str) -> graph.Process:
    options = graph.SimOptions(run_dir=Path("/run"), firmware=Path("/image"), port=port, name="x")
    return graph.simulation(options)[0]


@pytest.mark.parametrize("port", firmware_ports.PORTS)
def test_every_port_offers_the_lines_that_plant_and_agent_open(port):
    process = started(port)
    words = " ".join((process.executable, *process.arguments)).replace("=", " ").split()
    assert process.name == "firmware" and not process.ros and process.restart
    assert words[words.index("--link") + 1] == "pty:/run/link"
    assert words[words.index("--plant") + 1] == "unix:/run/plant"
    assert "/image" in words and "--fifo" in words


def test_only_ports_that_run_in_real_time_say_so():
    times = {name: port.time for name, port in firmware_ports.PORTS.items()}
    assert {name for name, time in times.items() if time == "simulated"} == {"native_sim", "qemu"}


def test_memory_that_outlives_a_reset_is_no_file_on_a_disk():
    for port in ("posix", "native_sim"):
        assert any("/dev/shm/x_retained" in argument for argument in started(port).arguments)


def test_a_program_of_one_s_own_is_started_as_the_posix_port(tmp_path):
    program = tmp_path / "mine"
    program.touch()
    assert firmware_ports.image(str(program)) == ("posix", program)


def test_without_a_workspace_one_line_says_how_to_set_one_up(monkeypatch):
    monkeypatch.delenv("ZEPHYR_BASE", raising=False)
    with pytest.raises(TaktError, match="no Zephyr workspace") as caught:
        firmware_ports.image("native_sim")
    assert "west init" in caught.value.fix and "\n" not in caught.value.fix


def test_an_unknown_port_is_refused_with_the_names():
    with pytest.raises(TaktError, match=r"toaster does not exist.*posix.*native_sim.*qemu"):
        firmware_ports.image("toaster")
