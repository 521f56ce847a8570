"""What one twin run is made of: plain data, complete; equal episodes give equal bytes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

MS = 1_000_000
SECOND = 1_000_000_000
STEP_NS = MS  # the twin's time moves in steps of this
ROS_START_NS = 1_700_000_000 * SECOND
MIN_SECONDS = 20.0
MAX_SECONDS = 3600.0
MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class FaultPlan:
    """One fault: begins ``at_s`` after the robot was first armed, lasts ``for_s``; ``strength`` from 0 to 1."""

    kind: str
    at_s: float
    for_s: float
    strength: float = 0.5

    @property
    def end_s(self) -> float:
        return self.at_s + self.for_s


@dataclass(frozen=True)
class LineQuality:
    """The serial line when nothing is wrong with it. Rates are shares of portions written."""

    baud: int = 921_600
    latency_ms: float = 1.0
    drop_rate: float = 0.0
    flip_rate: float = 0.0
    duplicate_rate: float = 0.0


@dataclass(frozen=True)
class Sight:
    """Geometric perception: pixel noise and the times that the real parts take, ms."""

    pixel_sigma: float = 0.7
    capture_ms: float = 6.0
    detect_ms: float = 2.0
    jitter_ms: float = 1.0
    miss_rate: float = 0.01  # share of frames in which a visible target is not found


@dataclass(frozen=True)
class Arena:
    """What stands and moves there, besides what the seed draws."""

    obstacles: int = 8
    occlusions: bool = True
    target_speed_factor: float = 1.0


@dataclass(frozen=True)
class Episode:
    """One run. ``seconds`` count from the first arming (or from 15 s after the start, if it never comes).

    ``rearm``: automatic or operator, as the supervisor's. ``operator``: a person clears latched faults and takes STOP
    back once the last fault has been over for a second.
    """

    name: str
    seed: int
    seconds: float = 30.0
    arena_seed: int | None = None  # None: the seed itself
    arena: Arena = field(default_factory=Arena)
    sight: Sight = field(default_factory=Sight)
    line: LineQuality = field(default_factory=LineQuality)
    board_drift_ppm: float = 20.0
    rearm: str = "automatic"
    operator: bool = True
    faults: tuple[FaultPlan, ...] = ()

    @property
    def layout_seed(self) -> int:
        return self.seed if self.arena_seed is None else self.arena_seed

    def with_faults(self, faults: tuple[FaultPlan, ...]) -> Episode:
        return replace(self, faults=faults)

    @property
    def faults_end_s(self) -> float:
        return max((fault.end_s for fault in self.faults), default=0.0)
