"""One recovery: something happens to a working link, and the time is taken until good samples flow both ways again.

A sample is good towards the host when a ROS subscriber takes exactly the bytes that the board put on the line after the
line was whole; towards the board when a command that was published after that moment arrives at the board. Both count
only in the session that stays: samples before the board's last login do not.
"""

from __future__ import annotations

import random
import signal
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from takt.link_proofs.rig import Rig

LINE_KINDS = ("cable_cut", "noise", "port_renamed", "host_suspended")
BOARD_KINDS = ("firmware_killed", "board_reset_same_key", "board_reset_new_key")
AGENT_KINDS = ("agent_killed", "both_killed", "agent_other_domain")
KINDS = (*LINE_KINDS, *BOARD_KINDS, *AGENT_KINDS)
LIMIT_S = 20.0
SETTLE_S = (0.25, 0.6)  # good samples must go on for so long
_POLL_S = 0.02  # events carry their own times
_KEPT = 4096


@dataclass(frozen=True)
class Outcome:
    """Seconds from the moment the line was whole (the agent's port was open); None: not within the limit.

    ``serial``: until samples or, towards the board, time flow on the line in the session that stays.
    ``to_host`` and ``to_board``: until good samples through ROS.
    """

    index: int
    kind: str
    serial_s: float | None
    to_host_s: float | None
    to_board_s: float | None
    logins: int

    @property
    def recovered(self) -> bool:
        return None not in (self.serial_s, self.to_host_s, self.to_board_s)

    def line_s(self) -> float | None:
        """What the limit applies to: both ways through ROS, or the serial side where the agent restarts."""
        if self.kind in AGENT_KINDS:
            return self.serial_s
        return (
            None
            if self.to_host_s is None or self.to_board_s is None
            else max(self.to_host_s, self.to_board_s)
        )


class Traffic:
    """What ROS heard of the board, by domain."""

    def __init__(self) -> None:
        self.heard: dict[int, deque[tuple[int, bytes]]] = {}

    def listener(self, domain: int) -> Callable[[bytes, int], None]:
        kept = self.heard[domain] = deque(maxlen=_KEPT)
        return lambda sample, at_ns: kept.append((at_ns, sample))


def break_it(
    rig: Rig, kind: str, rng: random.Random, other_domain: int, noise_s: float
) -> Callable[[], int | None]:
    """Do what the kind says; returns a function that tells when the line was whole again (None: not yet)."""
    if kind == "noise":
        return _make_noise(rig, rng, noise_s)
    return _BREAKERS[kind](rig, rng, other_domain)


def _at(moment_ns: int) -> Callable[[], int | None]:
    return lambda: moment_ns


