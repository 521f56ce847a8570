"""Holds a run against what its scenario expects; each unmet expectation is one line."""

from __future__ import annotations

from typing import Any

import numpy as np

from takt.deadlines import Rung
from takt.twin.episode import SECOND
from takt.twin.run import Result
from takt.twin.scenario_file import Expect
from takt.twin.world import table

_STANDING_RAD_S = 0.2
_WHEEL_M_PER_RAD = 0.05


def unmet(result: Result, expect: Expect) -> list[str]:
    """Expectations that the run did not meet; violated invariants are always among them."""
    lines = [str(one) for one in result.violations]
    mission = result.mission
    if not mission["armed"]:
        return [*lines, "the robot was never armed"]
    _least(lines, "target_visible_ratio", mission["target_visible_ratio"], expect.target_visible_ratio_min)
    _most(lines, "distance_error_p95_m", mission["distance_error_m"]["p95"], expect.distance_error_p95_m_max)
    _most(lines, "collisions", mission["collisions"], expect.collisions_max)
    _most(lines, "command_age_p99_ms", mission["command_age_p99_ms"], expect.command_age_p99_ms_max)
    _of_faults(lines, result, expect)
    _of_rungs(lines, result, expect)
    if expect.misses is not None:
        wanted = {cause: expect.misses.get(cause, 0) for cause in result.misses}
        if wanted != result.misses:
            lines.append(f"misses {result.misses}, expected {wanted}")
    return lines


def _least(lines: list[str], name: str, value: float | None, limit: float | None) -> None:
    if limit is not None and (value is None or value < limit):
        lines.append(f"{name} {value}, expected at least {limit}")


def _most(lines: list[str], name: str, value: float | None, limit: float | None) -> None:
    if limit is not None and (value is None or value > limit):
        lines.append(f"{name} {value}, expected at most {limit}")


def _of_faults(lines: list[str], result: Result, expect: Expect) -> None:
    faults = result.episode.faults
    if expect.all_felt:
        felt = dict(result.felt)
        for fault in faults:
            felt[fault.kind] = felt.get(fault.kind, 0) - 1
        lines += [f"{kind} had no effect that was seen" for kind, left in felt.items() if left < 0]
    if faults:
        _most(lines, "stop_distance_m", stop_distance_m(result), expect.stop_distance_m_max)
        _most(lines, "recovery_s", recovery_s(result), expect.recovery_s_max)


def _of_rungs(lines: list[str], result: Result, expect: Expect) -> None:
    rungs = _after_arming(result)["rung"]
    if expect.reaches is not None and Rung(int(rungs.max())).name != expect.reaches:
        lines.append(f"went down to {Rung(int(rungs.max())).name}, expected {expect.reaches}")
    if expect.ends_on is not None and Rung(int(rungs[-1])).name != expect.ends_on:
        lines.append(f"ended on {Rung(int(rungs[-1])).name}, expected {expect.ends_on}")


def stop_distance_m(result: Result) -> float | None:
    """Way of the faster wheel's side from the first fault until both stand; None if they never do."""
    rows = _after_arming(result)
    begin_ns = int(rows["time_ns"][0]) + round(result.episode.faults[0].at_s * SECOND)
    after = rows[rows["time_ns"] >= begin_ns]
    speeds = np.abs(after["wheel_speed_rad_s"]).max(axis=1)
    standing = np.flatnonzero(speeds < _STANDING_RAD_S)
    if len(standing) == 0:
        return None
    return round(float(speeds[: standing[0]].sum()) * 0.010 * _WHEEL_M_PER_RAD, 3)


def recovery_s(result: Result) -> float | None:
    """Seconds from the last fault's end until both computers stand on NOMINAL for good; None if they do not."""
    rows = _after_arming(result)
    end_ns = int(rows["time_ns"][0]) + round(result.episode.faults_end_s * SECOND)
    bad = (rows["rung"] != Rung.NOMINAL) | (rows["host_rung"] != Rung.NOMINAL)
    if bad[-1]:
        return None
    last = np.flatnonzero(bad)
    return round(max(0.0, (int(rows["time_ns"][last[-1] + 1]) - end_ns) / SECOND), 3) if len(last) else 0.0


def _after_arming(result: Result) -> Any:
    rows = table(result.rows)
    return rows[np.argmax(rows["armed"] > 0) :]
