"""Carries a node's misses to the ledger: finds the cause, publishes, and tells again until the supervisor confirms.

The stage's thread only counts, keeps the miss in memory that outlives the process, and goes on; the rest is done here,
in a thread of the stage's own class: what held the stage up shall not hold up the word of it for longer, and whoever
holds the interpreter is no easier to push aside than the stage that waits for it. A few milliseconds pass before the
cause is decided, so that the bystander has said what it saw.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections import deque
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String

import takt.contract
from takt.deadlines import Miss, blame
from takt.deadlines.miss import Identity
from takt.deadlines.outbox import Outbox
from takt.frames.segment import SHM
from takt.realtime.machine import MachineView
from takt.realtime.policy import take_priority
from takt.realtime.stage import Late

_PATIENCE_S = 0.015  # the bystander wakes every 10 ms
_SILENCE_NS, _LOOK_S = 75_000_000, 0.005  # a miss is to be on disk after 100 ms
_SOONEST_S, _AGAIN_S = 0.04, 0.5  # what was told and not confirmed is told again, ever more seldom
_LOWEST = 1
_TOLD_AT_ONCE = 50
_SHARED_NS = 100_000_000  # work that waited for work that was late shares its cause within this


class MissTeller:
    """One a node. ``ring``: the robot's ring, whose name the files carry. ``tell`` may be called from any thread."""

    def __init__(self, node: Node, ring: str, folder: Path = SHM) -> None:
        self._machine = MachineView(ring)
        self._lock = threading.Lock()  # the outbox belongs to the stage's thread, this one and the executor's
        path = folder / f"{ring}.misses.{node.get_name()}"
        self._outbox = Outbox(path, node.get_name(), time.time_ns() // 1_000_000)
        self._late: queue.SimpleQueue[tuple[Miss, Late] | None] = queue.SimpleQueue()
        self._recent: deque[Miss] = deque(maxlen=16)
        self._told_s, self._again_s = 0.0, _SOONEST_S
        self._oldest: Identity | None = None  # of what was told last time
        self._node = node
        topics = takt.contract.load().host_topics
        self._publisher = node.create_publisher(String, topics["misses"].ros_name, _qos(topics["misses"]))
        on_disk = topics["misses_on_disk"]
        node.create_subscription(String, on_disk.ros_name, self._on_disk, _qos(on_disk))
        self._thread = threading.Thread(target=self._run, name="misses", daemon=True)
        self._thread.start()

    def tell(self, late: Late) -> None:
        """Keep a miss; returns at once."""
        with self._lock:
            miss = self._outbox.add(late.stage, late.at_ns, late.late_ns, {})
        self._late.put((miss, late))

    def close(self) -> None:
        """What is not confirmed stays in its file for the next life."""
        self._late.put(None)
        self._thread.join()
        self._outbox.close()

    def _run(self) -> None:
        take_priority(getattr(takt.contract.load().scheduling, self._node.get_name(), 0) or _LOWEST)
        while True:
            try:
                found = self._late.get(timeout=self._again_s if self._outbox.waiting else _AGAIN_S)
            except queue.Empty:
                self._tell_all(time.monotonic())
                continue
            if found is None:
                return
            self._decide(*found)
            self._tell_all(time.monotonic())

    def _decide(self, miss: Miss, late: Late) -> None:
        if late.cause:
            with self._lock:
                self._outbox.decide(miss, late.cause, late.evidence)
            return
        wait_s = (late.end_ns - time.monotonic_ns()) / 1e9 + _PATIENCE_S
        if wait_s > 0.0:
            time.sleep(wait_s)
        more = self._ask(late)
        evidence = {**late.evidence, **more, **self._machine.between(late.begin_ns, late.end_ns)}
        cause = blame.decide(evidence, late.late_ns / 1e6)
        if cause == "queue":
            cause = self._behind(miss) or cause
        rounded = {key: round(value, 3) for key, value in evidence.items()}
        with self._lock:
            self._outbox.decide(miss, cause, rounded)
        self._recent.append(Miss(**{**miss.values(), "cause": cause, "evidence": {}}))

    def _ask(self, late: Late) -> dict[str, float]:
        """What others know; while a line is silent nobody knows why, so its next word is waited for, for a while."""
        more = late.ask(late.begin_ns, late.end_ns) if late.ask else {}
        end_ns = late.end_ns + _SILENCE_NS
        while more.pop("line_is_silent", 0.0) and late.ask and time.monotonic_ns() < end_ns:
            time.sleep(_LOOK_S)
            more = late.ask(late.begin_ns, late.end_ns)
        more.pop("line_is_silent", None)
        return more

    def _behind(self, miss: Miss) -> str:
        """The cause of what this work waited behind, where that is known."""
        for other in reversed(self._recent):
            if other.stage == miss.stage and 0 <= miss.at_ns - other.at_ns <= other.late_ns + _SHARED_NS:
                return other.cause
        return ""

    def _tell_all(self, now_s: float) -> None:
        """New ones at once; all that waits soon again and at last twice a second, until it is confirmed."""
        if not self._node.context.ok():
            return
        with self._lock:
            offers = self._outbox.offers()
            if now_s - self._told_s >= self._again_s:
                self._told_s = now_s
                self._space_out(offers[0].miss.identity if offers else None)
                offers = offers[:_TOLD_AT_ONCE]
            else:
                offers = offers[-1:]
        for offer in offers:
            self._publisher.publish(String(data=offer.to_json()))

    def _space_out(self, oldest: Identity | None) -> None:
        """While nothing is confirmed the wait doubles."""
        stuck = oldest is not None and oldest == self._oldest
        self._again_s = min(2.0 * self._again_s, _AGAIN_S) if stuck else _SOONEST_S
        self._oldest = oldest

    def _on_disk(self, message: String) -> None:
        """The supervisor says up to where it has written: one object, source to {epoch: sequence}."""
        try:
            told = json.loads(message.data).get(self._node.get_name(), {})
            pairs = [(int(epoch), int(sequence)) for epoch, sequence in told.items()]
        except (ValueError, AttributeError, TypeError):
            return  # not ours: anybody may publish
        with self._lock:
            for epoch, sequence in pairs:
                self._outbox.confirm(epoch, sequence)


def _qos(topic: takt.contract.HostTopic) -> QoSProfile:
    reliability = ReliabilityPolicy.RELIABLE if topic.reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=topic.depth, reliability=reliability)
