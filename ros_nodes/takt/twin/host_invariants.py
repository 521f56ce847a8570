"""What the host's processes must do in time: go down the ladder, obey a rung, keep to limits, remember STOP."""

from __future__ import annotations

from collections.abc import Callable

from takt.deadlines import Rung
from takt.twin.episode import MS
from takt.twin.world import World

Note = Callable[[World, str, str], None]

_GRID_NS = 50 * MS  # the supervisor's
_TICK_NS = _GRID_NS + MS
_LOST_RAMP_NS = 900 * MS
_RECENT_NS = 100 * MS
_CREEP_M_S = 0.05
_FLOAT_SLACK = 1.001


class HostInvariants:
    """Called every 10 ms; ``note`` takes what was violated."""

    def __init__(self, world: World, note: Note) -> None:
        contract = world.contract
        self._note, self._limits, self._ladder = note, contract.limits, contract.ladder
        self._lost_ns = contract.planning.lost_timeout_ms * MS
        self._since_ns: dict[str, int] = {}
        self._told_ns: int | None = None

    def __call__(self, world: World) -> None:
        self._ladder_in_time(world)
        self._commands(world)
        self._lost_target(world)
        self._stop_kept(world)

    # ---------------------------------------------------------------- ladder

    def _ladder_in_time(self, world: World) -> None:
        """The supervisor, while it runs, is down within a tick for whatever it can know."""
        supervisor = world.supervisor
        if not supervisor.process.runs(world.now_ns):
            self._since_ns.clear()
            return
        board = supervisor.watch.board
        age_ms, link_ms = world.perceiver.perception_age_ms(world.ros_ns), board.age_ms(world.now_ns)
        just_set = (
            world.clock_stepped_ns == world.now_ns
        )  # after the supervisor looked, in the same millisecond
        stale = age_ms > self._ladder.hold_perception_age_ms and not just_set
        silent = link_ms > self._ladder.safe_link_silence_ms
        stopped = world.stop_asked and supervisor.watch.arming.stopped
        if world.now_ns % _GRID_NS == 0:  # it has just looked, and it knew as much
            self._now(world, stale, Rung.HOLD, f"perception {age_ms:.0f} ms old")
            self._now(world, silent, Rung.SAFE, "a silent link")
        self._demand(world, "stopped", stopped, Rung.SAFE, "STOP pressed")
        self._demand(world, "board safe", board.rung is Rung.SAFE, Rung.SAFE, "a board on SAFE")
        self._demand(world, "board holds", board.rung is Rung.HOLD, Rung.HOLD, "a board on HOLD")

    def _now(self, world: World, holds: bool, rung: Rung, what: str) -> None:
        actual = world.supervisor.watch.ladder.rung
        if holds and actual < rung:
            self._note(world, "rung_in_time", f"{actual.name} with {what}")

    def _demand(self, world: World, name: str, holds: bool, rung: Rung, what: str) -> None:
        if not holds:
            self._since_ns.pop(name, None)
            return
        since_ns = self._since_ns.setdefault(name, world.now_ns)
        actual = world.supervisor.watch.ladder.rung
        if world.now_ns - since_ns > _TICK_NS and actual < rung:
            self._note(world, "rung_in_time", f"{actual.name} with {what}")

    # -------------------------------------------------------------- commands

    def _commands(self, world: World) -> None:
        """What the planner sends is within the limits, and nothing while it is told to hold."""
        planner = world.planner
        command, runs = planner.command, planner.process.runs(world.now_ns)
        if command is None or not runs or world.now_ns - world.command_sent_ns > _TICK_NS:
            self._told_ns = None
            return
        top = self._limits.speed_m_s * _FLOAT_SLACK
        if (
            abs(command.speed_m_s) > top
            or abs(command.yaw_rate_rad_s) > self._limits.yaw_rate_rad_s * _FLOAT_SLACK
        ):
            detail = f"{command.speed_m_s:.2f} m/s, {command.yaw_rate_rad_s:.2f} rad/s"
            self._note(world, "command_limit", detail)
        if planner.rung < Rung.HOLD:
            self._told_ns = None
            return
        self._told_ns = self._told_ns or world.now_ns
        moves = command.speed_m_s != 0.0 or command.yaw_rate_rad_s != 0.0
        if moves and min(world.now_ns, world.command_sent_ns) - self._told_ns > _TICK_NS:
            self._note(world, "rung_obeyed", f"{command.speed_m_s:.2f} m/s on {planner.rung.name}")

    def _lost_target(self, world: World) -> None:
        """Nobody drives after a target that was not seen for too long."""
        command = world.planner.command
        if command is None or not world.planner.process.runs(world.now_ns):
            return
        unseen_ns = world.now_ns - world.perceiver.target_seen_ns
        recent = world.now_ns - world.command_sent_ns < _RECENT_NS
        if recent and unseen_ns > self._lost_ns + _LOST_RAMP_NS and command.speed_m_s > _CREEP_M_S:
            self._note(
                world,
                "lost_target",
                f"{command.speed_m_s:.2f} m/s, target unseen for {unseen_ns / MS:.0f} ms",
            )

    # ------------------------------------------------------------------ STOP

    def _stop_kept(self, world: World) -> None:
        """A STOP that a supervisor has taken stands on its disk until it is taken back, and it knows of it."""
        if not (world.stop_asked and world.stop_taken):
            return
        supervisor = world.supervisor
        if not supervisor.stop_file.is_set:
            self._note(world, "stop_kept", "a supervisor that started now would know of no STOP")
        elif supervisor.process.runs(world.now_ns) and not supervisor.watch.arming.stopped:
            self._note(world, "stop_kept", "the supervisor has forgotten STOP")
