"""The follower's rules: which stamp a command carries, and when it must not drive."""

from __future__ import annotations

import math

import numpy as np
import pytest

import takt.contract
from takt.deadlines import Rung
from takt.frames import Detections
from takt.planning import Command, Follower, Observation, Odometry
from takt.planning.camera import GroundCamera
from takt.planning.projection import TARGET_HEIGHT_M, TARGET_RADIUS_M

CONTRACT = takt.contract.load()
CAMERA = GroundCamera.from_contract(CONTRACT)
MS = 1_000_000
START_NS = 1_700_000_000_000_000_000
TICK_NS = 20 * MS
LATENCY_NS = 60 * MS


def target_box(x_m: float, y_m: float) -> Detections:
    angles = np.linspace(0.0, 2.0 * math.pi, 32, endpoint=False)
    points = np.array(
        [
            CAMERA.pixel(x_m + TARGET_RADIUS_M * math.cos(a), y_m + TARGET_RADIUS_M * math.sin(a), z)
            for a in angles
            for z in (0.0, TARGET_HEIGHT_M)
        ]
    )
    box = np.concatenate([points.min(axis=0), points.max(axis=0)]).astype(np.float32)
    return Detections(box[None, :], np.array([0.9], np.float32), np.zeros(1, np.int32))


def far_obstacle() -> Detections:
    box = np.array([[150.0, 80.0, 170.0, 118.0]], np.float32)
    return Detections(box, np.array([0.9], np.float32), np.ones(1, np.int32))


class Stand:
    """A robot that never moves, whatever it is told, and a follower that watches a target from it.

    Unless it has ``looked_round``, it does not know what stands before its corners, which the camera does not show.
    """

    def __init__(self, looked_round: bool = False) -> None:
        self.follower, self.now_ns = Follower(CONTRACT), START_NS
        self.observation: Observation | None = None
        self.yaw_rad = 0.0
        if looked_round:
            self.look_round()

    def look_round(self) -> None:
        """Turned to both sides, with something to see far away."""
        for self.yaw_rad in (0.6, -0.6, 0.0):
            self.tick(far_obstacle(), Rung.HOLD, times=8)

    def tick(
        self,
        seen: Detections | None = None,
        rung: Rung = Rung.NOMINAL,
        wheels: bool = True,
        times: int = 1,
    ) -> Command:
        """``seen`` None: no new picture arrives."""
        for _ in range(times):
            self.now_ns += TICK_NS
            if seen is not None:
                self.observation = Observation(self.now_ns - LATENCY_NS, seen)
            odometry = Odometry(self.now_ns - 5 * MS, yaw_rad=self.yaw_rad) if wheels else None
            command = self.follower.update(self.observation, odometry, rung, self.now_ns)
        return command


def test_before_the_first_picture_there_is_no_stamp_and_no_motion() -> None:
    command = Stand().tick(times=10)
    assert (command.stamp_ns, command.speed_m_s, command.yaw_rate_rad_s) == (0, 0.0, 0.0)


def test_the_stamp_is_the_newest_pictures_also_without_a_target() -> None:
    stand = Stand()
    assert stand.tick(target_box(2.0, 0.0)).stamp_ns == stand.now_ns - LATENCY_NS
    assert stand.tick(Detections.empty()).stamp_ns == stand.now_ns - LATENCY_NS


def test_without_new_pictures_the_stamp_grows_old() -> None:
    stand = Stand()
    first = stand.tick(target_box(2.0, 0.0))
    later = stand.tick(times=20)
    assert later.stamp_ns == first.stamp_ns


def test_an_older_picture_does_not_turn_time_back() -> None:
    stand = Stand()
    newest = stand.tick(target_box(2.0, 0.0))
    stand.observation = Observation(newest.stamp_ns - 30 * MS, target_box(2.0, 0.5))
    assert stand.tick().stamp_ns == newest.stamp_ns


