"""The command itself, on this computer and on a healthy one; its page."""

from __future__ import annotations

import json
import os
import pty
import threading
import time

import pytest

import takt.contract
from takt import resources
from takt.doctor import command, probes, report
from takt.doctor.check import SIMULATION, Check, InSimulation, fail, ok, warn
from takt.doctor.command import main
from takt.doctor.machine import Machine
from takt.doctor.reference_table import BEGIN, END, table
from takt.doctor.report import Examined
from takt.errors import TaktError
from takt.link.framing import encode_frame
from takt.link.handshake import PROPERTY
from takt.link.messages import build_create_client, build_header


def examined(*findings):
    return [
        Examined(Check(f"check{n}", "theme", "It matters.", InSimulation.SAME, ok), finding)
        for n, finding in enumerate(findings)
    ]


def test_the_exit_status_tells_of_failures_only():
    assert report.exit_status(examined(ok("fine"), warn("hm", "do"))) == 0
    assert report.exit_status(examined(ok("fine"), fail("bad", "do"))) == 1


def test_the_text_gives_reason_and_fix_and_claims_nothing_hard():
    text = report.as_text(examined(ok("fine"), fail("bad", "sudo mend it")), "robot")
    assert "FAIL    check1" in text and "why: It matters." in text and "fix: sudo mend it" in text
    assert "2 checks: 1 ok, 0 warn, 1 fail" in text
    assert text.endswith(
        "Linux is soft real time, whatever stands above; hard deadlines are the board's alone."
    )


def test_on_this_computer_it_answers_every_check(tmp_path, capsys):
    file = tmp_path / "doctor.json"
    status = main(["--robot", "--json", str(file)])
    told = json.loads(file.read_text())
    assert (status == 0) == told["ok"]
    assert len(told["checks"]) >= 30 and sum(told["counts"].values()) == len(told["checks"])
    for row in told["checks"]:
        assert row["why"] and row["found"] and (row["fix"] or row["state"] in ("ok", "skip", "unknown")), row
    assert "takt doctor, profile robot" in capsys.readouterr().out


def test_json_to_the_terminal_is_nothing_but_json(capsys):
    main(["--only", "python", "--only", "kernel", "--json", "-"])
    names = [row["name"] for row in json.loads(capsys.readouterr().out)["checks"]]
    assert "python" in names and "preempt_rt" in names and "governor" not in names


def test_a_wrong_name_is_refused_with_the_near_ones():
    with pytest.raises(TaktError) as refusal:
        main(["--only", "rtpio"])
    assert "rtprio" in refusal.value.fix


def test_a_file_that_cannot_be_written_is_one_line(tmp_path):
    with pytest.raises(TaktError, match="cannot be written"):
        main(["--only", "python", "--json", str(tmp_path / "no" / "such.json")])


def test_without_services_it_is_a_simulation(tmp_path, machine):
    assert command.examine(Machine(tmp_path / "empty"), ["python"], None)[1] == SIMULATION
    assert command.examine(machine, ["python"], None)[1] == "robot"


def hello(properties):
    return build_header(0x80, 0, 0, b"") + build_create_client(b"\1\2\3\4", 0x81, 512, properties)


def test_a_boards_hello_tells_its_contract():
    assert probes.hello_property(hello({PROPERTY: "abc", "uxr_hl": "500"})) == "abc"
    assert probes.hello_property(hello({})) == ""
    assert probes.hello_property(build_header(0x81, 1, 0, b"\1\2\3\4") + b"\x07\1\4\0abcd") is None
    assert probes.hello_property(b"\x80") is None


def test_a_board_without_an_agent_is_heard_on_a_real_line(monkeypatch):
    monkeypatch.setattr(probes, "_LISTEN_S", 120.0)
    ours, theirs = pty.openpty()
    told, done = takt.contract.load().hash_property, threading.Event()

    def board():
        while not done.is_set():
            os.write(ours, b"\x00noise" + encode_frame(hello({PROPERTY: told})))
            time.sleep(0.02)

    thread = threading.Thread(target=board, daemon=True)
    thread.start()
    try:
        assert probes.board_property(os.ttyname(theirs), 921600) == told
    finally:
        done.set()
        thread.join()
        os.close(ours)
        os.close(theirs)


def test_the_page_shows_the_checks_as_they_are():
    page = resources.path("docs/doctor.md").read_text()
    shown = page[page.index(BEGIN) : page.index(END) + len(END)]
    assert shown == table(), "run: python -m takt.doctor.reference_table, and put it into docs/doctor.md"
