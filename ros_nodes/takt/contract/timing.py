"""Does everything come in time: stages within the end-to-end budget, rates that the loop serves, gates, stops?"""

from __future__ import annotations

from takt.contract.finding import Finding, at_most, ms
from takt.contract.rules import plain
from takt.contract.sections import Contract

STOP_AFTER_COMMAND_LOSS_MS = 300
STOP_AFTER_PERCEPTION_LOSS_MS = 400
CHAIN = ("capture", "detect", "plan", "link", "apply")


def budgets(contract: Contract) -> list[Finding]:
    stages = {name: stage.budget_ms for name, stage in contract.stages.items()}
    tick = 1000.0 / contract.planning.rate_hz
    terms = " + ".join(f"{name} {plain(stages[name])}" for name in CHAIN)
    total = sum(stages[name] for name in CHAIN) + tick
    picture = 1000.0 / contract.robot.camera_rate_hz
    cycle = 1000.0 / contract.control.rate_hz
    return [
        at_most(
            f"photon to motor: {terms} + wait for the planner's tick {ms(tick)} = {ms(total)} ms",
            total,
            stages["photon_to_motor"],
            "stages.photon_to_motor.budget_ms",
            "lower the budget of a stage, or raise stages.photon_to_motor.budget_ms",
        ),
        _budget("detect", stages["detect"], picture, "1000 / robot.camera_rate_hz"),
        _budget("capture", stages["capture"], picture, "1000 / robot.camera_rate_hz"),
        _budget("plan", stages["plan"], tick, "1000 / planning.rate_hz"),
        at_most(
            f"one control cycle 1000 / {contract.control.rate_hz} = {ms(cycle)} ms",
            cycle,
            stages["apply"],
            "stages.apply.budget_ms",
            "raise control.rate_hz or stages.apply.budget_ms",
        ),
    ]


def _budget(name: str, budget_ms: float, period_ms: float, limit_name: str) -> Finding:
    fix = f"lower stages.{name}.budget_ms or the rate"
    ok = budget_ms <= period_ms
    return Finding(
        ok, f"{name}: {plain(budget_ms)} {'<=' if ok else '>'} {ms(period_ms)} ms ({limit_name})", fix
    )


def rates(contract: Contract) -> list[Finding]:
    topics, loop = contract.topics, contract.control.rate_hz
    found = [
        at_most(
            f"{name}: rate {topics[name].rate_hz} Hz",
            topics[name].rate_hz,
            loop,
            "control.rate_hz: the loop serves one a cycle",
            f"lower topics.{name}.rate_hz or raise control.rate_hz",
        )
        for name in ("cmd_vel", "joint_states", "applied")
    ]
    planner, camera = contract.planning.rate_hz, contract.robot.camera_rate_hz
    joints = topics["joint_states"].rate_hz
    even = loop % joints == 0
    return [
        *found,
        Finding(
            even,
            f"joint_states: {loop} Hz / {joints} Hz is {'' if even else 'not '}a whole number of cycles",
            "set topics.joint_states.rate_hz to a divisor of control.rate_hz",
        ),
        at_most(
            f"planner {planner} Hz",
            planner,
            topics["cmd_vel"].rate_hz,
            "topics.cmd_vel.rate_hz",
            "lower planning.rate_hz or raise topics.cmd_vel.rate_hz",
        ),
        at_most(
            f"camera {camera} Hz, one `applied` an observation",
            camera,
            topics["applied"].rate_hz,
            "topics.applied.rate_hz",
            "lower robot.camera_rate_hz or raise topics.applied.rate_hz",
        ),
    ]


def ages(contract: Contract) -> list[Finding]:
    """A robot in good order must never trip its own gates."""
    gate = contract.topics["cmd_vel"].max_age_ms
    photon = contract.stages["photon_to_motor"].budget_ms
    tick, picture = 1000.0 / contract.planning.rate_hz, 1000.0 / contract.robot.camera_rate_hz
    oldest = photon + picture + tick
    return [
        at_most(
            f"oldest command in good order: photon to motor {plain(photon)} + next picture {ms(picture)}"
            f" + tick {ms(tick)} = {ms(oldest)} ms",
            oldest,
            gate,
            "topics.cmd_vel.max_age_ms",
            "raise topics.cmd_vel.max_age_ms or shorten the stages",
        ),
        at_most(
            f"HOLD of the host at {contract.ladder.hold_perception_age_ms} ms",
            contract.ladder.hold_perception_age_ms,
            gate,
            "topics.cmd_vel.max_age_ms",
            "lower ladder.hold_perception_age_ms",
        ),
    ]


def silences(contract: Contract) -> list[Finding]:
    """Silence, and misses, must be told from one late message."""
    safety = contract.safety
    tick, cycle = 1000.0 / contract.planning.rate_hz, 1000.0 / contract.control.rate_hz
    exchange = 1000.0 / safety.link_time_exchange_hz
    return [
        _twice("commands", tick, safety.command_silence_ms, "safety.command_silence_ms"),
        _twice("time exchanges", exchange, safety.link_silence_ms, "safety.link_silence_ms"),
        _twice("duty frames", cycle, safety.motor_silence_ms, "safety.motor_silence_ms"),
        at_most(
            f"misses to SAFE {max(safety.miss_limit_board, safety.miss_limit_posix)}",
            max(safety.miss_limit_board, safety.miss_limit_posix),
            safety.miss_window_cycles,
            "safety.miss_window_cycles",
            "lower safety.miss_limit_board and miss_limit_posix",
        ),
    ]


def _twice(what: str, period_ms: float, silence_ms: int, key: str) -> Finding:
    """Silence may be declared only after two in a row are missing."""
    sum_ms = 2 * period_ms
    return at_most(
        f"two {what}: 2 x {ms(period_ms)} = {ms(sum_ms)} ms", sum_ms, silence_ms, key, f"raise {key}"
    )


def stops(contract: Contract) -> list[Finding]:
    safety, gate = contract.safety, contract.topics["cmd_vel"].max_age_ms
    cycle = 1000.0 / contract.control.rate_hz
    found = []
    for loss, detected, key, limit in (
        ("commands", safety.command_silence_ms, "safety.command_silence_ms", STOP_AFTER_COMMAND_LOSS_MS),
        ("perception", gate, "topics.cmd_vel.max_age_ms", STOP_AFTER_PERCEPTION_LOSS_MS),
    ):
        total = detected + safety.stop_ramp_ms + cycle
        terms = f"found after {detected} + ramp {safety.stop_ramp_ms} + cycle {ms(cycle)}"
        what = f"loss of {loss}: {terms} = {ms(total)} ms"
        found.append(at_most(what, total, limit, "setpoint at zero", f"lower {key} or safety.stop_ramp_ms"))
    return found
