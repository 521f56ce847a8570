"""The plant alone: same in, same out; motors that match the contract; a brake that stops."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

import takt.contract
from takt.simulation.motor import DriveTrain
from takt.simulation.plant import BATCH_NS, PATIENCE_NS, Plant
from takt.simulation.plant_protocol import DutyFrame
from takt.simulation.scenario import Scenario

Drive = Callable[..., np.ndarray]

CONTRACT = takt.contract.load()
SCENARIO = Scenario.from_seed(1, CONTRACT)


def duty_frame(left: float, right: float, enabled: bool = True, armed: bool = True) -> DutyFrame:
    return DutyFrame(enabled, armed, 0, 0, 0, (left, right), (0.0, 0.0))


def advance(plant: Plant, seconds: float) -> None:
    for _ in range(round(seconds * 1e9 / BATCH_NS)):
        plant.advance()


def wheels(plant: Plant) -> np.ndarray:
    return np.asarray(plant.record(0)["wheel_speed_rad_s"])


def drive_at_random(plant: Plant, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(60):
        left, right = rng.uniform(-0.2, 0.6, 2)
        plant.receive(duty_frame(float(left), float(right)))
        advance(plant, 0.02)


def test_equal_seeds_and_duties_give_bit_equal_states() -> None:
    first, second = Plant(SCENARIO, CONTRACT), Plant(Scenario.from_seed(1, CONTRACT), CONTRACT)
    drive_at_random(first, 5)
    drive_at_random(second, 5)
    assert first.scene.data.qpos.tobytes() == second.scene.data.qpos.tobytes()
    assert first.record(7).tobytes() == second.record(7).tobytes()
    drive_at_random(second, 6)
    drive_at_random(first, 5)
    assert first.scene.data.qpos.tobytes() != second.scene.data.qpos.tobytes()


def test_plant_that_is_looked_at_now_and_then_is_bit_equal_to_one_that_is_watched() -> None:
    watched, waiting = Plant(SCENARIO, CONTRACT), Plant(SCENARIO, CONTRACT)
    rng = np.random.default_rng(3)
    touches = panels = 0
    for cycle in range(1500):
        away = cycle > 200  # first into the waiting target, then back and about while the panel passes
        left, right = (float(each) for each in rng.uniform(-0.3, 0.2, 2)) if away else (0.5, 0.5)
        for plant in (watched, waiting):
            plant.receive(duty_frame(left, right, armed=away))
        until_ns = watched.time_ns + (10_000_000 if cycle % 7 else 34_000_000)
        while watched.time_ns + BATCH_NS <= until_ns:
            watched.advance()
        waiting.advance_to(until_ns)
        seen = waiting.record(0)
        assert seen.tobytes() == watched.record(0).tobytes()
        touches += bool(seen["in_collision"])
        panels += not np.isnan(seen["panel"]).any()
    assert touches and panels


def test_robot_starts_at_rest_facing_the_target_at_the_follow_distance() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    robot, target = plant.robot_pose(), SCENARIO.target_pose(0.0)
    to_target = math.atan2(target.y_m - robot.y_m, target.x_m - robot.x_m)
    distance_m = math.hypot(target.x_m - robot.x_m, target.y_m - robot.y_m)
    assert distance_m == pytest.approx(CONTRACT.planning.follow_distance_m, abs=0.02)
    assert math.remainder(to_target - robot.yaw_rad, 2.0 * math.pi) == pytest.approx(0.0, abs=0.01)
    advance(plant, 0.5)
    assert np.abs(wheels(plant)).max() < 0.01
    assert math.hypot(plant.robot_pose().x_m - robot.x_m, plant.robot_pose().y_m - robot.y_m) < 1e-3


def test_feed_forward_of_the_contract_is_the_motors() -> None:
    assert DriveTrain().no_load_speed_rad_s == pytest.approx(
        1.0 / CONTRACT.control.feed_forward_per_rad_s, rel=0.01
    )


def test_wheel_in_the_air_reaches_the_no_load_speed() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    plant.scene.model.opt.gravity[:] = 0.0
    plant.scene.data.qpos[2] = 1.0
    for _ in range(100):
        plant.receive(duty_frame(1.0, -1.0))
        advance(plant, 0.01)
    assert wheels(plant) == pytest.approx(np.array((25.0, -25.0)), rel=0.02)


@pytest.mark.parametrize("setpoint", [(10.0, 10.0), (-10.0, 10.0), (3.0, 3.0)])
def test_step_of_the_wheel_loop_is_quick_and_well_damped(setpoint: tuple[float, float], drive: Drive) -> None:
    rows = drive(Plant(SCENARIO, CONTRACT), CONTRACT, lambda _: setpoint, 1.0)
    response = rows[:, 2] / setpoint[1]
    assert rows[np.argmax(response >= 0.9), 0] <= 0.3
    assert response.max() <= 1.05
    assert response[-20:] == pytest.approx(np.ones(20), abs=0.03)


def test_wheels_turn_the_robot_as_the_kinematics_say(drive: Drive) -> None:
    plant = Plant(SCENARIO, CONTRACT)
    drive(plant, CONTRACT, lambda _: (4.0, 8.0), 1.0)
    yaw_rad = plant.robot_pose().yaw_rad
    drive(plant, CONTRACT, lambda _: (4.0, 8.0), 0.5)
    robot = CONTRACT.robot
    expected = 4.0 * robot.wheel_radius_m / robot.wheel_separation_m * 0.5
    assert math.remainder(plant.robot_pose().yaw_rad - yaw_rad, 2 * math.pi) == pytest.approx(
        expected, rel=0.05
    )
    assert float(plant.record(0)["robot_speed_m_s"]) == pytest.approx(6.0 * robot.wheel_radius_m, rel=0.03)


@pytest.mark.parametrize("why", ["disabled", "silent"])
def test_driver_off_brakes_the_robot_from_top_speed_within_half_a_second(why: str, drive: Drive) -> None:
    plant = Plant(SCENARIO, CONTRACT)
    top = CONTRACT.limits.speed_m_s / CONTRACT.robot.wheel_radius_m
    drive(plant, CONTRACT, lambda _: (top, top), 1.2)
    assert float(plant.record(0)["robot_speed_m_s"]) == pytest.approx(CONTRACT.limits.speed_m_s, rel=0.03)
    if why == "disabled":
        plant.receive(duty_frame(1.0, 1.0, enabled=False))
    else:
        advance(plant, CONTRACT.safety.motor_silence_ms * 1e-3)
    advance(plant, 0.5)
    assert not plant.driver_enabled
    assert np.abs(wheels(plant)).max() < 0.05
    assert abs(float(plant.record(0)["robot_speed_m_s"])) < 0.01


def test_driver_counts_as_off_once_the_board_is_silent_for_the_contracts_time() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    plant.receive(duty_frame(0.3, 0.3))
    advance(plant, CONTRACT.safety.motor_silence_ms * 1e-3)
    assert plant.driver_enabled
    plant.advance()
    assert not plant.driver_enabled
    plant.advance()
    record = plant.record(0)
    assert not record["driver_enabled"] and record["duty"].tolist() == [0.0, 0.0]


def test_duty_that_is_no_number_or_too_large_is_made_safe() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    plant.receive(duty_frame(math.nan, 7.0))
    plant.advance()
    assert plant.record(0)["duty"].tolist() == [0.0, 1.0]


def test_load_pulls_the_supply_down_and_the_encoder_frame_tells() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    assert plant.encoder_frame().supply_mv == 12000
    plant.receive(duty_frame(1.0, 1.0))
    plant.advance()
    assert 11000 < plant.encoder_frame().supply_mv < 11900


def test_target_waits_until_the_robot_is_armed_and_enabled() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    start = SCENARIO.target_pose(0.0)
    for enabled, armed in ((True, False), (False, True)):
        plant.receive(duty_frame(0.0, 0.0, enabled, armed))
        advance(plant, 0.05)
        assert plant.motion_began_ns is None
    record = plant.record(0)
    assert (float(record["target_x_m"]), float(record["target_y_m"])) == (start.x_m, start.y_m)
    plant.receive(duty_frame(0.0, 0.0))
    advance(plant, 1.0)
    assert plant.motion_s == pytest.approx(1.0, abs=0.01)
    record = plant.record(0)
    moved_m = math.hypot(record["target_x_m"] - start.x_m, record["target_y_m"] - start.y_m)
    assert moved_m == pytest.approx(SCENARIO.path.speed.travelled_m(1.0), abs=0.01)


def test_target_sets_out_at_last_without_an_armed_robot() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    plant.time_ns = PATIENCE_NS - BATCH_NS
    plant.advance()
    assert plant.motion_began_ns is None
    plant.advance()
    assert plant.motion_began_ns == PATIENCE_NS


def test_touching_the_target_is_noticed_and_named() -> None:
    plant = Plant(SCENARIO, CONTRACT)
    for _ in range(400):
        plant.receive(duty_frame(0.3, 0.3, armed=False))
        plant.advance()
        assert not plant.record(0)["in_collision"] or plant.time_ns > 1e8
        if plant.record(0)["in_collision"]:
            break
        advance(plant, 0.01)
    assert plant.record(0)["in_collision"]
    touched = int(plant.record(0)["touched"])
    assert [name for bit, name in enumerate(plant.touch_names) if touched >> bit & 1] == ["target"]
