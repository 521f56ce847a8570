"""Holds a run of the demo against what a scenario of the twin expects: the same limits, by the real run's truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from takt.deadlines import Rung
from takt.trouble.checks import Evidence
from takt.twin.scenario_file import Expect

_STANDING_RAD_S = 0.2


def unmet(expect: Expect, evidence: Evidence, report: dict[str, Any]) -> list[str]:
    """One line for each expectation that the run did not meet."""
    mission = report["mission"]
    board = evidence.plant["rung"][np.argmax(evidence.plant["armed"]) :]
    lowest, last = Rung(int(board.max(initial=0))).name, Rung(int(board[-1])).name
    stop_m, recovered_s = stop_distance_m(evidence), recovery_s(evidence)
    rows = (
        ("target_visible_ratio", mission["target_visible_ratio"], expect.target_visible_ratio_min, -1),
        ("distance_error_p95_m", mission["distance_error_m"]["p95"], expect.distance_error_p95_m_max, 1),
        ("collisions", mission["collisions"], expect.collisions_max, 1),
        ("stop_distance_m", stop_m, expect.stop_distance_m_max if evidence.faults else None, 1),
        ("recovery_s", recovered_s, expect.recovery_s_max if evidence.faults else None, 1),
        (
            "command_age_p99_ms",
            report["latency_ms"]["photon_to_motor"]["p99"],
            expect.command_age_p99_ms_max,
            1,
        ),
    )
    lines = [
        f"{name} {value}, expected at {'most' if sign > 0 else 'least'} {limit}"
        for name, value, limit, sign in rows
        if limit is not None and (value is None or sign * value > sign * limit)
    ]
    if expect.reaches is not None and lowest != expect.reaches:
        lines.append(f"went down to {lowest}, expected {expect.reaches}")
    if expect.ends_on is not None and last != expect.ends_on:
        lines.append(f"ended on {last}, expected {expect.ends_on}")
    misses = report["control"]["misses_by_cause"]
    if expect.misses is not None and misses != {cause: expect.misses.get(cause, 0) for cause in misses}:
        lines.append(f"misses {misses}, expected {expect.misses}")
    return lines


def stop_distance_m(evidence: Evidence) -> float | None:
    """The robot's way from the first fault until its wheels stand; None if they never do, or nothing was done."""
    if not evidence.faults:
        return None
    log = evidence.plant
    after = log[log["stamp_ns"] >= evidence.faults[0].at_ns]
    standing = np.flatnonzero(np.abs(after["wheel_speed_rad_s"]).max(axis=1) < _STANDING_RAD_S)
    if len(standing) == 0:
        return None
    way = after[: standing[0] + 1]
    return round(float(np.hypot(np.diff(way["robot_x_m"]), np.diff(way["robot_y_m"])).sum()), 3)


def recovery_s(evidence: Evidence) -> float | None:
    """Seconds from the last fault's end until board and host stand on NOMINAL for good; None if they do not."""
    if not evidence.faults:
        return None
    end_ns = max(fault.until_ns for fault in evidence.faults)
    log = evidence.plant
    bad = np.flatnonzero(log["rung"] != Rung.NOMINAL)
    if evidence.final_rung != "NOMINAL" or (len(bad) and bad[-1] == len(log) - 1):
        return None
    board_ns = int(log["stamp_ns"][bad[-1] + 1]) if len(bad) else 0
    host_ns = evidence.host_rungs[-1][0] if evidence.host_rungs else 0
    return round(max(0.0, (max(board_ns, host_ns) - end_ns) / 1e9), 3)
