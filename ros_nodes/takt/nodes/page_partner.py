"""The robot's side of the page's bench: ``python -m takt.nodes.page_partner``.

Tells misses and journeys, takes the orders of the page as supervisor and board do, and writes a line when STOP comes.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import time
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

import takt.contract
from takt.deadlines.journey import Journey
from takt.deadlines.miss import Miss
from takt.errors import guarded

_JOURNEY_S = 1.0 / 30.0
_STRETCHES_MS = {"capture": 4, "ring": 1, "detect": 12, "plan_wait": 2, "plan": 3, "link": 4, "apply": 8}


class PagePartner(Node):  # type: ignore[misc]
    """``miss_s``: time between two misses; it is no multiple of the page's period, so that every phase is met."""

    def __init__(self, miss_s: float) -> None:
        super().__init__("page_partner", start_parameter_services=False)
        contract = takt.contract.load()
        topics = contract.host_topics
        self._misses = self.create_publisher(String, topics["misses"].ros_name, topics["misses"].depth)
        self._journeys = self.create_publisher(String, topics["journeys"].ros_name, 10)
        self._epoch, self._sequence = time.time_ns(), 0
        self.create_service(Trigger, "supervisor/stop", self._on_stop)
        self.create_service(Trigger, "supervisor/resume", self._yes)
        self.create_service(SetBool, contract.services["arm"].ros_name, self._yes)
        self.create_timer(miss_s, self._tell_miss)
        self.create_timer(_JOURNEY_S, self._tell_journey)

    def _tell_miss(self) -> None:
        self._sequence += 1
        evidence = {"run_queue_wait_ms": 12.1, "gc_pause_ms": 0.0}
        where = ("planner", self._epoch, self._sequence, "plan", time.time_ns(), 0, 12_100_000)
        self._misses.publish(String(data=Miss(*where, "run_queue_wait", evidence).to_json()))

    def _tell_journey(self) -> None:
        observed_ns = at_ns = time.time_ns()
        stages = []
        for name, ms in _STRETCHES_MS.items():
            stages.append((name, at_ns, at_ns + ms * 1_000_000))
            at_ns += ms * 1_000_000
        self._journeys.publish(String(data=Journey(observed_ns, tuple(stages), at_ns, 150_000).to_json()))

    def _on_stop(self, request: Any, response: Any) -> Any:
        print(json.dumps({"stop_ns": time.time_ns()}), flush=True)
        return self._yes(request, response)

    def _yes(self, _request: Any, response: Any) -> Any:
        response.success, response.message = True, "yes"
        return response


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="takt.nodes.page_partner", description=__doc__)
    parser.add_argument("--miss-s", type=float, default=0.17)
    options = parser.parse_args(argv)
    rclpy.init()
    with contextlib.suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(PagePartner(options.miss_s))
    return 0


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
