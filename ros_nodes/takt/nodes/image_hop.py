"""The same frame hop through a sensor_msgs/Image topic, as well as rclpy can do it: ``python -m takt.nodes.image_hop``.

Best effort, depth 1, one persistent buffer in the publisher, one kept wait set and typed takes in the subscriber
(an executor costs more: see wait_loop.py).
"""

from __future__ import annotations

import argparse
import array
import sys
import time
from typing import Any

import numpy as np
import rclpy
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import Image

from takt.errors import guarded
from takt.frames.hop import FIFO_PRIORITY, add_options, await_start, grid_ns, save, sleep_until
from takt.nodes.wait_loop import WaitLoop
from takt.realtime import apply_policy

_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
_NANOSECONDS = 1_000_000_000


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="takt.nodes.image_hop", description=__doc__)
    parser.add_argument("role", choices=("writer", "reader"))
    add_options(parser)
    options = parser.parse_args(argv)
    apply_policy(
        FIFO_PRIORITY, lock_memory=False
    )  # before any thread of the middleware is made, so that all have it
    rclpy.init()
    try:
        (_write if options.role == "writer" else _read)(options)
    finally:
        rclpy.try_shutdown()
    return 0


def _write(options: argparse.Namespace) -> None:
    node = rclpy.create_node("image_hop_writer")
    topic = node.create_publisher(Image, options.name, _QOS)
    message = Image(height=options.height, width=options.width, encoding="rgb8", step=options.width * 3)
    message.data = array.array("B", bytes(message.step * options.height))
    view = np.frombuffer(message.data, np.uint8)
    stamp = message.header.stamp
    await_start(options)
    for number in range(1, options.frames + 1):
        sleep_until(grid_ns(options, number))
        view[:] = number % 251
        message.header.frame_id = str(number)
        stamp.sec, stamp.nanosec = divmod(time.monotonic_ns(), _NANOSECONDS)
        topic.publish(message)
    time.sleep(0.5)


def _read(options: argparse.Namespace) -> None:
    node = rclpy.create_node("image_hop_reader")
    samples: list[tuple[int, int, int]] = []

    def take(handle: Any) -> bool:
        taken = handle.take_message(Image, False)
        if taken is None:
            return False
        message, held_ns = taken[0], time.monotonic_ns()
        number, sent_ns = int(message.header.frame_id), message.header.stamp
        whole = message.data[0] == message.data[-1] == number % 251
        samples.append((number, held_ns - sent_ns.sec * _NANOSECONDS - sent_ns.nanosec, int(whole)))
        return True

    topic = node.create_subscription(Image, options.name, lambda _: None, _QOS)
    loop = WaitLoop(node.context)
    loop.watch("subscription", topic, take)
    await_start(options)
    end_ns = grid_ns(options, options.frames) + _NANOSECONDS
    while time.monotonic_ns() < end_ns and not (samples and samples[-1][0] >= options.frames):
        loop.turn(_NANOSECONDS // 5)
    loop.close()
    save(options.out, samples)


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