def _cut_cable(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    rig.line.cut_in_frame(rng.choice(("a_to_b", "b_to_a")), rng.randint(1, 40))
    time.sleep(rng.uniform(0.05, 2.0))
    rig.line.mend()
    return _at(time.monotonic_ns())


def _make_noise(rig: Rig, rng: random.Random, noise_s: float) -> Callable[[], int | None]:
    rig.line.noise(rng.randrange(1 << 30), noise_s)
    whole_ns = time.monotonic_ns() + int(noise_s * 1e9)
    time.sleep(noise_s)
    return _at(whole_ns)


def _rename_port(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    rig.line.unplug("a")
    time.sleep(rng.uniform(0.0, 1.5))
    rig.line.plug("a")
    return _at(time.monotonic_ns())


def _suspend_host(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    assert rig.agent
    rig.agent.process.send_signal(signal.SIGSTOP)
    time.sleep(rng.uniform(0.05, 3.0))
    rig.agent.process.send_signal(signal.SIGCONT)
    return _at(time.monotonic_ns())


def _restart_board(rig: Rig, pause_s: float) -> Callable[[], int | None]:
    assert rig.board
    rig.board.kill()
    time.sleep(pause_s)
    return _at(rig.start_board().started_ns)


def _kill_firmware(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    return _restart_board(rig, rng.uniform(0.1, 1.5))


def _reset_board(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    return _restart_board(rig, 0.0)


def _reset_with_new_key(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    rig.key = rng.randrange(1, 1 << 32)
    return _restart_board(rig, 0.0)


def _kill_agent(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    assert rig.agent
    rig.agent.kill()
    time.sleep(rng.uniform(0.0, 1.0))
    return rig.start_agent().opened_ns


def _kill_both(rig: Rig, rng: random.Random, _: int) -> Callable[[], int | None]:
    assert rig.agent and rig.board
    rig.agent.kill()
    rig.board.kill()
    time.sleep(rng.uniform(0.0, 0.5))
    agent = rig.start_agent()
    time.sleep(rng.uniform(0.0, 2.0))
    started_ns = rig.start_board().started_ns

    def whole() -> int | None:
        opened_ns = agent.opened_ns()
        return None if opened_ns is None else max(opened_ns, started_ns)

    return whole


def _change_domain(rig: Rig, rng: random.Random, other_domain: int) -> Callable[[], int | None]:
    assert rig.agent
    rig.agent.kill()
    time.sleep(rng.uniform(0.0, 1.0))
    return rig.start_agent(other_domain).opened_ns


_BREAKERS: dict[str, Callable[[Rig, random.Random, int], Callable[[], int | None]]] = {
    "cable_cut": _cut_cable,
    "port_renamed": _rename_port,
    "host_suspended": _suspend_host,
    "firmware_killed": _kill_firmware,
    "board_reset_same_key": _reset_board,
    "board_reset_new_key": _reset_with_new_key,
    "agent_killed": _kill_agent,
    "both_killed": _kill_both,
    "agent_other_domain": _change_domain,
}


def measure(
    rig: Rig,
    traffic: Traffic,
    index: int,
    kind: str,
    whole: Callable[[], int | None],
    limit_s: float = LIMIT_S,
) -> Outcome:
    """Wait until the link is good again and stays so; says when it was."""
    end_ns = time.monotonic_ns() + int(limit_s * 1e9)
    settle_ns = int(random.Random(index).uniform(*SETTLE_S) * 1e9)
    outcome = Outcome(index, kind, None, None, None, 0)
    good_since_ns = 0
    while (now_ns := time.monotonic_ns()) < end_ns:
        whole_ns = whole()
        latest = Outcome(index, kind, None, None, None, 0)
        if whole_ns is not None:
            latest = judge(rig, traffic, index, kind, whole_ns)
        if not latest.recovered or latest != outcome:
            good_since_ns = now_ns
        elif now_ns - good_since_ns > settle_ns:
            return outcome
        outcome = latest
        time.sleep(_POLL_S)
    return outcome


def judge(rig: Rig, traffic: Traffic, index: int, kind: str, whole_ns: int) -> Outcome:
    """Read the recovery off what was heard so far."""
    heard = list(traffic.heard[rig.domain])
    with rig.tap.lock:
        logins = [at_ns for at_ns in rig.tap.logins_ns if at_ns >= whole_ns]
        needs_login = kind in BOARD_KINDS + AGENT_KINDS
        welcome = _first(rig.tap.welcomes_ns, logins[-1] if logins else whole_ns)
        if welcome is None and needs_login and not logins:
            welcome = _first(rig.tap.statuses_ns, whole_ns)  # it creates its entities: it has a session
        from_ns = whole_ns if not needs_login and not logins else welcome
        if from_ns is None:
            return Outcome(index, kind, None, None, None, len(logins))
        joints = [(at_ns, sample) for at_ns, sample in rig.tap.joints if at_ns >= from_ns]
        times = _first(rig.tap.times_ns, from_ns)
        commands = [
            at_ns for at_ns, stamp_ns in rig.tap.commands if at_ns >= from_ns and stamp_ns >= whole_ns
        ]
    said = {sample for _, sample in joints}
    to_host = next((at_ns for at_ns, sample in heard if at_ns >= from_ns and sample in said), None)
    to_board = commands[0] if commands else None
    downward = times if kind in AGENT_KINDS else to_board
    serial = None if not joints or downward is None else max(joints[0][0], downward)
    return Outcome(
        index,
        kind,
        _since(whole_ns, serial),
        _since(whole_ns, to_host),
        _since(whole_ns, to_board),
        len(logins),
    )


def _first(times_ns: deque[int], from_ns: int) -> int | None:
    return next((at_ns for at_ns in times_ns if at_ns >= from_ns), None)


def _since(whole_ns: int, moment_ns: int | None) -> float | None:
    return None if moment_ns is None else round((moment_ns - whole_ns) / 1e9, 4)
