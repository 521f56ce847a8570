"""What the page shows, as plain values: written by whoever hears of the robot, read as one snapshot."""

from __future__ import annotations

import math
import secrets
import threading
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from takt.contract import Contract
from takt.dashboard.misses import MissBoard
from takt.dashboard.spreads import spreads
from takt.deadlines.journey import Journey
from takt.monitoring.samples import HOST_STAGES, Heard, Sample, samples

BOARD_PARTS = ("loop", "timing", "link", "clock", "motors", "safety", "commands")
_PERCENTILES = ("p50", "p95", "p99", "max")
_TRAIL_STEP_M = 0.03
_TRAIL_POINTS = 1200
Point = tuple[float, float]


class RobotState:
    """Thread-safe. Every setter takes the time at which it was heard; ``snapshot`` makes ages of them.

    ``misses`` is the ledger's newest part. What changes seldom is in ``parts``, each with a version.
    """

    def __init__(self, contract: Contract) -> None:
        self._lock = threading.Lock()
        self._contract = contract
        self._budgets_ms = {name: stage.budget_ms for name, stage in contract.stages.items()}
        self._constants: dict[str, Any] = {
            "follow_distance_m": contract.planning.follow_distance_m,
            "footprint_radius_m": contract.robot.footprint_radius_m,
            "camera_half_fov_rad": contract.robot.camera_horizontal_fov_rad / 2.0,
            "period_ms": 1e3 / contract.control.rate_hz,
            "life": secrets.token_hex(
                8
            ),  # another one after each start: pages of a former life load themselves anew
        }
        self._statuses: dict[str, Heard] = {}
        self._pose: tuple[int, dict[str, float]] | None = None
        self._target: tuple[int, dict[str, float]] | None = None
        self._obstacles: tuple[int, list[dict[str, Any]]] | None = None
        self._rung: tuple[int, dict[str, Any]] | None = None
        self._robot_trail: deque[Point] = deque(maxlen=_TRAIL_POINTS)
        self._target_trail: deque[Point] = deque(maxlen=_TRAIL_POINTS)
        self._stop: dict[str, Any] = {"number": 0, "requested": False, "supervisor": "", "board": ""}
        self._parts: dict[str, tuple[int, Any]] = {"constants": (1, self._constants)}
        self._statuses_version = 0
        self.misses = MissBoard()

    def set_pose(
        self, x_m: float, y_m: float, yaw_rad: float, speed_m_s: float, yaw_rate_rad_s: float, now_ns: int
    ) -> None:
        """The robot in odom."""
        values = {"x_m": x_m, "y_m": y_m, "yaw_rad": yaw_rad}
        with self._lock:
            self._pose = now_ns, values | {"speed_m_s": speed_m_s, "yaw_rate_rad_s": yaw_rate_rad_s}
            _extend(self._robot_trail, (x_m, y_m))

    def set_target(self, x_m: float, y_m: float, heading_rad: float, now_ns: int) -> None:
        """The tracked target in odom."""
        with self._lock:
            self._target = now_ns, {"x_m": x_m, "y_m": y_m, "heading_rad": heading_rad}
            _extend(self._target_trail, (x_m, y_m))

    def set_obstacles(self, discs: Sequence[tuple[float, float, float, bool]], now_ns: int) -> None:
        """Rows of (x, y, radius, is moving) in odom."""
        rows = [{"x_m": x, "y_m": y, "radius_m": r, "moving": moving} for x, y, r, moving in discs]
        with self._lock:
            self._obstacles = now_ns, rows

    def set_rung(
        self,
        name: str,
        reason: str,
        waiting_for: str,
        seconds_in: Mapping[str, float],
        now_ns: int,
        *,
        stopped: bool = False,
        rearm: str = "",
    ) -> None:
        """The supervisor's ladder. ``stopped``: STOP holds; ``rearm``: who may arm, automatic or operator."""
        rung: dict[str, Any] = {"name": name, "reason": reason, "waiting_for": waiting_for}
        rung |= {"seconds_in": dict(seconds_in), "stopped": stopped, "rearm": rearm}
        with self._lock:
            self._rung = now_ns, rung

    def set_status(self, name: str, level: str, message: str, values: Mapping[str, str], now_ns: int) -> None:
        """One diagnostic status; ``level`` is OK, WARN or ERROR."""
        with self._lock:
            self._statuses[name] = Heard(level, message, dict(values), now_ns)
            self._statuses_version += 1

    def samples(self, now_ns: int) -> list[Sample]:
        """Every diagnostic status as metrics."""
        with self._lock:
            statuses = dict(self._statuses)
        return samples(statuses, self._contract, now_ns, self.misses.totals())

    def set_journey(self, journey: Journey) -> None:
        """The newest frame that came to its end."""
        with self._lock:
            version = self._parts.get("journey", (0, None))[0]
            self._parts["journey"] = version + 1, journey_row(journey)

    def press_stop(self) -> None:
        """A person pressed STOP: every order that was given before it is void."""
        with self._lock:
            number = self._stop["number"] + 1
            self._stop = {"number": number, "requested": True, "supervisor": "", "board": ""}

    @property
    def stop_number(self) -> int:
        """How often STOP was pressed here; an order names the one that its page knew of."""
        with self._lock:
            return int(self._stop["number"])

    def set_stop_answers(self, supervisor: str, board: str) -> None:
        """What became of STOP: the answers so far, empty while there is none."""
        with self._lock:
            self._stop |= {"supervisor": supervisor, "board": board}

    def end_stop(self) -> None:
        """The supervisor took it back."""
        with self._lock:
            self._stop["requested"] = False

    def trails(self) -> dict[str, list[Point]]:
        """The ways so far, for a viewer that has just come."""
        with self._lock:
            return {"robot": _rounded(self._robot_trail), "target": _rounded(self._target_trail)}

    def parts(self) -> dict[str, tuple[int, Any]]:
        """Name -> version and value of what changes seldom: constants, journey, spreads."""
        with self._lock:
            version = self._statuses_version
            if self._parts.get("spreads", (-1, None))[0] != version:
                self._parts["spreads"] = version, spreads(self._statuses, self._budgets_ms)
            return dict(self._parts)

    def snapshot(self, now_ns: int) -> dict[str, Any]:
        """Everything at this moment, ready for JSON; ``age_s`` of each part tells how old it is."""
        with self._lock:
            return {
                "constants": self._constants,
                "pose": _aged(self._pose, now_ns),
                "target": _aged(self._target, now_ns),
                "obstacles": self._obstacles[1] if self._obstacles else [],
                "rung": _aged(self._rung, now_ns),
                "stages": [self._host_stage(name, now_ns) for name in HOST_STAGES]
                + [self._photon_to_motor(now_ns)],
                "board": {part: self._part(f"base: {part}", now_ns) for part in BOARD_PARTS},
                "planner": self._values("planner: plan"),
                "agent": self._part("agent: link", now_ns),
                "detector": self._part("detector: detect", now_ns),
                "stop": dict(self._stop),
            }

    def _values(self, name: str) -> dict[str, str]:
        status = self._statuses.get(name)
        return dict(status.values) if status else {}

    def _host_stage(self, stage: str, now_ns: int) -> dict[str, Any]:
        """Figures of `NODE: STAGE`, whichever node runs it; ms."""
        row: dict[str, Any] = {"name": stage, "budget": self._budgets_ms[stage], "count": 0, "age_s": None}
        for name, status in self._statuses.items():
            if name.endswith(f": {stage}") and not name.startswith("base:") and "p99" in status.values:
                figures = {key: _number(status.values.get(key)) for key in (*_PERCENTILES, "count", "misses")}
                skipped = sum(_number(v) or 0.0 for k, v in status.values.items() if k.startswith("skipped_"))
                row |= figures | {
                    "skipped": skipped,
                    "level": status.level,
                    "age_s": _age_s(status.heard_ns, now_ns),
                }
        return row

    def _photon_to_motor(self, now_ns: int) -> dict[str, Any]:
        """The board's own measurement, from us to ms."""
        row: dict[str, Any] = {
            "name": "photon_to_motor",
            "budget": self._budgets_ms["photon_to_motor"],
            "count": 0,
        }
        status = self._statuses.get("base: commands")
        if status is None:
            return row | {"age_s": None}
        for key in _PERCENTILES:
            microseconds = _number(status.values.get(f"photon_to_motor_{key}_us"))
            row[key] = None if microseconds is None else microseconds / 1e3
        count = _number(status.values.get("photon_to_motor_count"))
        return row | {"count": count or 0, "age_s": _age_s(status.heard_ns, now_ns)}

    def _part(self, name: str, now_ns: int) -> dict[str, Any]:
        """Values of one status, numbers as numbers."""
        status = self._statuses.get(name)
        if status is None:
            return {"age_s": None}
        numbers = {key: _number(value) for key, value in status.values.items()}
        values = {key: status.values[key] if number is None else number for key, number in numbers.items()}
        return values | {"level": status.level, "age_s": _age_s(status.heard_ns, now_ns)}


