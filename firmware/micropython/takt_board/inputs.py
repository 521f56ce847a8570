"""What a control cycle starts from, and what became of the command in it."""

from array import array

from takt_board import age_gate, safety
from takt_board.age_gate import Command, RosTime
from takt_board.encoder import Sample


class Inputs:
    """What a cycle starts from; made once, refilled in each cycle."""

    def __init__(self):
        self.now_ns = 0
        self.elapsed_ns = 0  # since the start of the last cycle
        self.ros = RosTime()
        self.command = Command()
        self.requests = array("I", [0] * safety.REQUESTS)
        self.agent_heard_ns = 0
        self.agent_heard = False
        self.encoder = Sample()
        self.miss_limit = False


class Applied:
    """What became of a command."""

    def __init__(self):
        self.present = False
        self.disarmed = False
        self.verdict = age_gate.OPEN
        self.stamp_ns = 0
        self.cycle_ros_ns = 0

    def copy(self, other):
        self.present = other.present
        self.disarmed = other.disarmed
        self.verdict = other.verdict
        self.stamp_ns = other.stamp_ns
        self.cycle_ros_ns = other.cycle_ros_ns
