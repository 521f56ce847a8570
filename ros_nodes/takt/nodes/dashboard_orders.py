"""Carries out what a person asks at the page: STOP until it is answered, everything else once and now."""

from __future__ import annotations

import math
import queue
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future as RosFuture
from std_srvs.srv import SetBool, Trigger

from takt.contract import Contract
from takt.dashboard import Answer, ParameterRow, RobotState
from takt.nodes.board_parameters import BoardParameters

_TICK_S = 0.05
_ASK_AGAIN_S = 0.5
_PATIENCE_S = 3.0


class StopRequest:
    """Asks one service until it says yes. ``answer`` is empty until there is one."""

    def __init__(self, client: Client, request: Any) -> None:
        self._client = client
        self._request = request
        self._call: RosFuture | None = None
        self._asked_s = -math.inf
        self.answer = ""
        self.done = True

    def begin(self) -> None:
        """A person pressed STOP."""
        self.done, self.answer, self._call, self._asked_s = False, "", None, -math.inf

    def step(self, now_s: float) -> None:
        """Look for an answer, ask again when it stays away."""
        if self.done:
            return
        if self._call is not None and self._call.done():
            response = self._call.result()
            self.done = bool(response.success)
            self.answer = response.message or ("done" if response.success else "refused")
            self._call = None
        elif now_s - self._asked_s >= _ASK_AGAIN_S and self._client.service_is_ready():
            if self._call is not None:
                self._client.remove_pending_request(self._call)
            self._call, self._asked_s = self._client.call_async(self._request), now_s


@dataclass
class Once:
    """A call that waits for its answer until ``until_s``; ``told`` gets it."""

    client: Client
    call: RosFuture
    until_s: float
    told: Future[Answer]
    after: Callable[[], None]


class NodeOrders:
    """Takes orders from any thread; a guard condition wakes the node's executor, which alone speaks to ROS."""

    def __init__(self, node: Node, contract: Contract, state: RobotState) -> None:
        self._node = node
        self._state = state
        arm = node.create_client(SetBool, contract.services["arm"].ros_name)
        clear = node.create_client(Trigger, contract.services["clear_fault"].ros_name)
        resume = node.create_client(Trigger, "supervisor/resume")
        self._stop_supervisor = StopRequest(node.create_client(Trigger, "supervisor/stop"), Trigger.Request())
        self._stop_board = StopRequest(arm, SetBool.Request(data=False))
        self._calls = {
            "resume": (resume, Trigger.Request(), self._resumed),
            "clear_fault": (clear, Trigger.Request(), lambda: None),
            "arm": (arm, SetBool.Request(data=True), lambda: None),
        }
        self._parameters = BoardParameters(node)
        self._jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._waiting: list[Once] = []
        self._stopping = False
        self._wake = node.create_guard_condition(self._work)
        node.create_timer(_TICK_S, self._work)

    @property
    def waiting(self) -> int:
        """Orders that were sent and not answered yet; STOP is not among them."""
        return len(self._waiting)

    def stop(self) -> None:
        self._do(self._begin_stop)

    def order(self, name: str) -> Future[Answer]:
        told: Future[Answer] = Future()
        self._do(lambda: self._ask(name, told))
        return told

    def read_parameters(self) -> Future[list[ParameterRow]]:
        told: Future[list[ParameterRow]] = Future()
        self._do(lambda: self._parameters.read(told))
        return told

    def set_parameter(self, name: str, value: float) -> Future[Answer]:
        told: Future[Answer] = Future()
        self._do(lambda: self._parameters.set(name, value, told))
        return told

    def _do(self, job: Callable[[], None]) -> None:
        self._jobs.put(job)
        self._wake.trigger()

    def _work(self) -> None:
        """In the executor's thread."""
        while not self._jobs.empty():
            self._jobs.get()()
        now_s = time.monotonic()
        for request in (self._stop_supervisor, self._stop_board):
            request.step(now_s)
        if self._stopping:
            self._state.set_stop_answers(self._stop_supervisor.answer, self._stop_board.answer)
        self._waiting = [once for once in self._waiting if not _ended(once, now_s)]
        self._parameters.step(now_s)

    def _begin_stop(self) -> None:
        """STOP goes first, and voids what is under way: an answer to it is no longer waited for."""
        self._node.get_logger().warning("STOP pressed on the dashboard")
        self._stop_supervisor.begin()
        self._stop_board.begin()
        self._stopping = True
        for once in self._waiting:
            once.client.remove_pending_request(once.call)
            _tell(once.told, Answer(False, "STOP was pressed meanwhile"))
        self._waiting.clear()

    def _ask(self, name: str, told: Future[Answer]) -> None:
        client, request, after = self._calls[name]
        if not client.service_is_ready():
            _tell(told, Answer(False, "nobody answers to that now; nothing was sent"))
            return
        self._node.get_logger().warning(f"{name} ordered on the dashboard")
        until_s = time.monotonic() + _PATIENCE_S
        self._waiting.append(Once(client, client.call_async(request), until_s, told, after))

    def _resumed(self) -> None:
        """STOP is taken back: the board is not asked to disarm any more."""
        self._stop_board.done = self._stop_supervisor.done = True
        self._stopping = False
        self._state.end_stop()


def _ended(once: Once, now_s: float) -> bool:
    if once.call.done():
        response = once.call.result()
        if response.success:
            once.after()
        words = response.message or ("done" if response.success else "refused without a word")
        _tell(once.told, Answer(bool(response.success), words))
        return True
    if now_s >= once.until_s:
        once.client.remove_pending_request(once.call)
        _tell(once.told, Answer(False, "no answer; whether it was done is not known"))
        return True
    return False


def _tell(told: Future[Any], answer: Any) -> None:
    if told.set_running_or_notify_cancel():  # the page may have gone away
        told.set_result(answer)
