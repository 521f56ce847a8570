"""Whether a run did what it was for, and in one line what failed."""

from __future__ import annotations

from typing import Any

TARGET_VISIBLE_RATIO = 0.90
DISTANCE_ERROR_P95_M = 0.35
PHOTON_TO_MOTOR_P99_MS = 100.0
PATH_RATIO = 0.5  # of the target's path that the robot must have driven


def failures(report: dict[str, Any], fifo_granted: bool) -> list[str]:
    """One clear line for each thing that the run should have shown and did not."""
    mission, photon = report["mission"], report["latency_ms"]["photon_to_motor"]
    distance_m = mission["distance_error_m"]["p95"]
    rows = (
        (
            mission["target_visible_ratio"] < TARGET_VISIBLE_RATIO,
            f"target visible in {mission['target_visible_ratio']:.0%} of frames, {TARGET_VISIBLE_RATIO:.0%} needed",
        ),
        (
            distance_m is None or distance_m > DISTANCE_ERROR_P95_M,
            f"distance error p95 {distance_m} m, at most {DISTANCE_ERROR_P95_M} allowed",
        ),
        (mission["collisions"] > 0, f"{mission['collisions']} collisions"),
        (
            mission["robot_path_m"] < PATH_RATIO * mission["target_path_m"],
            f"robot drove {mission['robot_path_m']} m while the target went {mission['target_path_m']} m",
        ),
        (report["state"]["final"] != "NOMINAL", f"final state {report['state']['final']}, not NOMINAL"),
        (report["link"]["crc_errors"] > 0, f"{report['link']['crc_errors']} CRC errors on a clean line"),
        (photon["count"] == 0, "no command reached a motor"),
        (
            fifo_granted and photon["p99"] > PHOTON_TO_MOTOR_P99_MS,
            f"photon to motor p99 {photon['p99']} ms, at most {PHOTON_TO_MOTOR_P99_MS} allowed",
        ),
    )
    return [text for failed, text in rows if failed]
