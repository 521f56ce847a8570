"""The ladder's proof in small: outcomes are judged as they should be, and some faults live through the twin."""

import numpy as np
import pytest

import takt.contract
from takt import resources
from takt.deadlines import Rung
from takt.errors import TaktError
from takt.simulation.plant_record import RECORD
from takt.trouble import ladder_proof
from takt.trouble.kinds import KINDS
from takt.trouble.ladder_live import PER_RUN, arguments, reached
from takt.trouble.ladder_twin import Reached
from takt.trouble.reactions import Reaction, reactions, table
from takt.twin.command import library_path
from takt.twin.faults import KINDS as TWIN_KINDS

CONTRACT = takt.contract.load()
CUT = Reaction("line_cut", Rung.SAFE, 540.0, Rung.SAFE, 580.0)


def outcome(board, host, **more):
    usual = {"was_moving": True, "setpoint_zero_ms": 130.0, "standing_ms": 200.0}
    return Reached("line_cut", 1, board_ms=board, host_ms=host, **{**usual, **more})


def test_at_least_thirty_faults_of_the_twin_have_a_promise_and_most_can_be_shown_live():
    cases = reactions(CONTRACT)
    assert {case.kind for case in cases} <= set(TWIN_KINDS)
    assert len({case.kind for case in cases}) >= 30
    assert {case.kind for case in cases if case.live} <= set(KINDS)
    assert sum(case.live for case in cases) >= 28


def test_the_page_shows_the_table():
    page = resources.path("docs/ladder.md").read_text()
    assert table(CONTRACT) in page, "put takt.trouble.reactions.table() into docs/ladder.md"


def test_in_time_on_its_rung():
    assert ladder_proof.faults_of(CUT, outcome({0: 1.0, 2: 110.0, 3: 530.0}, {0: 0.0, 3: 560.0})) == []


@pytest.mark.parametrize(
    ("board", "host", "more", "word"),
    [
        ({0: 1.0, 2: 110.0}, {0: 0.0, 3: 560.0}, {}, "board went to HOLD"),
        ({0: 1.0, 3: 541.0}, {0: 0.0, 3: 560.0}, {}, "board on SAFE after 541 ms"),
        ({0: 1.0, 3: 530.0}, {0: 0.0, 2: 100.0}, {}, "host went to HOLD"),
        ({0: 1.0, 3: 530.0}, {0: 0.0, 3: 640.0}, {}, "host on SAFE after 640 ms"),
        ({2: 0.0, 3: 530.0}, {0: 0.0, 3: 560.0}, {}, "not NOMINAL before"),
        ({0: 1.0, 3: 530.0}, {0: 0.0, 3: 560.0}, {"setpoint_zero_ms": 301.0}, "setpoint zero"),
        ({0: 1.0, 3: 530.0}, {0: 0.0, 3: 560.0}, {"standing_ms": None}, "wheels at rest"),
    ],
)
def test_what_is_late_or_wrong_is_named(board, host, more, word):
    assert any(word in line for line in ladder_proof.faults_of(CUT, outcome(board, host, **more)))


def test_a_run_of_the_demo_is_read_off_its_records():
    start_ns = 10**18
    log = np.zeros(3000, RECORD)
    log["stamp_ns"] = start_ns + np.arange(3000) * 2_000_000
    since_ms = np.arange(3000) * 2.0 - 1000.0
    log["driver_enabled"] = True
    log["setpoint_rad_s"][since_ms < 230] = 8.0
    log["wheel_speed_rad_s"][since_ms < 290] = 5.0
    log["rung"][since_ms >= 110] = 2
    log["rung"][since_ms >= 530] = 3
    rungs = [(start_ns, "NOMINAL", ""), (start_ns + 1_560_000_000, "SAFE", "link silent")]
    found = reached(CUT, start_ns + 10**9, log, rungs, 1)
    assert found.was_moving and found.board_ms == {0: 0.0, 2: 110.0, 3: 530.0}
    assert found.host_ms == {0: 0.0, 3: 560.0}
    assert (found.setpoint_zero_ms, found.standing_ms) == (230.0, 290.0)
    assert ladder_proof.faults_of(CUT, found) == []


def test_a_dead_encoder_is_judged_from_when_its_wheel_is_driven():
    broken = next(case for case in reactions(CONTRACT) if case.kind == "encoder_broken")
    start_ns = 10**18
    log = np.zeros(3000, RECORD)
    log["stamp_ns"] = start_ns + np.arange(3000) * 2_000_000
    since_ms = np.arange(3000) * 2.0 - 1000.0
    log["duty"][:, 1] = np.where(since_ms < 900, -0.09, -0.21)
    log["setpoint_rad_s"] = 2.0
    log["rung"][since_ms >= 980] = 3
    rungs = [(start_ns, "NOMINAL", ""), (start_ns + 2_010_000_000, "SAFE", "board in SAFE")]
    found = reached(broken, start_ns + 10**9, log, rungs, 1)
    assert found.board_ms[3] == 80.0 and found.host_ms[3] == 110.0
    assert ladder_proof.faults_of(broken, found) == []
    log["rung"][since_ms < 1060] = 0
    late = ladder_proof.faults_of(broken, reached(broken, start_ns + 10**9, log, rungs, 1))
    assert any("board on SAFE after 160 ms" in line for line in late)


def test_a_run_has_room_for_each_of_its_faults():
    words = arguments([CUT] * PER_RUN, 3)
    assert words.count("--fault") == PER_RUN
    assert words[words.index("--seconds") + 1] == f"{7 + 9 * PER_RUN:g}"


def test_some_faults_end_on_their_rung_in_the_twin():
    """Three of the proof's faults, one seed."""
    try:
        library_path(None)
    except TaktError:
        pytest.skip("the firmware is not built")
    cases = [case for case in reactions(CONTRACT) if case.kind in ("line_cut", "e_stop", "camera_freeze")]
    rows = ladder_proof.in_twin(CONTRACT, cases, range(1, 2))
    assert [row["wrong"] for row in rows] == [[], [], []]
    counted = ladder_proof.summary({"cells_wrong": []}, rows)
    assert counted["ok"] and counted["twin_held"] == 3 and counted["unplugged_standing_ms_max"] <= 800.0
    assert not ladder_proof.summary({"cells_wrong": ["x"]}, rows)["ok"]
