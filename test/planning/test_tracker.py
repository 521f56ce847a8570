"""The target's filter: follows, coasts, refuses what cannot be, and gives in to what persists."""

from __future__ import annotations

import math

import numpy as np
import pytest

from takt.planning.odometry import Odometry
from takt.planning.projection import Sighting
from takt.planning.tracker import TargetTracker

MS = 1_000_000
FRAME_NS = 33 * MS
HERE = Odometry(0)


def sighting(x_m: float, y_m: float, sigma_m: float = 0.03, score: float = 0.9) -> Sighting:
    return Sighting(x_m, y_m, (sigma_m**2, 0.0, sigma_m**2), score)


def followed(tracker: TargetTracker, frames: int, vx_m_s: float, vy_m_s: float, seed: int = 1) -> int:
    """Show a target that moves evenly from (2, 0); returns the last stamp."""
    rng = np.random.default_rng(seed)
    for frame in range(frames):
        seconds = frame * FRAME_NS / 1e9
        x_m, y_m = np.array([2.0 + vx_m_s * seconds, vy_m_s * seconds]) + rng.normal(0.0, 0.02, 2)
        assert tracker.observe(frame * FRAME_NS, HERE, [sighting(x_m, y_m)])
    return (frames - 1) * FRAME_NS


def test_it_learns_position_and_velocity() -> None:
    tracker = TargetTracker()
    last_ns = followed(tracker, 60, 0.3, -0.2)
    track = tracker.at(last_ns + 60 * MS)
    assert track is not None
    seconds = (last_ns + 60 * MS) / 1e9
    assert math.hypot(track.x_m - 2.0 - 0.3 * seconds, track.y_m + 0.2 * seconds) < 0.04
    assert math.hypot(track.vx_m_s - 0.3, track.vy_m_s + 0.2) < 0.12


def test_it_coasts_through_a_second_and_a_half_and_takes_the_target_up_again() -> None:
    tracker = TargetTracker()
    last_ns = followed(tracker, 60, 0.3, 0.0)
    again_ns = last_ns + 1_500 * MS
    hidden = tracker.at(again_ns)
    assert hidden is not None and hidden.unseen_s == pytest.approx(1.5)
    truth_m = 2.0 + 0.3 * again_ns / 1e9
    assert abs(hidden.x_m - truth_m) < 0.3  # of 0.45 m that it went unseen; it is believed to slow down
    before = tracker.at(last_ns)
    assert before is not None and hidden.sigma_m > 5 * before.sigma_m
    assert tracker.observe(again_ns, HERE, [sighting(truth_m + 0.3, 0.15)])  # it turned meanwhile


def test_looking_ahead_changes_nothing() -> None:
    tracker = TargetTracker()
    last_ns = followed(tracker, 20, 0.3, 0.1)
    before = tracker.at(last_ns)
    tracker.at(last_ns + 1_000 * MS)
    assert tracker.at(last_ns) == before


def test_of_several_it_takes_the_one_that_fits_not_the_one_that_scores() -> None:
    tracker = TargetTracker()
    last_ns = followed(tracker, 30, 0.0, 0.0)
    both = [sighting(3.5, 1.0, score=0.99), sighting(2.0, 0.0, score=0.5)]
    assert tracker.observe(last_ns + FRAME_NS, HERE, both)
    track = tracker.at(last_ns + FRAME_NS)
    assert track is not None and math.hypot(track.x_m - 2.0, track.y_m) < 0.05


def test_a_single_impossible_sighting_is_refused_and_a_persistent_one_believed() -> None:
    tracker = TargetTracker()
    stamp_ns = followed(tracker, 30, 0.0, 0.0)
    taken = []
    for _ in range(8):
        stamp_ns += FRAME_NS
        taken.append(tracker.observe(stamp_ns, HERE, [sighting(4.0, 1.5)]))
        track = tracker.at(stamp_ns)
        assert track is not None
        if not taken[-1]:
            assert math.hypot(track.x_m - 2.0, track.y_m) < 0.1
    assert taken[0] is False and taken[-1] is True
    assert math.hypot(track.x_m - 4.0, track.y_m - 1.5) < 0.1


def test_sightings_are_placed_by_the_pose_of_their_picture() -> None:
    tracker = TargetTracker()
    tracker.observe(0, Odometry(0, 1.0, 2.0, math.pi / 2), [sighting(1.5, 0.5)])
    track = tracker.at(0)
    assert track is not None and (track.x_m, track.y_m) == pytest.approx((0.5, 3.5))


def test_without_a_sighting_there_is_no_track() -> None:
    tracker = TargetTracker()
    assert tracker.observe(0, HERE, []) is False and tracker.at(0) is None and tracker.seen_ns is None
    followed(tracker, 3, 0.0, 0.0)
    tracker.reset()
    assert tracker.at(0) is None
