"""A flood of garbage towards the agent, in virtual time: what was under way goes on when it ends.

The agent once took a board for gone that it could not hear for 5 s: after a longer flood the board had to log in
anew, and good samples came a fifth of a second after the end.
"""

from __future__ import annotations

import pytest

from takt.link_proofs.clock_world import MS, ClockWorld, S

GOOD_AGAIN_NS = 100 * MS


@pytest.mark.parametrize("flood_s", [1.0, 5.0, 8.0])
def test_good_samples_come_within_100_ms_of_the_end(library, flood_s):
    world = ClockWorld(library, seed=9, baud=921_600, drift_ppm=0.0)
    world.run(1.5)
    (session,) = world.agent.sessions
    stats = world.agent.stats
    world.up.noise(3, world.now_ns, int(flood_s * S))
    world.run(flood_s)
    before, ended_ns = stats.samples_to_ros, world.now_ns
    while stats.samples_to_ros == before and world.now_ns < ended_ns + S:
        world.run(0.001)
    assert world.now_ns - ended_ns <= GOOD_AGAIN_NS
    assert world.agent.sessions == [session] and stats.sessions_opened == 1