def _age_s(heard_ns: int, now_ns: int) -> float:
    return round((now_ns - heard_ns) / 1e9, 2)


def _aged(part: tuple[int, dict[str, Any]] | None, now_ns: int) -> dict[str, Any] | None:
    return None if part is None else part[1] | {"age_s": _age_s(part[0], now_ns)}


def _number(text: str | None) -> float | None:
    """The finite number that a diagnostic value holds; None for words."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _extend(trail: deque[Point], point: Point) -> None:
    if not trail or math.hypot(point[0] - trail[-1][0], point[1] - trail[-1][1]) >= _TRAIL_STEP_M:
        trail.append(point)


def _rounded(trail: deque[Point]) -> list[Point]:
    return [(round(x, 3), round(y, 3)) for x, y in trail]


def journey_row(journey: Journey) -> dict[str, Any]:
    """Stretches with begin and length in ms after the observation; ``total_ms`` is the board's own measurement, true
    to ``bound_ms``, and ``sum_ms`` what the stretches add up to."""
    observed_ns = journey.observed_ns
    return {
        "observed_ms": observed_ns / 1e6,
        "outcome": journey.outcome,
        "total_ms": journey.photon_to_motor_ns / 1e6,
        "bound_ms": journey.bound_ns / 1e6,
        "sum_ms": journey.sum_ns / 1e6,
        "explained": journey.explained,
        "stages": [
            {"name": name, "begin_ms": (entered - observed_ns) / 1e6, "ms": (left - entered) / 1e6}
            for name, entered, left in journey.stages
        ],
    }
