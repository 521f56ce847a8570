"""A late pass in one node comes to the one ledger of another, once, and the outbox forgets it when it is there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node

from takt.deadlines.outbox import Outbox
from takt.nodes.ledger_keeper import LedgerKeeper
from takt.nodes.miss_teller import MissTeller
from takt.realtime.stage import Late, WatchedStage

LIMIT_S = 200.0
MS = 1_000_000
BOARD = {
    "boot": "1",
    "sequence": "1",
    "previous": "0",
    "cycle": "7",
    "cause": "own_overrun",
    "late_ns": "15000000",
    "release_ns": "70000000",
}


class Robot:
    """A planner that may be late, and the supervisor's ledger, which may be away."""

    def __init__(self, folder):
        self.folder, self.ledger = folder, folder / "ledger.jsonl"
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.planner = Node("planner", context=self.context)
        self.board = self.planner.create_publisher(DiagnosticArray, "base/deadline_misses", 100)
        self.teller = MissTeller(self.planner, "robot", folder)
        self.stage = WatchedStage("plan", 1.0, self.teller.tell)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.planner)
        self.supervisor = None

    def begin_supervisor(self):
        self.supervisor = Node("supervisor", context=self.context)
        self.keeper = LedgerKeeper(self.supervisor, self.ledger, "robot", False)
        self.executor.add_node(self.supervisor)

    def end_supervisor(self):
        self.executor.remove_node(self.supervisor)
        self.keeper.close()
        self.supervisor.destroy_node()
        self.supervisor = None

    def be_late(self):
        self.stage.begin()
        now_ns = time.time_ns()
        self.stage.record(now_ns - 12 * MS, now_ns)

    def rows(self):
        return (
            [json.loads(line) for line in self.ledger.read_text().splitlines()]
            if self.ledger.exists()
            else []
        )

    def waiting(self):
        lines = [json.loads(line) for line in (self.folder / "robot.misses.planner").read_text().splitlines()]
        return [row for row in lines if "sequence" in row]

    def until(self, true: Callable[[], object]):
        end_s = time.monotonic() + LIMIT_S
        while not true():
            assert time.monotonic() < end_s
            self.executor.spin_once(timeout_sec=0.05)

    def close(self):
        if self.supervisor is not None:
            self.end_supervisor()
        self.teller.close()
        self.stage.close()
        self.planner.destroy_node()
        self.context.try_shutdown()


@pytest.fixture
def robot(tmp_path):
    made = Robot(tmp_path)
    yield made
    made.close()


def test_misses_from_before_and_after_the_supervisor_stand_once_each_beside_the_boards(robot):
    robot.be_late()
    robot.be_late()
    robot.begin_supervisor()
    robot.until(lambda: len(robot.rows()) == 2)
    robot.until(lambda: robot.board.get_subscription_count() > 0)
    status = DiagnosticStatus(name="base: miss", values=[KeyValue(key=k, value=v) for k, v in BOARD.items()])
    robot.board.publish(DiagnosticArray(status=[status, status]))
    robot.be_late()
    robot.until(lambda: len(robot.rows()) == 4 and not robot.waiting())
    nodes = [row for row in robot.rows() if row["source"] == "planner"]
    board = [row for row in robot.rows() if row["source"] == "base"]
    assert [row["sequence"] for row in nodes] == [1, 2, 3]
    assert {row["stage"] for row in nodes} == {"plan"} and nodes[0]["late_ns"] > 10 * MS
    assert board[0]["board"] == BOARD and board[0]["stage"] == "control" and len(board) == 1


def test_a_supervisor_that_comes_back_goes_on_where_the_former_one_was(robot):
    robot.begin_supervisor()
    robot.be_late()
    robot.until(lambda: len(robot.rows()) == 1)
    robot.end_supervisor()
    robot.be_late()
    robot.begin_supervisor()
    robot.until(lambda: len(robot.rows()) == 2 and not robot.waiting())
    assert [row["sequence"] for row in robot.rows()] == [1, 2]


def test_what_a_killed_node_had_not_decided_is_told_by_its_next_life_as_unknown(tmp_path):
    former = Outbox(tmp_path / "robot.misses.planner", "planner", 5)
    former.add("plan", 1, 1, {})
    robot = Robot(tmp_path)
    try:
        robot.begin_supervisor()
        robot.teller.tell(Late("plan", time.time_ns(), MS, 0, time.monotonic_ns(), {"gc_pause_ms": 1.0}))
        robot.until(lambda: len(robot.rows()) == 2)
        told = [(row["epoch"] == 5, row["sequence"], row["cause"]) for row in robot.rows()]
        assert sorted(told) == [(False, 1, "gc_pause"), (True, 1, "unknown")]  # two epochs have no order
    finally:
        robot.close()


def test_what_is_not_confirmed_is_told_again_ever_more_seldom_and_progress_brings_it_back():
    teller = SimpleNamespace(_again_s=0.5, _oldest=None)
    waits = []
    for oldest in (("planner", 1, 1),) * 6 + (("planner", 1, 2), None):
        MissTeller._space_out(teller, oldest)
        waits.append(teller._again_s)
    assert waits == pytest.approx([0.04, 0.08, 0.16, 0.32, 0.5, 0.5, 0.04, 0.04])
