"""ROS ends for measuring the link, raw and direct: `python -m takt.nodes.link_ends MODE`.

echo     gives every ping back as a pong, on both topics of the link meter
sink     takes every ping
source   publishes pongs at 100 Hz that no ping asked for
forward  the bare forwarder to compare an agent with: takes a sample from one topic and publishes it on another
drive    feeds a forwarder at --hz and takes what comes back; prints the round trips (us) as JSON at the end
"""

from __future__ import annotations

import argparse
import json
import struct
import sys
import time
from functools import partial
from typing import Any

import rclpy
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.signals import SignalHandlerOptions
from std_msgs.msg import String

from takt.link.ros_port import ENCAPSULATION
from takt.nodes.wait_loop import WaitLoop
from takt.realtime import apply_policy

_PERIOD_NS = 10_000_000
_TURN_NS = 100_000_000
_DRAIN_NS = 500_000_000
_DEPTH = 1000  # a second of the fastest echo: a stall of the machine shall not look like a loss of the link
_KINDS = {"best_effort": ReliabilityPolicy.BEST_EFFORT, "reliable": ReliabilityPolicy.RELIABLE}


class Ends:
    """One node, its raw publishers and subscriptions, and the loop that serves them."""

    def __init__(self, mode: str) -> None:
        rclpy.init(signal_handler_options=SignalHandlerOptions.ALL)
        self.node = Node(f"link_{mode}", enable_rosout=False, start_parameter_services=False)
        self.loop = WaitLoop(self.node.context)

    def publisher(self, topic: str, kind: str) -> Any:
        return self.node.create_publisher(String, topic, _profile(kind))

    def subscribe(self, topic: str, kind: str, take: Any) -> None:
        end = self.node.create_subscription(String, topic, _ignore, _profile(kind), raw=True)
        self.loop.watch("subscription", end, take)

    def serve(self) -> None:
        """Until a signal ends the context."""
        while self.loop.turn(_TURN_NS):
            pass


def _profile(kind: str) -> QoSProfile:
    return QoSProfile(depth=_DEPTH, reliability=_KINDS[kind])


def _ignore(_: object) -> None:
    """rclpy wants a callback; the wait loop takes the messages itself."""


def _pass_on(publish: Any, handle: Any) -> bool:
    """Take one and publish it. Whether more wait the next turn tells: no take is spent on finding out."""
    taken = handle.take_message(String, True)
    if taken is not None:
        publish(taken[0])
    return False


def _drop(handle: Any) -> bool:
    return handle.take_message(String, True) is not None


def echo(ends: Ends) -> None:
    for kind in _KINDS:
        pongs = ends.publisher(f"/meter/pong_{kind}", kind)
        ends.subscribe(f"/meter/ping_{kind}", kind, partial(_pass_on, pongs.handle.publish_raw))
    ends.serve()


def sink(ends: Ends) -> None:
    for kind in _KINDS:
        ends.subscribe(f"/meter/ping_{kind}", kind, _drop)
    ends.serve()


def source(ends: Ends) -> None:
    pongs = ends.publisher("/meter/pong_best_effort", "best_effort")
    due_ns = time.monotonic_ns()
    while ends.node.context.ok():
        due_ns += _PERIOD_NS
        pongs.publish(ENCAPSULATION + struct.pack("<III", 60, 0, 0) + bytes(52))
        time.sleep(max(due_ns - time.monotonic_ns(), 0) / 1e9)


def forward(ends: Ends) -> None:
    out = ends.publisher("/meter/forward_out", "best_effort")
    ends.subscribe("/meter/forward_in", "best_effort", partial(_pass_on, out.handle.publish_raw))
    ends.serve()


def drive(ends: Ends, hz: float, count: int) -> list[float]:
    """Send ``count`` stamped samples of 64 bytes; returns the round trips of those that came back, us."""
    trips: list[float] = []

    def take(handle: Any) -> bool:
        taken = handle.take_message(String, True)
        if taken is None:
            return False
        trips.append((time.monotonic_ns() - struct.unpack_from("<Q", taken[0], 8)[0]) / 1e3)
        return True

    feed = ends.publisher("/meter/forward_in", "best_effort")
    ends.subscribe("/meter/forward_out", "best_effort", take)
    until_s = time.monotonic() + 20.0
    while feed.get_subscription_count() == 0 and time.monotonic() < until_s:
        time.sleep(0.02)
    print("begins", flush=True)
    due_ns = time.monotonic_ns()
    for _ in range(count):
        due_ns += int(1e9 / hz)
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            ends.loop.turn(left_ns)
        feed.publish(ENCAPSULATION + struct.pack("<IQ", 60, time.monotonic_ns()) + bytes(52))
    end_ns = time.monotonic_ns() + _DRAIN_NS
    while len(trips) < count and time.monotonic_ns() < end_ns:
        ends.loop.turn(_PERIOD_NS)
    return trips


def main(argv: list[str]) -> int:
    """Run one end until a signal (``drive``: until it is done); returns 0."""
    modes = {"echo": echo, "sink": sink, "source": source, "forward": forward}
    parser = argparse.ArgumentParser(prog="link_ends", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("mode", choices=[*modes, "drive"])
    parser.add_argument("--fifo", type=int, default=0)
    parser.add_argument("--hz", type=float, default=100.0)
    parser.add_argument("--count", type=int, default=100)
    given = parser.parse_args(argv)
    ends = Ends(given.mode)
    apply_policy(given.fifo)
    try:
        if given.mode == "drive":
            print(json.dumps([round(trip, 1) for trip in drive(ends, given.hz, given.count)]))
        else:
            modes[given.mode](ends)
    except KeyboardInterrupt:
        pass
    rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
