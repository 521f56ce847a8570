"""Takes misses off the topics, the board's and the nodes', has them written, and confirms what is on disk.

Both is done by threads of its own, with the priority of the line: a program that keeps the stages from the processors
must not keep the word of it from the ledger.
"""

from __future__ import annotations

import json
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from std_msgs.msg import String, UInt64

import takt.contract
from takt.deadlines import Miss
from takt.deadlines.outbox import Offer
from takt.nodes.ears import Ears
from takt.realtime.machine import MachineView
from takt.realtime.policy import take_priority
from takt.supervision.board_miss import BoardClock, Record, miss_of, missed_ns
from takt.supervision.ledger_file import LedgerFile

LEDGER_FILE = Path.home() / ".ros/takt/ledger.jsonl"  # where nobody says otherwise
_ANNOUNCE_S = 1.0
_BATCH = 256
_PATIENCE_S = 0.02  # the bystander's next look, when the board missed a cycle


class LedgerKeeper:
    """The disk is waited for by one thread, misses by another, and neither by the node's executor.

    ``ring``: the robot's ring, whose name the bystander's journals carry. ``board_is_here``: the board is a process of
    this host, so that a stall of the host is one of its.
    """

    def __init__(
        self,
        node: Node,
        path: Path,
        ring: str,
        board_is_here: bool,
        ros_ns: Callable[[], int] = time.time_ns,
        heard: Callable[[Miss], object] = lambda miss: None,
    ) -> None:
        """``heard`` is told of each miss of a node, by the thread that takes them."""
        contract = takt.contract.load()
        self._ledger = LedgerFile(path)
        self._ros_ns, self._heard = ros_ns, heard
        self._period_ns = 1_000_000_000 // contract.control.rate_hz
        self._machine = MachineView(ring) if board_is_here else None
        self._clock = BoardClock()
        self._come: queue.SimpleQueue[tuple[int, Record | Offer] | None] = queue.SimpleQueue()
        self._touched: set[tuple[str, int]] = set()
        self._priority = contract.scheduling.agent
        self._make_endpoints(node, contract)
        self._thread = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._thread.start()
        self._ears.start()

    def close(self) -> None:
        """Write what has come, then end."""
        self._ears.close()
        self._come.put(None)
        self._thread.join()
        self._ledger.close()

    def learn(self, status: str, values: dict[str, str]) -> None:
        """A diagnostic status of the board: its clock is needed to say when it missed."""
        self._clock.learn(status, values)

    def _make_endpoints(self, node: Node, contract: takt.contract.Contract) -> None:
        newest = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)
        board, ack = contract.topics["deadline_misses"], contract.topics["ledger_ack"]
        misses, on_disk = contract.host_topics["misses"], contract.host_topics["misses_on_disk"]
        self._confirmations = node.create_publisher(UInt64, ack.ros_name, newest)
        self._misses = node.create_publisher(String, misses.ros_name, QoSProfile(depth=misses.depth))
        self._on_disk = node.create_publisher(String, on_disk.ros_name, QoSProfile(depth=on_disk.depth))
        self._ears = Ears(node, "ledger-ears", lambda: take_priority(self._priority))
        self._ears.listen(DiagnosticArray, board.ros_name, QoSProfile(depth=board.depth), self._on_board)
        # Nodes tell again by themselves. A reliable reader holds back what came behind a lost sample until the writer's
        # heartbeat, which Fast DDS sends every 3 s.
        at_once = QoSProfile(depth=misses.depth, reliability=ReliabilityPolicy.BEST_EFFORT)
        self._ears.listen(String, misses.ros_name, at_once, self._on_miss)
        node.create_timer(_ANNOUNCE_S, self._announce)

    def _on_board(self, message: DiagnosticArray) -> None:
        for one in message.status:
            self._come.put((self._ros_ns(), {pair.key: pair.value for pair in one.values}))

    def _on_miss(self, message: String) -> None:
        try:
            offer = Offer.from_json(message.data)
        except ValueError:
            return  # anybody may publish; what is no miss is none
        self._come.put((self._ros_ns(), offer))
        self._heard(offer.miss)

    def _write(self) -> None:
        """Everything that has come, then one wait for the disk, then the confirmations."""
        take_priority(self._priority)
        ended = False
        while not ended:
            batch = [self._come.get()]
            while len(batch) < _BATCH and not self._come.empty():
                batch.append(self._come.get())
            ended = None in batch
            known = [one for one in batch if one is not None]
            written = [self._take(heard_ns, what) for heard_ns, what in known]
            if any(written):
                self._ledger.sync()
            if any(isinstance(what, dict) for _, what in known):
                self._announce()
            self._confirm_nodes()

    def _take(self, heard_ns: int, what: Record | Offer) -> bool:
        if isinstance(what, Offer):
            self._touched.add((what.miss.source, what.miss.epoch))
            return self._ledger.take_offer(what)
        miss = self._board_miss(what, heard_ns)
        written = self._ledger.take(what, miss, sync=False)
        if written:
            self._misses.publish(
                String(data=miss.to_json())
            )  # for those who look on, as the nodes tell theirs
        return written

    def _board_miss(self, record: Record, heard_ns: int) -> Miss:
        stall_ms = self._stall_ms(record, heard_ns) if self._machine is not None else None
        return miss_of(record, self._clock, self._period_ns, heard_ns, stall_ms)

    def _stall_ms(self, record: Record, heard_ns: int) -> float:
        """The bystander's lateness from the cycle's release to its end; 0 where that time is not known."""
        assert self._machine is not None
        passed_ns = missed_ns(record, self._clock, self._period_ns)
        if passed_ns is None:
            return 0.0
        end_ns = passed_ns + int(record["late_ns"])
        time.sleep(min(max(_PATIENCE_S - (heard_ns - end_ns) / 1e9, 0.0), _PATIENCE_S))
        steady_ns = time.monotonic_ns() - self._ros_ns()
        begin_ns = passed_ns - self._period_ns + steady_ns
        return self._machine.longest_stall_ns(begin_ns, end_ns + steady_ns) / 1e6

    def _confirm_nodes(self) -> None:
        told: dict[str, dict[str, int]] = {}
        for source, epoch in self._touched:
            sequence = self._ledger.confirmed_of(source, epoch)
            if sequence is not None:
                told.setdefault(source, {})[str(epoch)] = sequence
        self._touched.clear()
        if told:
            self._on_disk.publish(String(data=json.dumps(told)))

    def _announce(self) -> None:
        if self._ledger.confirmed:
            self._confirmations.publish(UInt64(data=self._ledger.confirmed))
