"""Brings the planned faults into a running demo at their seconds, writes each down, and undoes what it did."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from takt.errors import TaktError
from takt.trouble import fault_file
from takt.trouble.fault_file import Injected
from takt.trouble.hands import Hands
from takt.trouble.kinds import KINDS, LiveKind
from takt.twin.episode import FaultPlan

_OPERATOR_WAITS_S = 1.0
_OPERATOR_EVERY_S = 1.0


@dataclass
class _Open:
    kind: LiveKind
    end_s: float


class LiveInjector:
    """``step`` is called often, with the seconds since the robot was first armed and ROS time.

    ``patience_s``: a fault that is due waits so long in all until the robot is ready for it, and all behind it with it.
    """

    def __init__(
        self,
        plans: Sequence[FaultPlan],
        hands: Hands,
        run_dir: Path,
        tell: Callable[[str], object],
        patience_s: float = 0.0,
    ) -> None:
        self._waiting = sorted(plans, key=lambda plan: (plan.at_s, plan.kind))
        self._open: list[_Open] = []
        self._hands, self._run_dir, self._tell = hands, run_dir, tell
        self._patience_s = patience_s
        self.delay_s = 0.0  # by which everything is later than planned
        self.done: list[Injected] = []
        self.failed: list[str] = []

    @property
    def quiet(self) -> bool:
        """Nothing is under way and nothing will be."""
        return not self._open and not self._waiting

    @property
    def idle(self) -> bool:
        """Nothing is under way now."""
        return not self._open

    def step(self, since_armed_s: float, ros_ns: int, ready: bool = True) -> None:
        """Begin and end what is due; ``ready``: the robot drives and has nothing to recover from."""
        for one in [one for one in self._open if since_armed_s >= one.end_s]:
            self._open.remove(one)
            self._attempt(one.kind, partial(one.kind.end, self._hands))
        while self._waiting and since_armed_s >= self._waiting[0].at_s + self.delay_s:
            late_s = since_armed_s - self._waiting[0].at_s
            if not ready and late_s < self._patience_s:
                self.delay_s = late_s
                return
            self._begin(self._waiting.pop(0), since_armed_s, ros_ns)

    def close(self) -> None:
        """End what is under way, so that the run can be ended."""
        self._waiting.clear()
        for one in self._open:
            self._attempt(one.kind, partial(one.kind.end, self._hands))
        self._open.clear()
        self._hands.thaw()

    def _begin(self, plan: FaultPlan, since_armed_s: float, ros_ns: int) -> None:
        kind = KINDS[plan.kind]
        self._tell(f"fault {plan.kind} for {plan.for_s:g} s, strength {plan.strength:g}")
        if self._attempt(kind, lambda: kind.begin(self._hands, plan.strength, plan.for_s)):
            injected = Injected(plan.kind, ros_ns, ros_ns + round(plan.for_s * 1e9), plan.strength)
            fault_file.append(self._run_dir, injected)
            self.done.append(injected)
            self._open.append(_Open(kind, since_armed_s + plan.for_s))

    def _attempt(self, kind: LiveKind, act: Callable[[], object]) -> bool:
        """A fault that cannot be brought in or taken back is told, and no reason to end the run."""
        try:
            act()
        except (TaktError, ProcessLookupError) as error:
            self.failed.append(f"{kind.name}: {error}")
            self._tell(f"fault {kind.name} not done: {error}")
            return False
        return True


class Operator:
    """A person who comes when the faults have been over for a second: takes STOP back, clears what latched, arms."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._quiet_s: float | None = None
        self._next_s = 0.0
        self.stop_taken_back_ns: int | None = None

    def step(
        self, quiet: bool, armed: bool, fault: str, stopped: bool, since_armed_s: float, ros_ns: int
    ) -> None:
        """``fault``: what the board has latched; ``stopped``: STOP was pressed and holds."""
        if not quiet:
            self._quiet_s = None
            return
        if self._quiet_s is None:
            self._quiet_s, self._next_s = since_armed_s, since_armed_s + _OPERATOR_WAITS_S
        if since_armed_s < self._next_s or (armed and not stopped):
            return
        self._next_s = since_armed_s + _OPERATOR_EVERY_S
        if stopped:
            self.stop_taken_back_ns = self.stop_taken_back_ns or ros_ns
            self._hands.robot.take_stop_back()
        if fault:
            self._hands.robot.clear_fault()
        elif not armed:
            self._hands.robot.arm()
