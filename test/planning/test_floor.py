"""Floor that was seen to be free, floor that nobody saw, and floor on which something stands."""

from __future__ import annotations

import math

import numpy as np
import pytest

import takt.contract
from takt.planning.camera import GroundCamera
from takt.planning.floor import DOUBTED, FREE, STALE, SUSPECT, UNSEEN, Floor, Thing
from takt.planning.odometry import Odometry
from takt.planning.projection import ObstacleSighting

CONTRACT = takt.contract.load()
CAMERA = GroundCamera.from_contract(CONTRACT)
FOOTPRINT_M = CONTRACT.robot.footprint_radius_m
HERE = Odometry(0)


def floor() -> Floor:
    return Floor(CAMERA, FOOTPRINT_M)


def state(one: Floor, x_m: float, y_m: float, pose: Odometry = HERE) -> int:
    return int(one.view_from(pose)(np.array([x_m]), np.array([y_m]))[0])


def thing(
    near_m: float,
    left_rad: float,
    right_rad: float,
    low_cut: bool = False,
    moves: bool = False,
    known: bool = False,
) -> Thing:
    sighting = ObstacleSighting(near_m, 0.01, left_rad, right_rad, False, False, CAMERA.x_m, low_cut)
    return Thing(sighting, moves, known)


def test_the_camera_shows_a_wedge_and_not_the_corners() -> None:
    one = floor()
    one.observe(HERE, [], 0.0)
    assert state(one, 0.6, 0.0) == state(one, 0.6, 0.25) == FREE
    assert state(one, 0.25, 0.25) == state(one, -0.4, 0.0) == state(one, 0.6, 0.5) == UNSEEN
    assert state(one, 0.0, FOOTPRINT_M) == state(one, -FOOTPRINT_M, 0.0) == FREE  # where it stands


def test_turned_to_both_sides_it_has_seen_its_corners() -> None:
    one = floor()
    for yaw_rad in (0.5, -0.5, 0.0):
        one.observe(Odometry(0, yaw_rad=yaw_rad), [], 0.0)
    assert state(one, 0.25, 0.2) == state(one, 0.25, -0.2) == FREE


def test_behind_a_front_something_stands_and_behind_that_nobody_knows() -> None:
    one = floor()
    one.observe(HERE, [thing(0.5, 0.15, -0.15)], 0.0)
    assert state(one, 0.45, 0.0) == FREE
    assert state(one, 0.7, 0.0) == SUSPECT
    assert state(one, 1.1, 0.0) == DOUBTED
    assert state(one, 1.0, 0.4) == FREE


def test_with_its_foot_out_of_sight_it_may_stand_wherever_nobody_has_looked() -> None:
    """Its distance was taken for that of the picture's border: the robot drove into it, 0.1 m before."""
    new = floor()
    new.observe(HERE, [thing(0.357, 0.15, -0.15, low_cut=True)], 0.0)
    assert state(new, 0.3, 0.0) == state(new, 0.5, 0.0) == SUSPECT
    known = floor()
    known.observe(HERE, [], 0.0)
    known.observe(HERE, [thing(0.357, 0.15, -0.15, low_cut=True, known=True)], 0.0)
    assert state(known, 0.3, 0.0) == FREE  # seen before; what stands does not come nearer by itself
    stepped_in = floor()
    stepped_in.observe(HERE, [], 0.0)
    stepped_in.observe(HERE, [thing(0.357, 0.15, -0.15, low_cut=True)], 0.0)
    assert state(stepped_in, 0.3, 0.0) == SUSPECT  # one that nobody knows has come from somewhere


def test_the_unseen_beside_it_may_be_more_of_it() -> None:
    one = floor()
    one.observe(HERE, [thing(0.5, 0.57, 0.3)], 0.0)
    assert state(one, 0.55, 0.5) == DOUBTED
    assert state(one, -0.6, 0.0) == UNSEEN


def test_what_moves_leaves_no_suspicion() -> None:
    one = floor()
    one.observe(HERE, [thing(0.5, 0.15, -0.15, moves=True)], 0.0)
    assert state(one, 0.7, 0.0) == UNSEEN
    one.observe(HERE, [], 0.0)
    assert state(one, 0.7, 0.0) == FREE


def test_suspicion_grows_old_and_memory_fades_with_the_way() -> None:
    one, behind = floor(), Odometry(0, yaw_rad=math.pi)
    one.observe(HERE, [thing(0.5, 0.15, -0.15)], 0.0)
    one.observe(behind, [], 0.3)
    assert state(one, 0.7, 0.0) == STALE and state(one, 0.45, 0.0) == FREE
    one.observe(behind, [], 4.2)
    assert state(one, 0.7, 0.0) == state(one, 0.45, 0.0) == UNSEEN


@pytest.mark.parametrize("way", [(0.3, 0.0), (-0.3, 0.7), (0.0, -1.0)])
def test_it_moves_with_the_robot_and_keeps_what_it_knows(way: tuple[float, float]) -> None:
    one, there = floor(), Odometry(0, *way)
    one.observe(HERE, [thing(0.5, 0.1, -0.1)], 0.0)
    before = state(one, 0.7, 0.0), state(one, 0.4, 0.05)
    one.observe(Odometry(0, *way, yaw_rad=math.pi), [], 0.05)
    assert (
        state(one, 0.7 - way[0], -way[1], there),
        state(one, 0.4 - way[0], 0.05 - way[1], there),
    ) == before
    assert before == (SUSPECT, FREE)
    assert state(one, way[0] + 5.0, 0.0, there) in (UNSEEN, DOUBTED)


def test_what_stands_beside_it_stays_until_the_robot_stands_there_itself() -> None:
    """The rim around the robot was taken as free, and with it the corner of a board that it then drove into."""
    one = floor()
    one.observe(HERE, [thing(0.3, -0.2, -0.5)], 0.0)
    at = (0.45, -0.15)  # a cell's middle
    assert state(one, *at) == SUSPECT
    beside = Odometry(0, at[0], at[1] + FOOTPRINT_M + 0.01, yaw_rad=math.pi / 2.0)
    one.observe(beside, [], 0.2)
    assert state(one, -FOOTPRINT_M - 0.01, 0.0, beside) == STALE
    assert state(one, 0.0, FOOTPRINT_M, beside) == FREE  # the rim elsewhere: no picture shows it
    above = Odometry(0, *at)
    one.observe(above, [], 0.5)
    assert state(one, 0.0, 0.0, above) == FREE


def test_far_away_nothing_is_left() -> None:
    one = floor()
    one.observe(HERE, [], 0.0)
    far = Odometry(0, 10.0, 10.0)
    one.observe(far, [], 0.0)
    assert state(one, 0.6, 0.0, far) == FREE and state(one, -0.6, 0.0, far) == UNSEEN


def test_forgotten_is_forgotten() -> None:
    one = floor()
    one.observe(HERE, [], 0.0)
    one.forget()
    assert state(one, 0.6, 0.0) == UNSEEN


def test_forgotten_but_for_what_was_seen_to_stand_there() -> None:
    """After SAFE it drove along the side of a box that it had not seen since, and into the corner."""
    one = floor()
    one.observe(HERE, [], 0.0)
    one.forget([(0.6, 0.3, 0.15)])
    assert state(one, 0.6, 0.2) == SUSPECT
    assert state(one, 0.6, 0.1) == DOUBTED  # its corner, if it is a box
    assert state(one, 0.6, -0.3) == UNSEEN
    one.observe(HERE, [], 0.0)
    assert state(one, 0.6, 0.2) == state(one, 0.6, 0.1) == FREE  # somebody took it away
