"""Brings one labelled fault at a time into a run, and undoes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from takt.deadline_bench.hogs import BurstHogs
from takt.deadline_bench.kinds import Kind
from takt.deadline_bench.score import Injection

if TYPE_CHECKING:
    from takt.nodes.deadline_run import DeadlineRun

_HOGS = 4
_HOG_PRIORITY = 58  # above planner, camera and detector; the line's own processes are left alone
_CLOCK_STEP_NS = 60_000_000
_SLOW_MS = 42.0  # beyond the budget, below the time limit
_USUAL_DETECT_MS = 3.0


class Injector:
    """``inject`` returns when the fault and what settles after it are over."""

    def __init__(self, run: DeadlineRun) -> None:
        self._run, self._hands = run, run.hands
        self._hogs = BurstHogs(_HOGS, _HOG_PRIORITY)
        self._acts: dict[str, tuple[Callable[[Kind], object], Callable[[], object]]] = {
            "cpu_hogs": (lambda kind: self._hogs.burn(kind.for_s * 1e3 / 2), _nothing),
            "gc_storm": (
                lambda kind: run.rehearse(f"gc:{round(kind.for_s * 1e3)}"),
                lambda: run.rehearse("none"),
            ),
            "memory_pressure": (
                lambda kind: run.rehearse(f"pages:{round(kind.for_s * 1e3)}"),
                lambda: run.rehearse("none"),
            ),
            "slow_model": (lambda _: run.ros.set_fault("detector", self._slow()), self._mend("detector")),
            "frozen_model": (lambda _: run.ros.set_fault("detector", "slow:1000"), self._mend("detector")),
            "stale_camera": (lambda _: run.ros.set_fault("camera", "slow:12"), self._mend("camera")),
            "link_delay": (lambda _: self._hands.delay_line(60.0, "a_to_b", "b_to_a"), self._hands.mend_line),
            "link_loss": (lambda _: self._hands.line(rates={"drop": 0.7}), self._hands.mend_line),
            "clock_step": (lambda _: run.clock.step(_CLOCK_STEP_NS), _nothing),
            "board_overrun": (lambda _: self._hands.board("stretch 25"), _nothing),
            "blocked_link_thread": (
                lambda kind: self._hands.board(f"block {round(kind.for_s * 1e3)}"),
                _nothing,
            ),
            "starved_planner": (lambda _: self._hands.freeze("planner"), self._hands.thaw),
        }

    def inject(self, kind: Kind) -> Injection:
        """One fault of this kind, from before it begins until what it made late has been told."""
        begin, end = self._acts[kind.name]
        at_ns = self._run.ros_ns
        begin(kind)
        self._run.watch_for(kind.for_s)
        end()
        until_ns = self._run.ros_ns
        self._run.watch_for(kind.settle_s + 0.1)
        return Injection(kind.name, at_ns, until_ns)

    def close(self) -> None:
        self._hogs.close()
        self._hands.thaw()

    def _slow(self) -> str:
        """A factor that makes this machine's model miss its budget and not its time limit."""
        usual_ms = float(self._run.diagnostics.get("detector: detect", {}).get("p50", _USUAL_DETECT_MS))
        return f"slow:{max(_SLOW_MS / max(usual_ms, 0.5), 2.0):.1f}"

    def _mend(self, node: str) -> Callable[[], object]:
        return lambda: self._run.ros.set_fault(node, "none")


def _nothing() -> None:
    """Over by itself."""
