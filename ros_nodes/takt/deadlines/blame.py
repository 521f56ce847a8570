"""From what was measured around a miss to its cause, by stated rules in a stated order. Pure.

Each rule turns the evidence into an amount: the milliseconds that this cause took out of the miss's window. The cause
is the first rule whose amount reaches half the lateness (without it the work would have been less than half as late)
and is not dwarfed by another's. If none does, the largest amount counts from three tenths on; else the cause is
unknown, and counted as that.

The order goes from what stops everything to what one stage does by itself: a stalled machine also makes threads wait,
and a thread that waits also makes inference take long, so the outer cause comes first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from takt.deadlines.miss import UNKNOWN

Evidence = Mapping[str, float]

ENOUGH = 0.5  # share of the lateness that settles it
COMPARABLE = 0.6  # share of the largest amount from which an outer cause is the same delay, seen from outside
WORTH_NAMING = 0.3  # share from which the largest amount counts when none settles it
_STEP_MS = 2.0
_MANY_FAULTS = 256  # minor faults, 1 MB of new pages: zeroing them takes about 0.1 ms


@dataclass(frozen=True)
class Rule:
    """``amount_ms`` of ``cause`` in the evidence; ``why`` is the row's text in docs/deadlines.md."""

    cause: str
    why: str
    amount_ms: Callable[[Evidence], float]


def _of(key: str) -> Callable[[Evidence], float]:
    return lambda evidence: evidence.get(key, 0.0)


def _clock_step(evidence: Evidence) -> float:
    """A clock that is kept in step is slewed by less, and two reads are never taken at quite the same moment."""
    step_ms = abs(evidence.get("clock_step_ms", 0.0))
    return step_ms if step_ms >= _STEP_MS else 0.0


def _host_stall(evidence: Evidence) -> float:
    return max(evidence.get("host_stall_ms", 0.0), evidence.get("steal_ms", 0.0))


def _waited(evidence: Evidence) -> float:
    """For a processor: the thread itself, or another of its process while this one was kept from running. Who holds the
    interpreter and is pushed off its processor makes everybody in the process wait for that processor."""
    inherited = min(_blocked(evidence), evidence.get("other_threads_wait_ms", 0.0))
    return evidence.get("run_queue_wait_ms", 0.0) + inherited


def _page_faults(evidence: Evidence) -> float:
    """Major faults wait for a disk; minor ones and reclaim cost kernel time in the thread itself."""
    blocked, stalled = evidence.get("blocked_ms", 0.0), evidence.get("memory_stall_ms", 0.0)
    waited = blocked if evidence.get("major_faults", 0.0) > 0.0 else min(blocked, stalled)
    return waited + _fault_work(evidence)


def _fault_work(evidence: Evidence) -> float:
    """Kernel time that goes to new pages."""
    stalled = evidence.get("memory_stall_ms", 0.0) > 0.0
    many = evidence.get("minor_faults", 0.0) >= _MANY_FAULTS
    return evidence.get("kernel_cpu_ms", 0.0) if many or stalled else 0.0


def _inference(evidence: Evidence) -> float:
    """What the model took beyond what others took from it."""
    others = sum(evidence.get(key, 0.0) for key in ("run_queue_wait_ms", "gc_pause_ms"))
    return max(evidence.get("inference_ms", 0.0) - others, 0.0)


def _frozen(evidence: Evidence) -> float:
    return _inference(evidence) if evidence.get("inference_cancelled", 0.0) > 0.0 else 0.0


def _input(evidence: Evidence) -> float:
    """The source handed over late while the thread waited for it, or handed over something old."""
    waited = min(evidence.get("source_ms", 0.0), evidence.get("blocked_ms", 0.0))
    return max(waited, evidence.get("input_age_ms", 0.0))


def _blocked(evidence: Evidence) -> float:
    """Kept from running, less the time in which the thread had other work that this one waited behind, and less the
    collector's pauses: another thread's collection looks just so from here."""
    others = evidence.get("queue_ms", 0.0) + evidence.get("gc_pause_ms", 0.0)
    return max(evidence.get("blocked_ms", 0.0) - others, 0.0)


def _own_work(evidence: Evidence) -> float:
    others = evidence.get("gc_pause_ms", 0.0) + _fault_work(evidence)
    return max(evidence.get("cpu_ms", 0.0) - others, 0.0)


RULES = (
    Rule("start_up", "the stage's thread had only just begun", _of("before_start_ms")),
    Rule("clock", "ROS time moved against the steady clock", _clock_step),
    Rule("throttled", "the control group's quota was used up", _of("throttled_ms")),
    Rule(
        "host_stall",
        "the bystander, above every loop of ours, woke late too, or time was stolen",
        _host_stall,
    ),
    Rule("gc_pause", "Python's garbage collector ran in this process", _of("gc_pause_ms")),
    Rule("run_queue_wait", "the thread, or who held it up, was ready and waited for a processor", _waited),
    Rule("page_fault", "pages came from disk, or many new ones were made", _page_faults),
    Rule("board_late", "the board missed a cycle meanwhile; its own record says why", _of("board_late_ms")),
    Rule("link_loss", "messages of the board went missing, or had to be repeated", _of("link_loss_ms")),
    Rule("link_delay", "what the board said was old when it came", _of("link_delay_ms")),
    Rule("link_blocked", "the board said nothing for a while, and nothing was lost", _of("link_silence_ms")),
    Rule("inference_frozen", "the model did not answer and was cancelled", _frozen),
    Rule("inference", "the model ran that long", _inference),
    Rule("stale_input", "the source delivered late, or something old", _input),
    Rule("queue", "the work waited behind the one before", _of("queue_ms")),
    Rule("middleware", "the sample was on its way between two processes", _of("middleware_ms")),
    Rule(
        "starved",
        "the thread could not run though no processor was short: its own process, or a stop",
        _blocked,
    ),
    Rule("own_work", "the stage computed that long", _own_work),
)


def amounts_ms(evidence: Evidence) -> dict[str, float]:
    """Cause -> milliseconds that it took, in the order of the rules."""
    return {rule.cause: rule.amount_ms(evidence) for rule in RULES}


def decide(evidence: Evidence, late_ms: float) -> str:
    """The cause of a miss that was ``late_ms`` late (more than 0)."""
    found = amounts_ms(evidence)
    cause = max(found, key=lambda name: found[name])
    enough_ms = max(ENOUGH * late_ms, COMPARABLE * found[cause])
    for outer, amount in found.items():
        if amount >= enough_ms:
            return outer
    return cause if found[cause] >= WORTH_NAMING * late_ms else UNKNOWN
