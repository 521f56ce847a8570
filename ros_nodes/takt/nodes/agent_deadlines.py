"""The agent's deadlines: a command from its publication to the line, and from the line to the motor."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Sequence

from rclpy.node import Node

from takt.contract.generated.messages import TimeReference
from takt.deadlines import StageClock
from takt.deadlines.journey import APPLIED
from takt.frames.journal import Journal
from takt.link.agent import AgentCore
from takt.link.line_watch import AnswerWatch, LineWatch
from takt.nodes.agent_settings import Settings
from takt.nodes.miss_teller import MissTeller
from takt.realtime.stage import WatchedStage
from takt.supervision.road import LINK_ROWS, LINK_WIDTH, link_journal

_STAMP = struct.Struct("<iI")
_ENCAPSULATION = 4
_CLOCK_STEP_NS = 5_000_000
_RELOCK_NS = 2_000_000_000  # the board locks anew within a second, and its estimate settles in the next
_LOCKING_NS = 200_000_000
_SILENT_NS = 15_000_000
_APPLY_GRACE_MS = 1.0  # of the board's clock, which is never better than that


class AgentDeadlines:
    """``ring`` empty: nothing but the durations. Every method is called by the agent's own thread."""

    def __init__(self, node: Node, ring: str, settings: Settings, ros_ns: Callable[[], int]) -> None:
        self._settings, self._ros_ns = settings, ros_ns
        self._cores: Sequence[AgentCore] = ()
        self._reactor_rested_ns: Callable[[], int] = lambda: 0
        self._heard = self._received = self._rested_ns = self._observed_ns = self._difference_ns = 0
        self._stepped = (0, 0.0)  # when (steady ns), by how much (ms)
        self._relocked_ns = 0  # when the board had got over it
        self._turn_ns = self._heard_ns = self._aged_ns = 0
        self._spoke_ns = 0  # begin of the turn in which the line spoke after a silence
        self._line = LineWatch()
        budget_ms = settings.budget_ms + settings.apply_ms + _APPLY_GRACE_MS
        self._answers = AnswerWatch(round(budget_ms * 1e6))
        self.stage = StageClock("link", settings.budget_ms)
        self._misses: MissTeller | None = None
        self.watches = bool(ring)  # else begin() and tend() need not be called
        if not ring:
            return
        self._misses = MissTeller(node, ring)
        stage = WatchedStage("link", settings.budget_ms, self._misses.tell, ros_ns)
        self._apply = WatchedStage("apply", budget_ms, self._misses.tell, ros_ns, self._evidence, stage.probe)
        self._road = Journal.create(link_journal(ring), LINK_WIDTH, LINK_ROWS)
        self.stage = stage

    def watch(self, cores: Sequence[AgentCore], rested_ns: Callable[[], int]) -> None:
        """The lines' cores, once they are there; ``rested_ns``: what the loop has waited for input so far."""
        self._cores, self._reactor_rested_ns = cores, rested_ns

    def listeners(self) -> dict[str, Callable[[bytes], None]]:
        """Topic of the board -> who hears its samples."""
        if self._misses is None:
            return {}
        settings = self._settings
        return {
            settings.applied: self._on_applied,
            settings.joint_states: self._on_joint_states,
            settings.deadline_misses: lambda _: self._line.board_missed(time.monotonic_ns()),
        }

    def begin(self) -> None:
        """Before each turn of the agent's loop."""
        self._turn_ns = time.monotonic_ns()
        self._note_rest()
        self.stage.begin()

    def _note_rest(self) -> None:
        rested_ns = self._reactor_rested_ns()
        self.stage.rested(rested_ns - self._rested_ns)
        self._rested_ns = rested_ns

    def tend(self) -> None:
        """After each turn: what came, what is missing, and which commands got no answer."""
        if self._misses is None:
            return
        self._note_rest()
        now_ns = time.monotonic_ns()
        self._watch_line(now_ns)
        ros_ns = self._ros_ns()
        self._watch_clock(ros_ns - now_ns, now_ns)
        for written_ns in self._answers.overdue(ros_ns):
            self._late(written_ns, ros_ns, False)

    def _watch_line(self, now_ns: int) -> None:
        """Damage is counted as soon as any bytes came: a lossy line may let no message through for long."""
        received = sum(core.stats.bytes_rx for core in self._cores)
        if received == self._received:
            return
        self._received = received
        heard = sum(core.stats.rx for core in self._cores)
        if heard != self._heard:
            self._heard = heard
            self._line.heard(now_ns)
            if now_ns - self._heard_ns > _SILENT_NS:
                self._spoke_ns = self._turn_ns
            self._heard_ns = now_ns
        self._line.counted(now_ns, sum(core.lost for core in self._cores))

    def _watch_clock(self, difference_ns: int, now_ns: int) -> None:
        """A step of ROS time unlocks the board's clock: it applies nothing until it has locked anew."""
        if self._difference_ns and abs(difference_ns - self._difference_ns) > _CLOCK_STEP_NS:
            self._relocked_ns = 0
            self._stepped = now_ns, (difference_ns - self._difference_ns) / 1e6
        self._difference_ns = difference_ns

    def _evidence(self, begin_ns: int, _end_ns: int) -> dict[str, float]:
        """What the line did in the window, and a step of the clock that the board has not got over yet."""
        when_ns, step_ms = self._stepped
        recent = step_ms and begin_ns < (self._relocked_ns or when_ns + _RELOCK_NS)
        now_ns = time.monotonic_ns()
        line = self._line.between(begin_ns, now_ns)
        line["link_silence_ms"] = min(
            line["link_silence_ms"], (now_ns - begin_ns) / 1e6
        )  # as far as it matters
        if line["link_lost"]:
            line.pop("line_is_silent", None)  # why it is silent is known
        elif self._aged_ns < self._spoke_ns and line["link_silence_ms"]:
            line["line_is_silent"] = 1.0  # it spoke, and how old its words are is not known yet
        return {**line, **({"clock_step_ms": step_ms} if recent else {})}

    def sent(self, core: AgentCore, taken_ns: int, now_ns: int, written: bool) -> None:
        """The commands that the core has built into output since the last call, and whether the line took them all."""
        self._note_rest()
        for stamp_ns, sample in zip(core.sent_stamps, core.sent_samples, strict=True):
            if not written:
                self.stage.skip("line_busy")
                continue
            self.stage.record(stamp_ns, now_ns, {"middleware_ms": max(taken_ns - stamp_ns, 0) / 1e6})
            if self._misses is not None:
                self._on_its_way(_nanoseconds(sample, 0), stamp_ns, max(taken_ns, stamp_ns), now_ns)
        core.sent_stamps.clear()
        core.sent_samples.clear()

    def close(self) -> None:
        if self._misses is not None:
            self._misses.close()
            self._apply.close()
            self._road.close()

    def _on_its_way(self, observed_ns: int, published_ns: int, taken_ns: int, written_ns: int) -> None:
        if observed_ns != self._observed_ns:
            self._road.append(observed_ns, published_ns, min(taken_ns, written_ns), written_ns)
        self._observed_ns = observed_ns
        self._answers.written(observed_ns, written_ns)

    def _on_joint_states(self, sample: bytes) -> None:
        self._aged_ns = time.monotonic_ns()
        self._line.aged(self._aged_ns, self._ros_ns() - _nanoseconds(sample, _ENCAPSULATION))

    def _on_applied(self, sample: bytes) -> None:
        report = TimeReference.from_cdr(sample[_ENCAPSULATION:])
        observed_ns, applied_ns = _of(report.time_ref), _of(report.header.stamp)
        late = self._answers.answer(observed_ns, applied_ns, report.source == APPLIED, self._ros_ns())
        if late is not None:
            self._note_rest()
            self._late(*late)
        elif report.source == APPLIED and not self._relocked_ns:
            now_ns = time.monotonic_ns()  # applied in time, by a clock that has locked anew
            self._relocked_ns = now_ns if now_ns - self._stepped[0] > _LOCKING_NS else 0

    def _late(self, written_ns: int, applied_ns: int, lost_once: bool) -> None:
        facts = {"link_loss_ms": (applied_ns - written_ns) / 1e6} if lost_once else {}
        self._apply.record(written_ns, applied_ns, facts)


def _nanoseconds(sample: bytes, offset: int) -> int:
    seconds, nanoseconds = _STAMP.unpack_from(sample, offset)
    return int(seconds) * 1_000_000_000 + int(nanoseconds)


def _of(stamp: object) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)  # type: ignore[attr-defined]
