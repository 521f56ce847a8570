"""Planner and supervisor as the twin's host has them: the code that ships, called on the grids that the nodes have."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from takt.contract import Contract
from takt.deadlines import Rung
from takt.planning.follower import Command, Follower, Observation
from takt.planning.odometry import Odometry, WheelOdometry
from takt.planning.plan_tick import PlanNotes, PlanTick
from takt.supervision.ledger_file import LedgerFile
from takt.supervision.stop_file import StopFile
from takt.supervision.watch import Watch
from takt.twin.episode import MS, SECOND
from takt.twin.process import Process

_PLANNER_RESTART_NS = 1_200 * MS
_SUPERVISOR_RESTART_NS = 2_000 * MS
LOOK_NS = 5 * MS
_TICK_NS = 50 * MS
_LADDER_SILENCE_NS = 3 * SECOND
_TELL_NS = SECOND
_SPOOL = Path("/dev/shm")


class Planner:
    """As the planner node: a look every 5 ms, a command for each new observation and at least every period."""

    def __init__(self, contract: Contract) -> None:
        self.process = Process("planner", _PLANNER_RESTART_NS)
        self.slow_factor = 1
        self.rung, self._rung_ns = Rung.HOLD, 0
        self.command: Command | None = None
        self.on_tick: Callable[[PlanTick], None] | None = None  # whoever records what it thinks from
        self._contract = contract
        self._period_ns = SECOND // contract.planning.rate_hz
        self._start()

    def _start(self) -> None:
        self._follower, self._wheels = Follower(self._contract), WheelOdometry(self._contract)
        self._odometry: Odometry | None = None
        self._planned_ns, self._seen_ns = 0, 0
        self._notes = PlanNotes()
        self.rung = Rung.HOLD

    @property
    def track_known(self) -> bool:
        return not self._follower.lost

    def hear_joints(self, left_rad: float, right_rad: float, stamp_ns: int) -> None:
        self._odometry = self._wheels.update(left_rad, right_rad, stamp_ns)
        if self.on_tick is not None:
            self._notes.joints.append((left_rad, right_rad, stamp_ns))

    def hear_rung(self, rung: Rung, now_ns: int) -> None:
        self.rung, self._rung_ns = rung, now_ns

    def advance(self, observation: Observation | None, now_ns: int, ros_ns: int) -> Command | None:
        """The command to send now, if one is due."""
        if now_ns % (LOOK_NS * self.slow_factor) or not self.process.runs(now_ns):
            return None
        if self.process.just_restarted(now_ns):
            self._start()
        stamp_ns = observation.capture_stamp_ns if observation else 0
        is_new = stamp_ns != self._seen_ns
        if not is_new and now_ns - self._planned_ns < self._period_ns - LOOK_NS // 2:
            return None
        self._planned_ns, self._seen_ns = now_ns, stamp_ns
        silent = now_ns - self._rung_ns > _LADDER_SILENCE_NS
        rung = max(self.rung, Rung.HOLD) if silent else self.rung
        self.command = self._follower.update(observation, self._odometry, rung, ros_ns)
        if self.on_tick is not None:
            self.on_tick(self._notes.tick(observation, rung, ros_ns, self.command))
        return self.command if self.command.stamp_ns > 0 else None


class Supervisor:
    """As the supervisor node: ladder, arming and the ledger on disk. ``call(arm)`` asks the board."""

    def __init__(self, contract: Contract, rearm: str, call: Callable[[bool], None]) -> None:
        self.process = Process("supervisor", _SUPERVISOR_RESTART_NS)
        self._contract, self._rearm, self._call = contract, rearm, call
        self._folder = tempfile.TemporaryDirectory(
            prefix="takt-twin-", dir=_SPOOL if _SPOOL.is_dir() else None
        )
        self.ledger_path = Path(self._folder.name) / "ledger.jsonl"
        self.ledger = LedgerFile(self.ledger_path)
        self.stop_file = StopFile(self.ledger_path.with_name("stopped"))
        self.watch = Watch(contract, rearm, 0)
        self._told: tuple[Rung, str] | None = None
        self._told_ns = self._acked_ns = 0
        self._acked = 0

    def close(self) -> None:
        self.ledger.close()
        self._folder.cleanup()

    def stop(self) -> None:
        """The node's service of that name."""
        self.watch.arming.stop()
        self.stop_file.set()
        self._call(False)

    def resume(self) -> None:
        self.stop_file.clear()
        self.watch.arming.resume()

    def hear_misses(self, record: Mapping[str, str]) -> None:
        self.ledger.take(record)

    def acknowledgement(self, now_ns: int) -> int | None:
        """The highest record on disk, on change and once a second."""
        confirmed = self.ledger.confirmed
        if confirmed == 0 or (confirmed == self._acked and now_ns - self._acked_ns < _TELL_NS):
            return None
        self._acked, self._acked_ns = confirmed, now_ns
        return confirmed

    def advance(self, perception_age_ms: float, nodes_active: bool, now_ns: int) -> tuple[Rung, str] | None:
        """The rung to tell the others now, if it is due; asks the board to arm or disarm by itself."""
        if now_ns % _TICK_NS or not self.process.runs(now_ns):
            return None
        if self.process.just_restarted(now_ns):
            self._restart(now_ns)
        wish = self.watch.tick(now_ns, perception_age_ms, nodes_active)
        if wish is not None and self.watch.may_call(now_ns):
            self._call(wish)
        state = (self.watch.ladder.rung, self.watch.ladder.reason)
        if state == self._told and now_ns - self._told_ns < _TELL_NS:
            return None
        self._told, self._told_ns = state, now_ns
        return state

    def _restart(self, now_ns: int) -> None:
        """A new process: it knows nothing but what is on disk."""
        self.ledger.close()
        self.ledger = LedgerFile(self.ledger_path)
        self.watch = Watch(self._contract, self._rearm, now_ns)
        if self.stop_file.is_set:
            self.watch.arming.stop()
        self._told, self._acked = None, 0
