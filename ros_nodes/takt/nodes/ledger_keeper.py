"""Takes the board's miss records off /base/deadline_misses, has them written, and confirms what is on disk."""

from __future__ import annotations

import queue
import threading
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import UInt64

from takt.supervision.ledger_file import LedgerFile

_ANNOUNCE_S = 1.0


class LedgerKeeper:
    """The disk is waited for by a thread of its own, never by the node's executor."""

    def __init__(self, node: Node, path: Path) -> None:
        self._ledger = LedgerFile(path)
        self._records: queue.SimpleQueue[dict[str, str] | None] = queue.SimpleQueue()
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._confirmations = node.create_publisher(UInt64, "base/ledger_ack", newest)
        node.create_subscription(DiagnosticArray, "base/deadline_misses", self._on_misses, 100)
        node.create_timer(_ANNOUNCE_S, self._announce)
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write what has come, then end."""
        self._records.put(None)
        self._thread.join()
        self._ledger.close()

    def _on_misses(self, message: DiagnosticArray) -> None:
        for one in message.status:
            self._records.put({pair.key: pair.value for pair in one.values})

    def _write(self) -> None:
        while (record := self._records.get()) is not None:
            if self._ledger.take(record) and self._records.empty():
                self._announce()

    def _announce(self) -> None:
        if self._ledger.confirmed:
            self._confirmations.publish(UInt64(data=self._ledger.confirmed))
