"""Relief: soft work goes one kind a second in the declared order, and comes back in reverse when it is calm."""

import pytest

import takt.contract
from takt.contract.sections import Relief
from takt.supervision.relief import SECOND_NS, ReliefPolicy

ORDER = ("recording", "image", "dashboard")


class Robot:
    """Seconds of a robot with so many passes, of which so many were late."""

    def __init__(self):
        rules = Relief(late_share=0.05, cpu_pressure_share=0.8, calm_share=0.01, calm_s=3.0)
        self.policy = ReliefPolicy(rules, ORDER)
        self.now_ns = self.pressure_ns = 0
        self.count = self.misses = 0
        self.second()

    def second(self, late=0, pressure=0.2, passes=100):
        self.count += passes
        self.misses += late
        self.policy.learn("planner: plan", {"count": str(self.count), "misses": str(self.misses)})
        self.now_ns += SECOND_NS
        self.pressure_ns += round(pressure * SECOND_NS)
        return self.policy.step(self.now_ns, self.pressure_ns)


@pytest.fixture
def robot():
    return Robot()


def test_each_late_second_slows_one_kind_more_in_the_declared_order(robot):
    told = []
    for _ in range(5):
        robot.second(late=6)
        told.append(robot.policy.slowed)
    assert told == [ORDER[:1], ORDER[:2], ORDER, ORDER, ORDER]
    assert "6% of critical work late" in robot.policy.reason


def test_short_processors_are_enough(robot):
    assert robot.second(pressure=0.9)
    assert robot.policy.slowed == ("recording",)


@pytest.mark.parametrize("quiet", [{"late": 5}, {"pressure": 0.8}, {"late": 4, "passes": 9}])
def test_what_does_not_pass_a_threshold_slows_nothing(robot, quiet):
    assert not robot.second(**quiet)
    assert robot.policy.slowed == ()


def test_it_comes_back_one_by_one_in_reverse_after_calm_seconds(robot):
    for _ in range(3):
        robot.second(late=20)
    told = []
    for _ in range(12):
        if robot.second():
            told.append(robot.policy.slowed)
    assert told == [ORDER[:2], ORDER[:1], ()]
    assert robot.policy.reason == ""


def test_a_second_that_is_neither_late_nor_calm_starts_the_wait_anew(robot):
    robot.second(late=20)
    robot.second()
    robot.second()
    robot.second(late=3)
    robot.second()
    robot.second()
    robot.second()
    assert robot.policy.slowed == ("recording",)
    robot.second()
    assert robot.policy.slowed == ()


def test_a_node_that_began_anew_is_not_late_for_having_counted_less(robot):
    robot.second(late=4)
    robot.count, robot.misses = 0, 0
    assert not robot.second()


def test_rubbish_and_statuses_without_counts_are_left_alone(robot):
    robot.policy.learn("planner: plan", {"count": "many", "misses": "1"})
    robot.policy.learn("planner: plan", {})
    assert not robot.second()


def test_the_shipped_policy_slows_recording_first_and_the_dashboard_last():
    assert list(takt.contract.load().soft_work) == list(ORDER)
