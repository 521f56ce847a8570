"""The arena of an episode: the demo's scenario of the same seed, with what the episode asks to be different."""

from __future__ import annotations

from dataclasses import replace

from takt.contract import Contract
from takt.simulation.scenario import Scenario
from takt.twin.episode import Episode


def stage_of(episode: Episode, contract: Contract) -> Scenario:
    """Equal seeds give equal arenas; fewer obstacles means the first ones, which stand nearest to the way."""
    scenario = Scenario.from_seed(episode.layout_seed, contract)
    arena = episode.arena
    speed = scenario.path.speed
    factor = arena.target_speed_factor
    faster = replace(speed, mean_m_s=speed.mean_m_s * factor, swing_m_s=speed.swing_m_s * factor)
    return replace(
        scenario,
        obstacles=scenario.obstacles[: arena.obstacles],
        passes=scenario.passes if arena.occlusions else (),
        path=replace(scenario.path, speed=faster),
    )
