"""Between Gazebo's joints and the board: counts, forces, battery, silence, and a simulation that is begun anew."""

from __future__ import annotations

import math

import pytest

import takt.contract
from takt.gazebo.hardware_edge import HardwareEdge, JointSample
from takt.gazebo.target_rails import PATIENCE_NS, TargetRails
from takt.simulation.motor import DriveTrain
from takt.simulation.plant_protocol import DutyFrame
from takt.simulation.scenario import Scenario

MS = 1_000_000
CONTRACT = takt.contract.load()
DRIVE = DriveTrain()


def sample(at_ms: int, angles=(0.0, 0.0), speeds=(0.0, 0.0)) -> JointSample:
    return JointSample(at_ms * MS, angles, speeds)


def duty(left: float, right: float, enabled: bool = True) -> DutyFrame:
    return DutyFrame(enabled, enabled, 0, 1, 0, (left, right), (0.0, 0.0))


@pytest.fixture
def edge() -> HardwareEdge:
    edge = HardwareEdge(CONTRACT, DRIVE)
    edge.sense(sample(0))
    return edge


def test_angles_become_counts_rounded_down_on_both_sides_of_nought(edge: HardwareEdge) -> None:
    turn = CONTRACT.robot.encoder_counts_per_rev
    frame = edge.sense(sample(2, (2.0 * math.pi + 1e-9, -1e-9)))
    assert frame.counts == (turn, -1)
    assert (frame.plant_ns, frame.sequence, frame.supply_mv) == (2 * MS, 2, 12_000)


def test_duty_becomes_stall_torque_in_proportion(edge: HardwareEdge) -> None:
    edge.hear(duty(0.5, -1.0))
    assert edge.forces_n_m() == pytest.approx((0.5 * DRIVE.stall_torque_n_m, -DRIVE.stall_torque_n_m))
    edge.hear(duty(7.0, math.nan))
    assert edge.forces_n_m() == pytest.approx((DRIVE.stall_torque_n_m, 0.0))


def test_a_driver_that_is_off_or_a_board_that_is_silent_gives_no_force(edge: HardwareEdge) -> None:
    edge.hear(duty(0.5, 0.5, enabled=False))
    assert edge.forces_n_m() == (0.0, 0.0) and not edge.armed
    edge.hear(duty(0.5, 0.5))
    silence_ms = CONTRACT.safety.motor_silence_ms
    edge.sense(sample(silence_ms))
    assert edge.armed and edge.forces_n_m()[0] > 0.0
    edge.sense(sample(silence_ms + 2))
    assert not edge.armed and edge.forces_n_m() == (0.0, 0.0)


def test_the_battery_gives_way_under_load_and_force_with_it(edge: HardwareEdge) -> None:
    edge.hear(duty(1.0, 1.0))
    unloaded = edge.forces_n_m()[0]
    frame = edge.sense(sample(2))
    current_a = 2.0 * DRIVE.supply_current_a(1.0, 0.0, 12.0)
    assert frame.supply_mv == round(1000 * (12.0 - DRIVE.battery_resistance_ohm * current_a)) < 12_000
    assert edge.forces_n_m()[0] == pytest.approx(unloaded * frame.supply_mv / 12_000, rel=1e-4)


def test_a_paused_simulation_tells_the_board_nothing(edge: HardwareEdge) -> None:
    assert edge.sense(sample(2)) is not None
    assert edge.sense(sample(2)) is None
    assert edge.sense(sample(4, (math.nan, 0.0))) is None
    assert edge.sense(sample(4)).sequence == 3


def test_a_simulation_begun_anew_forgets_the_old_duty(edge: HardwareEdge) -> None:
    edge.sense(sample(500))
    edge.hear(duty(0.5, 0.5))
    frame = edge.sense(sample(2))
    assert frame.plant_ns == 2 * MS and edge.restarts == 1
    assert edge.forces_n_m() == (0.0, 0.0)


class Rails:
    """What Gazebo's speed-controlled joints do, from the commands alone."""

    def __init__(self, scenario: Scenario) -> None:
        self.rails, self.at_m, self.now_ms = TargetRails(scenario), [0.0, 0.0], 0

    def run(self, milliseconds: int, armed: bool) -> None:
        for _ in range(milliseconds // 2):
            speeds = self.rails.speeds_m_s(JointSample(self.now_ms * MS, tuple(self.at_m), (0.0, 0.0)), armed)
            self.at_m = [at + speed * 0.002 for at, speed in zip(self.at_m, speeds, strict=True)]
            self.now_ms += 2


def test_the_target_waits_for_arming_and_then_keeps_to_its_way() -> None:
    scenario = Scenario.from_seed(1, CONTRACT)
    rails, start = Rails(scenario), scenario.target_pose(0.0)
    rails.run(1000, armed=False)
    assert rails.at_m == [0.0, 0.0]
    for second in range(1, 21):
        rails.run(1000, armed=second == 1)
        wanted = scenario.target_pose(second)
        off_m = math.dist((start.x_m + rails.at_m[0], start.y_m + rails.at_m[1]), (wanted.x_m, wanted.y_m))
        assert off_m < 0.01, second
    assert math.hypot(*rails.at_m) > 1.0


def test_the_target_sets_out_after_its_patience_and_waits_again_in_a_new_simulation() -> None:
    rails = TargetRails(Scenario.from_seed(1, CONTRACT))

    def speed(at_ns: int) -> float:
        return math.hypot(*rails.speeds_m_s(JointSample(at_ns, (0.0, 0.0), (0.0, 0.0)), False))

    assert speed(5 * MS) == 0.0 and speed(PATIENCE_NS) == 0.0
    speed(PATIENCE_NS + 5 * MS)
    assert speed(PATIENCE_NS + 3000 * MS) > 0.1
    assert speed(5 * MS) == 0.0 and speed(2000 * MS) == 0.0
