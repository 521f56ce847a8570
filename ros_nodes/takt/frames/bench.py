"""`takt bench frames`: one frame from process to process, through our ring and through an rclpy Image topic.

Both run at the same time on one grid, half a period apart, so that they see the same machine and not each other. Four
processes with SCHED_FIFO, on processors that are kept awake as the supervisor keeps them while the robot runs. A hop is
the time from just before publishing until the reader holds the frame; the pixels are written before it, straight into
the ring's slot or the message's buffer.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from takt import resources
from takt.deadlines.histogram import exact_summary
from takt.errors import TaktError
from takt.frames.ring import FrameRing
from takt.realtime import held_awake

_RING_HZ, _TOPIC_HZ = 60, 30
_READY_LIMIT_S = 120.0  # until interpreters and middleware are up, on a machine with much else to do
_SETTLE_S = 3.0  # from there: discovery
_WARM_UP_FRAMES = 30  # of each way, which are counted as lost or not, but not timed
_PATIENCE_S = 120.0


def main(argv: list[str]) -> int:
    """Measure, print, and write ``--json FILE``; exit status 0 whenever it measured."""
    options = _options(argv)
    with tempfile.TemporaryDirectory() as folder, held_awake(0) as awake:
        ring, topic = _run(options, Path(folder))
    frames = {"ring": options.seconds * _RING_HZ, "rclpy_image": options.seconds * _TOPIC_HZ}
    report: dict[str, object] = {
        "wake_latency_us": awake.granted_us,
        "width_px": options.width,
        "height_px": options.height,
    }
    for name, samples in (("ring", ring), ("rclpy_image", topic)):
        if samples is None:
            report[name] = "not measured: rclpy is not installed"
            continue
        report |= _figures(name, samples, frames[name])
        if options.samples:
            Path(options.samples).mkdir(parents=True, exist_ok=True)
            np.savetxt(Path(options.samples) / f"{name}_hop_us.txt", samples[:, 1] / 1e3, fmt="%.1f")
    if topic is not None and len(topic) and len(ring):
        ratio = float(str(report["rclpy_image_p50_ms"])) / float(str(report["ring_p50_ms"]))
        report["ratio_rclpy_over_ring_p50"] = round(ratio, 2)
    _finish(options, report)
    return 0


def _options(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="takt bench frames", description=__doc__)
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--samples", metavar="DIR", help="write every single hop there")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--width", type=int, default=640)
    parser.add_argument("--height", type=int, default=480)
    options = parser.parse_args(argv)
    if options.seconds < 2:
        raise TaktError(f"--seconds {options.seconds} measures nothing", "give at least 2")
    return options


def _run(options: argparse.Namespace, folder: Path) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
    name = f"takt_hop_{os.getpid()}"
    start = folder / "start"
    ways = [("takt.frames.hop", _RING_HZ, 0, folder / "ring.npy")]
    if importlib.util.find_spec("rclpy") is not None:
        ways.append(("takt.nodes.image_hop", _TOPIC_HZ, int(0.5e9 / _RING_HZ), folder / "topic.npy"))
    children = []
    try:
        for module, rate_hz, offset_ns, out in ways:
            size = ("--width", str(options.width), "--height", str(options.height))
            when = (
                "--rate",
                str(rate_hz),
                "--frames",
                str(options.seconds * rate_hz),
                "--start",
                str(start),
                "--offset-ns",
                str(offset_ns),
            )
            for role in ("writer", "reader"):
                command = [sys.executable, "-m", module, role, name, *size, *when, "--out", str(out)]
                children.append(subprocess.Popen(command, env=_environment()))
        _tell_start(start, children)
        for child in children:
            if child.wait(options.seconds + _SETTLE_S + _PATIENCE_S) != 0:
                raise TaktError(f"{child.args} ended with status {child.returncode}", "see its message above")  # type: ignore[str-bytes-safe]
    finally:
        for child in children:
            child.kill()
            child.wait()
        FrameRing.remove(name)
    samples = [np.load(out) for _, _, _, out in ways]
    return samples[0], samples[1] if len(samples) > 1 else None


def _tell_start(start: Path, children: list[subprocess.Popen[bytes]]) -> None:
    """As soon as every end is ready; one that ended is for the caller to find."""
    limit_s = time.monotonic() + _READY_LIMIT_S
    while len(list(start.parent.glob(f"{start.name}.*"))) < len(children):
        if time.monotonic() > limit_s or any(child.poll() is not None for child in children):
            break
        time.sleep(0.02)
    whole = start.with_name("when")
    whole.write_text(str(time.monotonic_ns() + int(_SETTLE_S * 1e9)))
    whole.replace(start)


def _environment() -> dict[str, str]:
    """The children find this package and, unless the caller chose another, our DDS profile."""
    profile = str(resources.path("config/fastdds.xml"))
    here = str(Path(__file__).resolve().parents[2])
    # The middleware takes and gives back a whole picture's memory for each message; kept by the process, it need not be
    # mapped anew each time. That halves rclpy's hop, large pages take a tenth more, and it shall be shown at its best.
    memory = {
        "MALLOC_TRIM_THRESHOLD_": str(1 << 28),
        "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    }
    known = {**memory, "FASTDDS_DEFAULT_PROFILES_FILE": profile, **os.environ}
    return {**known, "PYTHONPATH": os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))}


def _figures(name: str, samples: NDArray[np.int64], sent: int) -> dict[str, float | int]:
    held = np.unique(samples[:, 0])
    timed = samples[samples[:, 0] > _WARM_UP_FRAMES]
    summary = exact_summary((timed[:, 1] / 1e6).tolist()) if len(timed) else {}
    return {
        **{
            f"{name}_{key}_ms": round(summary[key], 4)
            for key in ("p50", "p95", "p99", "max")
            if key in summary
        },
        f"{name}_count": len(timed),
        f"{name}_sent": sent,
        f"{name}_lost": sent - len(held),
        f"{name}_torn": int((samples[:, 2] == 0).sum()),
    }


def _finish(options: argparse.Namespace, report: dict[str, object]) -> None:
    text = json.dumps(report, indent=1)
    print(text)
    if options.json:
        try:
            Path(options.json).write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise TaktError(
                f"{options.json} cannot be written: {error.strerror}", "choose a folder that exists"
            ) from error
