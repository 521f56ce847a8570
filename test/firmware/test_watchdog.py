"""The host port's watchdog on a real process whose control thread is made to stand still, and rehearsed misses: what
the board says of them afterwards. Waits are for events, never for a time."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_process import LIMIT_S, Host, Machine, Plant, drive, wait_for

from takt.contract.generated import messages


@pytest.fixture
def start(firmware_build: Path, tmp_path: Path) -> Iterator[object]:
    made: list[Machine] = []

    def start(*more: str) -> Machine:
        made.append(Machine([str(firmware_build / "takt_firmware")], tmp_path, *more))
        return made[-1]

    yield start
    for machine in made:
        if machine.process.poll() is None:
            machine.process.kill()
            machine.process.communicate()


def test_a_blocked_control_thread_is_bitten_and_the_reason_reaches_diagnostics(start) -> None:  # type: ignore[no-untyped-def]
    machine = start("--rehearse-stretch", "3000@100")
    plant, host = Plant(machine.plant), Host(machine.link)
    wait_for(lambda: len(plant.frames) > 20, "duty frames", plant, host)
    before = machine.process.pid
    assert machine.process.stderr is not None
    said = ""
    while "after the watchdog" not in said:
        said += machine.process.stderr.readline()
    assert "watchdog: no cycle in time" in said and "boot 2 after the watchdog" in said
    assert machine.process.poll() is None and machine.process.pid == before, "the same process, started anew"
    plant.close(), host.close()

    wait_for(lambda: machine.link.exists() and machine.plant.exists(), "the lines to come back")
    plant, host = Plant(machine.plant), Host(machine.link)
    wait_for(lambda: host.said("base: safety") != {}, "diagnostics after the reconnect", plant, host)
    assert host.said("base: safety")["reason"] == host.said("base: safety")["fault"] == "watchdog_reset"
    assert all(frame.duty == (0.0, 0.0) and not frame.driver_enabled for frame in plant.frames)
    drive(plant, host)  # clear_fault, then arm: a person's decision
    assert plant.frames[-1].driver_enabled


def test_a_stretch_of_25_ms_is_one_overrun_and_the_releases_it_swallowed(start) -> None:  # type: ignore[no-untyped-def]
    machine = start("--rehearse-stretch", "25@150", "--watchdog-ms", "0")
    plant, host = Plant(machine.plant), Host(machine.link)

    def records() -> dict[int, dict[str, str]]:
        found = {}
        for data in host.ros.published("rt/base/deadline_misses"):
            values = {
                pair.key: pair.value for pair in messages.DiagnosticArray.from_cdr(data).status[0].values
            }
            found[int(values["cycle"])] = values
        return found

    wait_for(lambda: 150 in records() and 152 in records(), "the records", plant, host)
    assert records()[150]["cause"] == "own_overrun" and int(records()[150]["late_ns"]) >= 15_000_000
    assert records()[151]["cause"] == "skipped", "whatever else the machine itself took"
    assert records()[152]["cause"] == "skipped"


def test_a_blocked_link_thread_ends_in_safe_while_the_cycles_go_on(start) -> None:  # type: ignore[no-untyped-def]
    machine = start("--rehearse-block", "2000@2500")
    plant, host = Plant(machine.plant), Host(machine.link)
    wait_for(lambda: len(plant.frames) > 20, "duty frames", plant, host)
    wait_for(lambda: plant.frames[-1].board_ns > 2_400_000_000, "the block", plant, host)
    first = len(plant.frames)
    wait_for(lambda: plant.frames[-1].board_ns > 4_300_000_000, "the time of the block to pass", plant)
    frames = plant.frames[first:]
    assert frames[-1].rung == 3 and not frames[-1].driver_enabled, "silence of the link"
    assert frames[-1].cycle - frames[0].cycle <= 200, "no bunching"
    assert len(frames) > 20, "the loop ran while the link stood still"


def test_misses_are_made_to_order_while_it_runs(start, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    """One after the other, each told by its own cause; what means nothing is told, and changes nothing."""
    orders = tmp_path / "orders"
    machine = start("--orders", str(orders), "--watchdog-ms", "0")
    plant, host = Plant(machine.plant), Host(machine.link)
    wait_for(lambda: len(plant.frames) > 20, "duty frames", plant, host)

    def causes() -> list[str]:
        found = []
        for data in host.ros.published("rt/base/deadline_misses"):
            status = messages.DiagnosticArray.from_cdr(data).status[0]
            found += [pair.value for pair in status.values if pair.key == "cause"]
        return found

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as person:
        for order, cause in (
            ("stretch 40", "own_overrun"),
            ("nap 40", "preempted"),
            ("late 40", "late_release"),
        ):
            before = causes().count(cause)
            for text in ("dance 3", "stretch", order):
                person.sendto(text.encode(), str(orders))
            wait_for(lambda cause=cause, before=before: causes().count(cause) > before, cause, plant, host)
    assert machine.process.poll() is None


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--watchdog-ms", "49"),
        ("--watchdog-ms", "10001"),
        ("--rehearse-stretch", "25"),
        ("--rehearse-stretch", "25@x"),
        ("--rehearse-block", "1@2@3"),
    ],
)
def test_bad_options_name_cause_and_fix(firmware_build: Path, option: str, value: str) -> None:
    command = [firmware_build / "takt_firmware", "--link", "pty:/x", "--plant", "pty:/y", option, value]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S)
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {option} {value} is not possible. Fix: ")
