"""Zephyr in simulated time, in small: the proof on the emulated Cortex-M, and a stalled link thread on native_sim."""

import json
import os
import shutil

import pytest

from takt import firmware_ports
from takt.simulation import emulation_proof
from takt.simulation.simulated_world import Seen

needs_zephyr = pytest.mark.skipif(
    "ZEPHYR_BASE" not in os.environ,
    reason="ZEPHYR_BASE is not set: docs/zephyr.md tells how to set up a workspace",
)
needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-system-arm") is None, reason="no qemu-system-arm: apt-get install qemu-system-arm"
)
STALL_MS = 10_000


def record(sequence, cause, cycle, late_ms=15.5):
    return {
        "sequence": str(sequence),
        "cause": cause,
        "cycle": str(cycle),
        "late_ns": str(int(late_ms * 1e6)),
    }


def test_the_records_of_a_busy_stretch_are_judged_one_by_one():
    right = [record(1, "own_overrun", 300), record(2, "skipped", 301), record(3, "skipped", 302)]
    assert emulation_proof.wrong_records(Seen(unseen_cycles=2, records=right)) == []
    assert emulation_proof.wrong_records(Seen(unseen_cycles=3, records=right))
    assert emulation_proof.wrong_records(Seen(unseen_cycles=2, records=right[:2]))
    assert emulation_proof.wrong_records(Seen(unseen_cycles=2, records=[right[1], right[0], right[2]]))
    late = [record(1, "own_overrun", 300, 25.0), *right[1:]]
    assert emulation_proof.wrong_records(Seen(unseen_cycles=2, records=late))


@needs_zephyr
@needs_qemu
def test_the_emulated_board_keeps_its_grid_and_reports_what_it_misses(tmp_path):
    report = tmp_path / "report.json"
    status = emulation_proof.main(["--count", "8", "--json", str(report)])
    told = json.loads(report.read_text())
    assert status == 0 and told["ok"] and told["time"] == "simulated", told
    assert told["clean"]["duty_frames"] == 800
    assert told["bite"]["safety"] == "watchdog_reset"


@needs_zephyr
def test_a_link_thread_that_is_blocked_for_ten_seconds_costs_no_cycle():
    """The board sees commands and agent fall silent and goes SAFE by itself; when the thread is back it tells so."""
    setting = f"-DCONFIG_TAKT_TEST_LINK_STALL_MS={STALL_MS}"
    program = firmware_ports.build("native_sim", "stalled", setting) / "zephyr" / "zephyr.exe"
    seen, _ = emulation_proof.on_native_sim(program, 18.0)
    loop = seen.diagnostics["base: loop"]
    assert int(loop["uptime_ms"]) > 5_000 + STALL_MS
    assert loop["misses"] == "0" and seen.records == [] and seen.unseen_cycles == 0
    assert 100 < seen.armed_frames < 1_000
