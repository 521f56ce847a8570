"""Drives lifecycle nodes to active, in order, and again after each restart."""

from __future__ import annotations

import time
from dataclasses import dataclass

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future

_NEXT = {
    State.PRIMARY_STATE_UNCONFIGURED: Transition.TRANSITION_CONFIGURE,
    State.PRIMARY_STATE_INACTIVE: Transition.TRANSITION_ACTIVATE,
}
_LEADS_TO = {
    State.PRIMARY_STATE_UNCONFIGURED: State.PRIMARY_STATE_INACTIVE,
    State.PRIMARY_STATE_INACTIVE: State.PRIMARY_STATE_ACTIVE,
}
_ANSWER_LIMIT_NS = 400_000_000  # an answer can be lost while both ends still discover each other: ask again
_REFRESH_NS = 500_000_000


@dataclass
class Driven:
    """One lifecycle node as last seen."""

    get_state: Client
    change_state: Client
    state: int = State.PRIMARY_STATE_UNKNOWN
    pending: Future | None = None
    asked_ns: int = 0


class LifecycleDriver:
    """``step`` is called often, never blocks, and does the next thing that brings a node nearer to active."""

    def __init__(self, node: Node, names: list[str]) -> None:
        self._node = node
        self._driven = {
            name: Driven(
                node.create_client(GetState, f"{name}/get_state"),
                node.create_client(ChangeState, f"{name}/change_state"),
            )
            for name in names
        }

    def all_active(self) -> bool:
        return all(driven.state == State.PRIMARY_STATE_ACTIVE for driven in self._driven.values())

    def inactive(self) -> list[str]:
        """The nodes that are not active, in order."""
        return [n for n, driven in self._driven.items() if driven.state != State.PRIMARY_STATE_ACTIVE]

    def lost(self, name: str) -> None:
        """The node's process died: what is known of it no longer holds."""
        if name in self._driven:
            driven = self._driven[name]
            driven.state, driven.pending = State.PRIMARY_STATE_UNKNOWN, None

    def step(self, now_ns: int) -> None:
        """Ask each node for its state, or for the next transition; a node waits for those before it only at first."""
        for name, driven in self._driven.items():
            self._step_one(driven, now_ns)
            down = driven.state in (State.PRIMARY_STATE_UNCONFIGURED, State.PRIMARY_STATE_UNKNOWN)
            if down and not self._was_up(name):
                return

    def _was_up(self, name: str) -> bool:
        """A node that was up before does not hold back those behind it when it restarts."""
        names = list(self._driven)
        behind = names[names.index(name) + 1 :]
        return any(self._driven[other].state != State.PRIMARY_STATE_UNKNOWN for other in behind)

    def _step_one(self, driven: Driven, now_ns: int) -> None:
        if driven.pending is not None:
            if now_ns - driven.asked_ns > _ANSWER_LIMIT_NS:
                driven.pending.cancel()
                driven.pending, driven.state = None, State.PRIMARY_STATE_UNKNOWN
            return
        if driven.state in _NEXT and driven.change_state.service_is_ready():
            request = ChangeState.Request(transition=Transition(id=_NEXT[driven.state]))
            self._ask(driven, driven.change_state, request, now_ns)
        elif driven.get_state.service_is_ready() and (
            driven.state not in (State.PRIMARY_STATE_ACTIVE,) or now_ns - driven.asked_ns > _REFRESH_NS
        ):
            self._ask(driven, driven.get_state, GetState.Request(), now_ns)

    def _ask(
        self, driven: Driven, client: Client, request: GetState.Request | ChangeState.Request, now_ns: int
    ) -> None:
        future: Future = client.call_async(request)
        driven.pending, driven.asked_ns = future, now_ns
        future.add_done_callback(lambda done: self._answered(driven, done))

    def _answered(self, driven: Driven, future: Future) -> None:
        if driven.pending is None or driven.pending is not future or future.cancelled():
            return  # an answer of a node that was lost meanwhile
        driven.pending = None
        answer = future.result()
        if isinstance(answer, GetState.Response):
            driven.state = answer.current_state.id
        elif answer is not None and answer.success:
            driven.state = _LEADS_TO.get(driven.state, State.PRIMARY_STATE_UNKNOWN)
        else:
            driven.state = State.PRIMARY_STATE_UNKNOWN  # ask what the transition led to
        if driven.state in _NEXT:
            self._step_one(driven, time.monotonic_ns())  # at once: a restart waits for each of these
