"""Which faults a run gets: seeds and scenarios mean what they mean in the twin; nonsense is refused by name."""

import pytest

from takt.errors import TaktError
from takt.trouble import day
from takt.trouble.kinds import KINDS, NOT_LIVE
from takt.twin import chaos, scenario_file
from takt.twin.faults import KINDS as TWIN_KINDS


def test_every_fault_of_the_twin_is_either_live_or_refused_with_a_reason():
    assert set(TWIN_KINDS) <= set(KINDS) | set(NOT_LIVE)
    assert not set(KINDS) & set(NOT_LIVE)


def test_a_chaos_seed_is_the_twins_day_less_what_a_host_cannot_be_given():
    for seed in range(60):
        twin, live = chaos.draw(seed), day.of_chaos(seed)
        assert live.episode.layout_seed == twin.layout_seed
        assert [plan for plan in twin.faults if plan.kind in KINDS] == list(live.episode.faults)
        assert len(live.left_out) == len(twin.faults) - len(live.episode.faults)
        assert live.seconds >= live.episode.faults_end_s + 10.0 or not live.episode.faults


def test_every_shipped_scenario_is_possible_or_says_why_not():
    refused = []
    for name in scenario_file.shipped():
        try:
            assert day.of_scenario(name, 1).expect is not None
        except TaktError as error:
            refused.append((name, error.cause))
    assert [name for name, _ in refused] == ["open_floor"]
    assert "arena of its own" in refused[0][1]


def test_faults_by_hand():
    made = day.of_faults(["line_cut@12+2:0.25", "camera_kill@5"], seed=3, seconds=30.0)
    first, second = made.episode.faults
    assert (first.kind, first.at_s, first.for_s, first.strength) == ("camera_kill", 5.0, 1.0, 0.5)
    assert (second.kind, second.at_s, second.for_s, second.strength) == ("line_cut", 12.0, 2.0, 0.25)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("host_clock_step@3", "would set the clock of this host"),
        ("gremlin@3", "unknown fault 'gremlin'"),
        ("line_cut@soon", "cannot be read"),
        ("line_cut@3+1:7", "out of range"),
    ],
)
def test_what_is_refused(text, cause):
    with pytest.raises(TaktError, match=cause) as caught:
        day.of_faults([text], 1, 30.0)
    assert caught.value.fix
