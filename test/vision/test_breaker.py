"""The circuit breaker as a table of moments, and with the ladder: how soon the robot holds, and how soon it goes on."""

from __future__ import annotations

import pytest

import takt.contract
from takt.deadlines import Rung
from takt.supervision.watch import Watch
from takt.vision.breaker import Breaker, BreakerLimits, State

MS = 1_000_000
FRAME_NS = 33_333_333
TICK_NS = 50 * MS


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def breaker(said: list[str]) -> Breaker:
    return Breaker(BreakerLimits(failures=2, pause_ms=500.0), said.append)


def test_one_failure_alone_changes_nothing(breaker: Breaker) -> None:
    for now_ms in range(0, 3000, 100):
        assert breaker.allows(now_ms * MS)
        breaker.failed("nan", now_ms * MS) if now_ms % 200 else breaker.succeeded()
    assert breaker.state is State.CLOSED and breaker.opened == 0 and breaker.failures == {"nan": 15}


def test_two_in_a_row_open_it_and_a_probe_closes_it(breaker: Breaker, said: list[str]) -> None:
    breaker.failed("error", 0), breaker.failed("error", 33 * MS)
    assert breaker.state is State.OPEN and breaker.opened == 1
    assert not breaker.allows(532 * MS) and breaker.allows(533 * MS) and breaker.state is State.HALF_OPEN
    breaker.succeeded()
    assert breaker.state is State.CLOSED and breaker.allows(534 * MS)
    assert said == [
        "detector breaker open: error",
        "detector breaker half open: trying one frame",
        "detector breaker closed: the model answers again",
    ]


def test_a_failed_probe_opens_it_again_at_once(breaker: Breaker) -> None:
    breaker.failed("error", 0), breaker.failed("error", 0)
    assert breaker.allows(500 * MS)
    breaker.failed("time limit", 510 * MS)
    assert not breaker.allows(1009 * MS) and breaker.allows(1010 * MS) and breaker.opened == 2
    assert breaker.failures == {"error": 2, "time limit": 1}


def board_is_well(watch: Watch, now_ns: int) -> None:
    watch.board.hear(now_ns)
    watch.learn("base", "base: safety", False, "", {"rung": "NOMINAL", "armed": "true"}, now_ns)


@pytest.mark.parametrize("phase_ms", [0, 10, 20, 30, 40, 49])
def test_a_failing_model_means_hold_within_three_frames_and_nominal_within_two_seconds(phase_ms: int) -> None:
    """Virtual time: frames at 30 Hz, the supervisor's real judgement at 20 Hz, whatever the phase between the two."""
    watch = Watch(takt.contract.load(), "automatic", 0)
    breaker, newest_ns, well_again_ns = Breaker(BreakerLimits()), 0, 4000 * MS
    fault_ns, held_ns, going_ns = 60 * FRAME_NS, None, None  # the first frame that the model spoils
    tick_ns = phase_ms * MS
    for frame in range(200):
        now_ns = frame * FRAME_NS
        if breaker.allows(now_ns):
            if fault_ns <= now_ns < well_again_ns:
                breaker.failed("nan", now_ns)
            else:
                breaker.succeeded()
                newest_ns = now_ns
        while tick_ns < now_ns + FRAME_NS:
            board_is_well(watch, tick_ns)
            age_ms = (tick_ns - newest_ns) / MS if breaker.state is State.CLOSED else float("inf")
            watch.tick(tick_ns, age_ms, nodes_active=True)
            if held_ns is None and tick_ns >= fault_ns and watch.ladder.rung is Rung.HOLD:
                held_ns = tick_ns
            if going_ns is None and tick_ns >= well_again_ns and watch.ladder.rung is Rung.NOMINAL:
                going_ns = tick_ns
            tick_ns += TICK_NS
    assert held_ns is not None and held_ns - fault_ns <= 3 * FRAME_NS
    assert going_ns is not None and going_ns - well_again_ns <= 2000 * MS
