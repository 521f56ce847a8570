"""What every node shares: start, real-time policy, spin, clean end, and its stage's figures on /diagnostics."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Mapping

import rclpy
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node

import takt.contract
from takt.deadlines import StageClock
from takt.errors import EXIT_BAD_INPUT, TaktError, report
from takt.realtime import Granted, apply_policy
from takt.realtime.policy import lift_other_threads

_LEVELS = {"OK": DiagnosticStatus.OK, "WARN": DiagnosticStatus.WARN, "ERROR": DiagnosticStatus.ERROR}
_granted = Granted(0, 0, False)


def run_node(factory: Callable[[], Node]) -> int:
    """Run one node until SIGINT or SIGTERM; returns the exit status.

    A node's own loop asks for its priority by ``enter_realtime``; from then on the executor has the lowest one.
    A second signal while the node ends is ignored, so that motors are always left in order.
    """
    rclpy.init()
    node: Node | None = None
    try:
        node = factory()
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except TaktError as error:
        report(error)
        return EXIT_BAD_INPUT
    except Exception:
        if rclpy.ok():
            raise
        # After the signal the context is gone: that a callback under way could not publish is a matter of course.
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    return 0


def enter_realtime(node: Node) -> Granted:
    """Give the calling thread the priority that the contract's ``scheduling`` section names for this node.

    To be called first thing by the thread that does the node's work, when everything slow (models, windows, maps) has
    been made. Asked and granted are logged and shown on /diagnostics.
    """
    global _granted
    _granted = apply_policy(getattr(takt.contract.load().scheduling, node.get_name(), 0))
    if _granted.fifo_priority:
        lift_other_threads()
    node.get_logger().info(_granted.describe())
    for warning in _granted.warnings:
        node.get_logger().warning(warning)
    return _granted


def ros_time(node: Node) -> Callable[[], int]:
    """What reads ROS time in ns: the system's clock (much cheaper), or the node's where ``use_sim_time`` is set."""
    if not node.get_parameter("use_sim_time").value:
        return time.time_ns
    clock = node.get_clock()
    return lambda: int(clock.now().nanoseconds)


def main_of(factory: Callable[[], Node]) -> Callable[[], None]:
    """The console-script entry of a node: ``main = main_of(CameraNode)``."""

    def main() -> None:
        sys.exit(run_node(factory))

    return main


def status(name: str, values: Mapping[str, object], level: str = "OK", message: str = "") -> DiagnosticStatus:
    """A DiagnosticStatus of this computer; ``level`` is OK, WARN or ERROR."""
    pairs = [KeyValue(key=key, value=str(value)) for key, value in values.items()]
    return DiagnosticStatus(
        level=_LEVELS[level], name=name, message=message, hardware_id="host", values=pairs
    )


def publish_stage(
    node: Node, clock: StageClock, more: Callable[[], Mapping[str, object]] | None = None
) -> None:
    """Publish the stage's figures once a second as ``NODE: STAGE``; ``more`` adds values of the moment."""
    publisher = node.create_publisher(DiagnosticArray, "/diagnostics", 10)
    misses_told = 0

    def publish() -> None:
        nonlocal misses_told
        level, message = "OK", ""
        if clock.misses > misses_told:
            level, message = (
                "WARN",
                f"{clock.misses - misses_told} over {clock.budget_ms} ms in the last second",
            )
            misses_told = clock.misses
        values: dict[str, object] = {**clock.summary(), **(more() if more else {})}
        values["buckets"] = clock.histogram.spread()
        values["fifo_asked"] = _granted.fifo_priority_asked
        values["fifo_granted"] = _granted.fifo_priority
        array = DiagnosticArray(status=[status(f"{node.get_name()}: {clock.name}", values, level, message)])
        array.header.stamp = node.get_clock().now().to_msg()
        publisher.publish(array)

    node.create_timer(1.0, publish)
