"""The twelve faults of the bench: which stages they make late, and which causes are right for it. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

SETTLE_S = 0.25  # what began in a fault may end so long after it


@dataclass(frozen=True)
class Kind:
    """``stages`` are the ones that the fault is aimed at; what else becomes late by it is told apart, not scored."""

    name: str
    for_s: float
    stages: frozenset[str]
    right: frozenset[str]
    settle_s: float = SETTLE_S


def _kind(name: str, for_s: float, stages: str, right: str, settle_s: float = SETTLE_S) -> Kind:
    return Kind(name, for_s, frozenset(stages.split()), frozenset(right.split()), settle_s)


KINDS = (
    _kind("cpu_hogs", 0.08, "capture detect plan", "run_queue_wait"),
    _kind("gc_storm", 0.08, "plan", "gc_pause"),
    _kind("memory_pressure", 0.06, "plan", "page_fault"),
    _kind("slow_model", 0.12, "detect", "inference inference_frozen"),
    _kind("frozen_model", 0.05, "detect", "inference_frozen"),
    _kind("stale_camera", 0.08, "capture", "stale_input"),
    _kind("link_delay", 0.30, "apply", "link_delay"),
    _kind("link_loss", 0.15, "apply", "link_loss"),
    _kind("clock_step", 0.05, "capture detect plan link apply", "clock", 0.15),
    _kind("board_overrun", 0.03, "control", "own_overrun skipped"),
    _kind("blocked_link_thread", 0.06, "apply", "link_blocked"),
    _kind("starved_planner", 0.06, "plan", "starved"),
)
