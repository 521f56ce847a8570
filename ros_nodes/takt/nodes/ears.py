"""Subscriptions that are taken by a thread of their own: what comes there waits for nothing else in the node."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.node import Node
from rclpy.qos import QoSProfile

from takt.nodes.planner_loop import TakenByLoop
from takt.nodes.wait_loop import WaitLoop

_TURN_NS = 250_000_000  # between two looks whether it is over


class Ears:
    """``listen`` first, then ``start``. Callbacks run in the thread ``name``; ``begin`` is the first thing it does."""

    def __init__(self, node: Node, name: str, begin: Callable[[], object] = lambda: None) -> None:
        self._node, self._begin = node, begin
        self._loop, self._group = WaitLoop(node.context), TakenByLoop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def listen(self, kind: Any, topic: str, qos: QoSProfile, act: Callable[[Any], object]) -> None:
        """Call ``act`` with each message of ``kind`` on ``topic``."""
        end = self._node.create_subscription(kind, topic, act, qos, callback_group=self._group)
        self._loop.watch("subscription", end, partial(_take, end))

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """The callback under way is the last; before the node is destroyed."""
        self._loop.end()
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._begin()
        while self._loop.turn(_TURN_NS):
            pass


def _take(end: Any, handle: Any) -> bool:
    taken = handle.take_message(end.msg_type, False)
    if taken is not None:
        end.callback(taken[0])
    return taken is not None
