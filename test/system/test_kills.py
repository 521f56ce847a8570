"""kill -9 of each process in mid-run: the motors stop, the others live on, the robot follows again.

One round of `takt prove kills`, judged without the milliseconds: those are the proof's to measure, on a quiet machine.
"""

import pytest

from takt.demo.kills import VICTIMS, kill_in_turn

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory, skip_without_real_time):
    """Of the first of three runs in which all came back in the time between two kills, else of the last."""
    for _ in range(3):
        run_dir = tmp_path_factory.mktemp("kills")
        found = kill_in_turn(seed=1, run_dir=run_dir)
        if all(came_back(outcome) for outcome in found):
            break
    else:
        skip_without_real_time(run_dir)
    return {outcome.victim: outcome for outcome in found}


def came_back(outcome):
    times = (outcome.setpoint_zero_ms, outcome.standing_after_ms, outcome.following_after_s)
    return None not in times and outcome.others_lived


@pytest.mark.parametrize("victim", VICTIMS)
def test_the_robot_stops_and_follows_again(outcomes, victim):
    outcome = outcomes[victim]
    assert outcome.setpoint_zero_ms is not None
    assert outcome.standing_after_ms is not None
    assert outcome.following_after_s is not None
    assert outcome.others_lived