@pytest.mark.parametrize("step_ms", [30, 700, 3_600_000])
def test_a_clock_set_back_begins_anew_and_not_with_an_old_picture(step_ms: int) -> None:
    """Set back by 0.7 s, a picture 0.7 s old seemed fresh, to the planner and, once its clock had followed, to the
    board: it drove on it."""
    stand = Stand(looked_round=True)
    stand.tick(target_box(2.0, 0.0), times=10)
    stand.now_ns -= step_ms * MS
    assert stand.tick(times=60).stamp_ns == 0  # the picture from before: no command
    command = stand.tick(target_box(2.0, 0.0), times=20)
    assert command.stamp_ns == stand.now_ns - LATENCY_NS and command.speed_m_s > 0.0


@pytest.mark.parametrize("step_ms", [100, 545, 700, 2000])
@pytest.mark.parametrize("late_ms", [150, 280, 450])
def test_a_picture_under_way_when_the_clock_is_set_back_is_never_taken(step_ms: int, late_ms: int) -> None:
    """It came from a slow detector, from the future, and was still the newest when the clock had followed: half a
    second old, it seemed new."""
    stand = Stand()
    stand.tick(target_box(2.0, 0.0), times=10)
    taken_ns = stand.now_ns + 8 * MS
    stand.now_ns -= step_ms * MS
    stand.tick(times=late_ms * MS // TICK_NS)
    stand.observation = Observation(taken_ns, target_box(2.0, 0.5))
    assert stand.tick(times=3 * step_ms * MS // TICK_NS).stamp_ns == 0
    assert stand.tick(target_box(2.0, 0.0)).stamp_ns == stand.now_ns - LATENCY_NS


def test_a_picture_from_the_future_is_none() -> None:
    stand = Stand()
    stand.tick(target_box(2.0, 0.0), times=3)
    stand.observation = Observation(stand.now_ns + 500 * MS, target_box(2.0, 0.5))
    taken_ns = stand.tick().stamp_ns
    assert taken_ns < stand.now_ns
    assert stand.tick(times=100).stamp_ns == taken_ns  # nor when its time has come


@pytest.mark.parametrize(("x_m", "sign"), [(2.0, 1.0), (0.75, -1.0)])
def test_it_drives_towards_a_far_target_and_backs_off_a_near_one(x_m: float, sign: float) -> None:
    stand = Stand(looked_round=True)
    command = stand.tick(target_box(x_m, 0.0), times=40)
    assert command.speed_m_s * sign > 0.05 and abs(command.yaw_rate_rad_s) < 0.1
    assert -0.25 <= command.speed_m_s <= CONTRACT.limits.speed_m_s


@pytest.mark.parametrize("y_m", [-0.5, 0.5])
def test_it_turns_towards_the_target(y_m: float) -> None:
    assert Stand().tick(target_box(1.5, y_m), times=30).yaw_rate_rad_s * y_m > 0.2


@pytest.mark.parametrize("rung", [Rung.HOLD, Rung.SAFE])
def test_on_the_lower_rungs_it_is_zero_at_once_with_a_fresh_stamp(rung: Rung) -> None:
    stand = Stand(looked_round=True)
    assert stand.tick(target_box(2.5, 0.0), times=40).speed_m_s > 0.4
    command = stand.tick(target_box(2.5, 0.0), rung=rung)
    assert (command.speed_m_s, command.yaw_rate_rad_s) == (0.0, 0.0)
    assert command.stamp_ns == stand.now_ns - LATENCY_NS


def test_back_on_nominal_it_starts_from_zero_without_a_jump() -> None:
    stand = Stand(looked_round=True)
    stand.tick(target_box(2.5, 0.0), times=40)
    stand.tick(target_box(2.5, 0.0), rung=Rung.HOLD, times=5)
    step = CONTRACT.limits.acceleration_m_s2 * TICK_NS / 1e9
    assert 0.0 < stand.tick(target_box(2.5, 0.0)).speed_m_s <= step + 1e-9


@pytest.mark.parametrize("y_m", [-0.5, 0.5])
def test_it_looks_where_the_target_went_while_it_had_to_stand(y_m: float) -> None:
    """It searched on the side on which the target had been before the stop, all the way round."""
    stand = Stand()
    stand.tick(target_box(1.6, -y_m), times=20)
    for step in range(40):
        stand.tick(target_box(1.6, y_m * (step / 20.0 - 1.0)), rung=Rung.SAFE)
    stand.tick(Detections.empty(), rung=Rung.SAFE, times=100)
    assert stand.tick(Detections.empty(), times=20).yaw_rate_rad_s * y_m > 0.0


@pytest.mark.parametrize("ahead_ms", [-60, 60, 700])
def test_wheel_angles_of_another_time_are_none(ahead_ms: int) -> None:
    """A clock was set: with wheel angles that seem to come from the future it knew its pose of long ago."""
    stand = Stand(looked_round=True)
    stand.tick(target_box(2.5, 0.0), times=20)
    odometry = Odometry(stand.now_ns + ahead_ms * MS)
    command = stand.follower.update(stand.observation, odometry, Rung.NOMINAL, stand.now_ns)
    assert command.reason == "no odometry"


def test_reduced_is_slower() -> None:
    command = Stand(looked_round=True).tick(target_box(3.5, 0.0), rung=Rung.REDUCED, times=80)
    limit = CONTRACT.limits.speed_m_s * CONTRACT.ladder.reduced_speed_factor
    assert command.speed_m_s == pytest.approx(limit)


def test_without_wheel_angles_it_comes_to_a_stop() -> None:
    stand = Stand(looked_round=True)
    stand.tick(target_box(2.5, 0.0), times=40)
    ways = [stand.tick(target_box(2.5, 0.0), wheels=False).speed_m_s for _ in range(40)]
    assert ways[-1] == 0.0 and all(later <= earlier for earlier, later in zip(ways, ways[1:], strict=False))


@pytest.mark.parametrize("y_m", [-0.4, 0.4])
def test_a_lost_target_stops_it_and_it_looks_where_the_target_went(y_m: float) -> None:
    stand = Stand(looked_round=True)
    stand.tick(target_box(1.6, y_m), times=40)
    coasting = round(CONTRACT.planning.lost_timeout_ms * 1e6 / TICK_NS)
    assert stand.tick(Detections.empty(), times=coasting // 2).reason == "coasting"
    lost = stand.tick(Detections.empty(), times=coasting)
    assert lost.reason == "searching" and lost.speed_m_s == 0.0 and lost.yaw_rate_rad_s * y_m > 0.0
    assert abs(lost.yaw_rate_rad_s) <= 1.0
    found = stand.tick(target_box(1.6, y_m), times=10)
    assert found.reason == "following" and found.speed_m_s > 0.0


def test_before_it_drives_it_looks_at_the_floor_that_it_needs() -> None:
    """The camera shows nothing of what is right before the robot's corners: after a stop it drove into that."""
    stand = Stand()
    command = stand.tick(target_box(2.0, 0.0), times=40)
    assert command.reason == "looking" and command.speed_m_s == 0.0 and command.yaw_rate_rad_s != 0.0
    stand.look_round()
    assert stand.tick(target_box(2.0, 0.0), times=10).reason == "following"


def test_motors_off_it_forgets_what_it_saw() -> None:
    """It may have been pushed, or its encoders lied: that is why motors go off."""
    stand = Stand(looked_round=True)
    stand.tick(target_box(2.0, 0.0), rung=Rung.SAFE)
    assert stand.tick(target_box(2.0, 0.0), times=20).reason == "looking"


def test_equal_inputs_give_equal_commands() -> None:
    def run() -> list[Command]:
        stand = Stand()
        return [stand.tick(target_box(2.0 + 0.01 * k, 0.3), rung=Rung(k // 20 % 3)) for k in range(120)]

    assert run() == run()
