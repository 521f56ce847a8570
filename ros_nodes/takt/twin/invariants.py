"""What must hold at every tick, whatever goes wrong. Each judges by truths that the robot's own code has no part in.

A violation names the invariant, the second and the figures. Bounds come from the contract; what is added to them is
the grid on which the check itself runs, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from takt.deadlines import Rung
from takt.simulation.board import CLIENT_STATES, MISS_CAUSES
from takt.supervision.ledger_file import identity_of
from takt.twin.episode import MS, SECOND
from takt.twin.host_invariants import HostInvariants
from takt.twin.injector import Injector
from takt.twin.wheel_invariants import WheelInvariants
from takt.twin.world import World

_CYCLE_NS = 10 * MS
_FLOAT_SLACK = 1.02
_STILL_M_S = 0.1
_CLOCK_SETTLES_NS = 1_500 * MS
_QUEUE_LIMIT = 64
_LEDGER_LIMIT = 65  # its ring and the one gap record
_TRACKING_RAD_S = 6.0
_TRACKING_AFTER_NS = SECOND
_CLOCK_BENDS_PPM = 1_250  # the slew of 1000 ppm, and drift as the board believes it before and after
_CLOCK_ROUNDS_NS = 2_000


Wheels = tuple[float, float]
Jumps = list[tuple[str, float, float]]  # of what, how far, and how far it may


@dataclass(frozen=True)
class Violation:
    invariant: str
    at_s: float
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant} at {self.at_s:.3f} s: {self.detail}"


class Invariants:
    """A watcher of the world; ``found`` holds the first violation of each invariant."""

    def __init__(self, world: World, injector: Injector) -> None:
        contract = world.contract
        self.found: dict[str, Violation] = {}
        self.checks = 0
        self._injector = injector
        self._max_age_ns = contract.topics["cmd_vel"].max_age_ms * MS
        self._silence_ns = contract.safety.command_silence_ms * MS
        self._link_silence_ns = contract.safety.link_silence_ms * MS
        self._limits, self._robot = contract.limits, contract.robot
        self._stop_s = contract.safety.stop_ramp_ms / 1e3
        self._host, self._wheels = HostInvariants(world, self.note), WheelInvariants(world, self.note)
        self._setpoint = (0.0, 0.0)
        self._cycle_ns = 0
        self._armed = False
        self._arm_calls = 0
        self._rung_since_ns = 0
        self._clock_before: tuple[int, int, int] | None = None
        self._clock_step_ns = self._clock_settled_ns = 0

    def __call__(self, world: World, cycled: bool) -> None:
        if cycled:
            self.checks += 1
            self._commands(world)
            self._motion(world)
            self._wheels(world)
            self._arming(world)
            self._clock(world)
            self._queues(world)
        if world.now_ns % (10 * MS) == 0:
            self._host(world)
            self._collisions(world)

    def note(self, world: World, invariant: str, detail: str) -> None:
        if invariant not in self.found:
            self.found[invariant] = Violation(invariant, world.since_armed_s, detail)

    # ---------------------------------------------------------------- the board

    def _commands(self, world: World) -> None:
        """No command rests on an observation that is too old, and silence stops the wheels."""
        view = world.body.board.view
        driving = view.armed and view.rung <= Rung.REDUCED
        taken_ns = world.perceiver.taken_ns.get(world.command_stamp_ns)
        if driving and taken_ns is not None and world.now_ns - taken_ns > self._max_age_ns:
            age_ms = (world.now_ns - taken_ns) / MS
            self.note(world, "stale_command", f"rung {view.rung} on an observation {age_ms:.1f} ms old")
        quiet_ns = world.now_ns - world.body.fed_ns
        if driving and quiet_ns > self._silence_ns + _CYCLE_NS:
            self.note(
                world, "command_silence", f"rung {view.rung} after {quiet_ns / MS:.0f} ms without a byte"
            )
        if view.armed and quiet_ns > self._link_silence_ns + _CYCLE_NS:
            self.note(world, "link_silence", f"armed after {quiet_ns / MS:.0f} ms without a byte")

    def _motion(self, world: World) -> None:
        """Setpoints keep to speed and acceleration limits, also when they resume; wheels follow them."""
        view = world.body.board.view
        setpoint = (view.setpoint_rad_s[0], view.setpoint_rad_s[1])
        elapsed_s = max((world.now_ns - self._cycle_ns) / SECOND, 0.010)
        before, self._setpoint, self._cycle_ns = self._setpoint, setpoint, world.now_ns
        top = self._limits.wheel_speed_rad_s
        if max(map(abs, setpoint)) > top * _FLOAT_SLACK:
            self.note(world, "speed_limit", f"setpoint {max(map(abs, setpoint)):.2f} rad/s, limit {top}")
        if view.armed:
            limits = self._driving_limits if view.rung <= Rung.REDUCED else self._stopping_limits
            for name, jump, limit in limits(before, setpoint, elapsed_s):
                if jump > limit * _FLOAT_SLACK + 1e-3:
                    detail = f"{name} by {jump:.3f} in {elapsed_s * 1e3:.0f} ms, limit {limit:.3f}"
                    self.note(world, "setpoint_jump", detail)
        self._tracking(world)

    def _driving_limits(self, before: Wheels, after: Wheels, elapsed_s: float) -> Jumps:
        """Each wheel within what both accelerations give together."""
        radius_m, half_m = self._robot.wheel_radius_m, self._robot.wheel_separation_m / 2.0
        rate = (self._limits.acceleration_m_s2 + self._limits.yaw_acceleration_rad_s2 * half_m) / radius_m
        return [
            ("rad/s of a wheel", abs(new - old), rate * elapsed_s)
            for old, new in zip(before, after, strict=True)
        ]

    def _stopping_limits(self, before: Wheels, after: Wheels, elapsed_s: float) -> Jumps:
        """Speed and yaw rate fall within the stop ramp and never grow. (A single wheel's may: the robot stops turning
        later than it stops driving, and its inner wheel meanwhile turns back.)"""
        found: Jumps = []
        radius_m, separation_m = self._robot.wheel_radius_m, self._robot.wheel_separation_m
        for name, sign, scale, top in (
            ("m/s", 1.0, radius_m / 2.0, self._limits.speed_m_s),
            ("rad/s of yaw", -1.0, radius_m / separation_m, self._limits.yaw_rate_rad_s),
        ):
            old, new = ((wheels[1] + sign * wheels[0]) * scale for wheels in (before, after))
            falls = abs(new) <= abs(old) + 1e-4 and old * new >= 0.0
            found.append((name, abs(new - old), top / self._stop_s * elapsed_s if falls else 0.0))
        return found

    def _tracking(self, world: World) -> None:
        """With sound motors the wheels are near their setpoint a second after any trouble."""
        view = world.body.board.view
        if not (view.armed and view.driver_enabled) or world.now_ns < self._injector.free_until_ns:
            self._rung_since_ns = world.now_ns
            return
        if world.plant.touched or world.now_ns - self._rung_since_ns < _TRACKING_AFTER_NS:
            return
        for speed, setpoint in zip(world.plant.wheel_speed_rad_s(), self._setpoint, strict=True):
            error = abs(speed - setpoint)
            if error > _TRACKING_RAD_S:
                self.note(world, "wheel_tracking", f"{error:.1f} rad/s off its setpoint {setpoint:.1f}")

    def _arming(self, world: World) -> None:
        """Motors are off until a fresh request, and after STOP until a person takes it back."""
        view = world.body.board.view
        armed, was_armed = bool(view.armed), self._armed
        self._armed = armed
        if not armed and (view.driver_enabled or view.duty[0] != 0.0 or view.duty[1] != 0.0):
            self.note(world, "duty_disarmed", f"duty {view.duty[0]:.3f}, {view.duty[1]:.3f} while disarmed")
        if armed and view.fault:
            self.note(world, "armed_with_fault", f"fault {view.fault}")
        if armed and not was_armed:
            if world.arm_calls == self._arm_calls:
                self.note(world, "armed_unasked", "armed without a new request")
            if world.stop_asked:
                self.note(world, "armed_after_stop", "armed although STOP was not taken back")
        if not armed:
            self._arm_calls = min(self._arm_calls, world.arm_calls) if was_armed else self._arm_calls
        if armed:
            self._arm_calls = world.arm_calls

    def _clock(self, world: World) -> None:
        """While locked, the board's idea of ROS time is right within its bound and never runs back."""
        view = world.body.board.view
        if not view.clock_locked or not self._may_know_the_time(world):
            self._clock_before = None
            return
        believed_ns = world.body.board.now_ns + view.ros_offset_ns
        true_ns = world.ros_ns + world.body.board.now_ns - world.body.board_ns(world.now_ns)
        if abs(believed_ns - true_ns) > view.clock_bound_ns:
            off_us, bound_us = (believed_ns - true_ns) / 1e3, view.clock_bound_ns / 1e3
            self.note(world, "clock_bound", f"{off_us:.0f} us off with a bound of {bound_us:.0f} us")
        self._clock_goes_on(world, believed_ns)

    def _may_know_the_time(self, world: World) -> bool:
        """False until a board with an agent has had the time to hear that the host's clock was set."""
        if world.clock_stepped_ns > self._clock_step_ns:
            self._clock_step_ns = world.clock_stepped_ns
            self._clock_settled_ns = self._clock_step_ns + _CLOCK_SETTLES_NS
        settling = world.now_ns < self._clock_settled_ns
        if settling and CLIENT_STATES[world.body.board.view.client_state] != "connected":
            self._clock_settled_ns = world.now_ns + _CLOCK_SETTLES_NS
        return not settling

    def _clock_goes_on(self, world: World, believed_ns: int) -> None:
        """Within an epoch it never steps, in particular not back: it runs at the board's rate, bent by the slew."""
        view, board_ns = world.body.board.view, world.body.board.now_ns
        epoch = view.clock_epoch << 32 | world.body.boots
        if self._clock_before is not None and self._clock_before[0] == epoch:
            passed_ns = board_ns - self._clock_before[1]
            strayed_ns = believed_ns - self._clock_before[2] - passed_ns
            if abs(strayed_ns) > passed_ns * _CLOCK_BENDS_PPM // 1_000_000 + _CLOCK_ROUNDS_NS:
                self.note(
                    world,
                    "clock_backwards" if strayed_ns < -passed_ns else "clock_step",
                    f"by {strayed_ns / 1e3:.1f} us",
                )
        self._clock_before = (epoch, board_ns, believed_ns)

    def _queues(self, world: World) -> None:
        view = world.body.board.view
        if view.ledger_pending > _LEDGER_LIMIT:
            self.note(world, "queue_bound", f"{view.ledger_pending} ledger records wait")
        for session in world.messenger.core.sessions:
            if session.sending.queue_depth() > _QUEUE_LIMIT:
                self.note(world, "queue_bound", f"{session.sending.queue_depth()} samples wait in the agent")

    # ------------------------------------------------------------------ the world

    def _collisions(self, world: World) -> None:
        """The robot drives into nothing; what runs into a robot at rest, or in retreat, is not its doing."""
        plant = world.plant
        if not plant.touched or world.now_ns < self._injector.free_until_ns:
            return
        names = [name for bit, name in enumerate(plant.touch_names) if plant.touched >> bit & 1]
        speed_m_s = plant.forward_speed_m_s()
        into_m_s = speed_m_s * _towards_target(world) if names == ["target"] else abs(speed_m_s)
        if into_m_s > _STILL_M_S:
            self.note(world, "collision", f"{', '.join(names)} at {speed_m_s:.2f} m/s")

    # ------------------------------------------------------------------- the end

    def at_the_end(self, world: World) -> None:
        """After a quiet time: the ledger tells every miss once, and the robot drives again."""
        counted = world.body.misses_by_cause()
        lost, written = _lost_unwritten(world), world.ledger_by_cause()
        for cause, count in counted.items():
            if written[cause] + lost[cause] != count:
                detail = f"{cause}: board counted {count}, host wrote {written[cause]}, power loss took {lost[cause]}"
                self.note(world, "ledger_exact", detail)
        for cause, count in world.body.injected.items():
            if cause != "skipped" and counted[cause] != count:
                self.note(world, "misses_counted", f"{cause}: {count} injected, {counted[cause]} counted")
        view, rung = world.body.board.view, world.supervisor.watch.ladder.rung
        if world.episode.operator and (not view.armed or rung is not Rung.NOMINAL):
            reason = world.supervisor.watch.ladder.reason
            self.note(
                world,
                "recovered",
                f"board {world.body.board.state.rung} ({world.body.board.state.reason}), host {rung.name} ({reason})",
            )


def _lost_unwritten(world: World) -> dict[str, int]:
    """Misses by cause that were lost with the board's power, but for those that the host had, unconfirmed."""
    written = {identity_of(record) for record in world.ledger_records()}
    counts = dict.fromkeys(MISS_CAUSES, 0)
    for record in world.body.lost:
        for cause, count in record.counts.items() if record.last not in written else ():
            counts[cause] += count
    return counts


def _towards_target(world: World) -> float:
    """Cosine of the target's bearing. Both are round: what of the speed lies along it, drives the two together."""
    pose, target = world.plant.robot_pose(), world.plant.scene.data.mocap_pos[0]
    return math.cos(math.atan2(float(target[1]) - pose.y_m, float(target[0]) - pose.x_m) - pose.yaw_rad)
