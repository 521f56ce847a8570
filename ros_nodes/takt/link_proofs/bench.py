"""`takt bench link`: echo through a ROS node, processor time, throughput, losses, recoveries and the clock.

With `--agent-cmd 'CMD {dev}'` another agent is measured beside ours, block by block in turn, in the same scheduling
class; its figures are `peer_*`, ours divided by its are `ratio_*`. Every percentile comes with its count.
"""

from __future__ import annotations

import argparse
import json
import shlex
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from takt.errors import TaktError
from takt.link_proofs import recoveries
from takt.link_proofs.bench_side import METER_FIFO, RosEnd, Side, at_priority, processor_ns
from takt.resources import path as resource_path

_ROUNDS = 3
_BLOCK_S = 10.0
_LONG_BLOCK_S = 20.0  # of 1000 Hz; three make the minute
_THROUGHPUT_S = 5.0
_CLOCK_S, _CLOCK_SETTLES_S = 25.0, 5.0
_FLOOD_S = 5.0
_RECOVERIES = 20

Figures = dict[str, Any]


class Samples:
    """Raw measurements by name, kept for `--samples`."""

    def __init__(self) -> None:
        self._kept: dict[str, list[NDArray[Any]]] = {}

    def add(self, name: str, values: NDArray[Any]) -> None:
        self._kept.setdefault(name, []).append(values)

    def all(self, name: str) -> NDArray[Any]:
        kept = self._kept.get(name)
        return np.concatenate(kept) if kept else np.zeros(0)

    def percentiles(self, name: str, key: str) -> Figures:
        """p50, p99, and how many samples they stand on."""
        values = self.all(name)
        if not values.size:
            return {f"{key}_count": 0}
        p50, p99 = np.percentile(values, [50, 99])
        return {
            f"{key}_p50_us": round(float(p50), 1),
            f"{key}_p99_us": round(float(p99), 1),
            f"{key}_count": int(values.size),
        }

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, values in self._kept.items():
            np.savetxt(folder / f"{name}.txt", np.concatenate(values), fmt="%.1f")


class Bench:
    """The sides in turn through every phase. ``scale`` shortens all blocks, for the tests."""

    def __init__(
        self,
        folder: Path,
        domain: int,
        peer: list[str] | None,
        scale: float,
        seed: int,
        rounds: int = _ROUNDS,
    ) -> None:
        self._folder, self._domain, self._peer = folder, domain, peer
        self._scale, self._seed, self._rounds = scale, seed, rounds
        self.samples = Samples()
        self.figures: dict[str, Figures] = {"ours": {}}
        if peer:
            self.figures["peer"] = {}

    def _sides(self, limited: bool) -> list[Side]:
        tag = "limited" if limited else "direct"
        sides = [Side(f"ours_{tag}", self._folder, self._domain, None, limited)]
        if self._peer:
            sides.append(Side(f"peer_{tag}", self._folder, self._domain + 1, self._peer, limited))
        return sides

    def _with_sides(self, limited: bool, phases: list[Callable[[list[Side]], None]]) -> None:
        sides = self._sides(limited)
        try:
            for side in sides:
                side.connect()
            for phase in phases:
                phase(sides)
        finally:
            for side in sides:
                side.close()

    def run(self) -> None:
        """All phases but the recoveries."""
        self._with_sides(False, [self._echoes, self._fast, self._throughput])
        self._with_sides(True, [self._clock, self._flood])

    # ----------------------------------------------------------------- phases

    def _echoes(self, sides: list[Side]) -> None:
        """100 Hz, 64 bytes: both kinds of stream, and the bare forwarder, block by block."""
        busy: dict[str, list[float]] = {}
        ends: dict[str, list[float]] = {}
        for _ in range(self._rounds):
            for side in sides:
                own = _own(side)
                share, end_share = self._echo(side, 100.0, _BLOCK_S, False, f"{own}_best_effort")
                busy.setdefault(own, []).append(share)
                ends.setdefault(own, []).append(end_share)
                self._echo(side, 100.0, _BLOCK_S, True, f"{own}_reliable")
            busy.setdefault("bare", []).append(self._forward(100.0, _BLOCK_S, "bare"))
        for own, figures in self.figures.items():
            figures |= self.samples.percentiles(f"{own}_best_effort", "echo_best_effort")
            figures |= self.samples.percentiles(f"{own}_reliable", "echo_reliable")
            figures["cpu_percent_100_hz"] = _mean(busy[own])
            figures["cpu_over_bare_ratio"] = round(_mean(busy[own]) / max(_mean(busy["bare"]), 1e-9), 3)
            figures["cpu_over_echo_end_ratio"] = round(_mean(busy[own]) / max(_mean(ends[own]), 1e-9), 3)
        self.figures["ours"]["bare_cpu_percent_100_hz"] = _mean(busy["bare"])
        self.figures["ours"] |= self.samples.percentiles("bare", "bare_echo")

    def _fast(self, sides: list[Side]) -> None:
        """1000 Hz each way for a minute."""
        busy: dict[str, list[float]] = {}
        for _ in range(self._rounds):
            for side in sides:
                own = _own(side)
                published, heard = side.counts(False)
                share, _ = self._echo(side, 1000.0, _LONG_BLOCK_S, False, f"{own}_1000_hz")
                busy.setdefault(own, []).append(share)
                now_published, now_heard = side.counts(False)
                lost = now_published - published - (now_heard - heard)
                figures = self.figures[own]
                figures["lost_1000_hz"] = figures.get("lost_1000_hz", 0) + lost
                figures["sent_1000_hz"] = figures.get("sent_1000_hz", 0) + now_published - published
        for own, figures in self.figures.items():
            figures["cpu_percent_1000_hz"] = _mean(busy[own])
            figures |= self.samples.percentiles(f"{own}_1000_hz", "echo_1000_hz")

    def _throughput(self, sides: list[Side]) -> None:
        """Reliable samples to the host that the agent confirms, as many as it takes; ROS only listens."""
        for side in sides:
            side.replace_end("sink")
            side.loop(seconds=1.5)
        for _ in range(self._rounds):
            for side in sides:
                published, _heard = side.counts(True)
                with at_priority(METER_FIFO):
                    run = side.loop(seconds=_THROUGHPUT_S * self._scale, count=10_000_000, reliable=True)
                now_published, _heard = side.counts(True)
                self.samples.add(
                    f"{_own(side)}_samples_per_s", np.array([(now_published - published) / run.seconds])
                )
        for own, figures in self.figures.items():
            figures["reliable_samples_per_s"] = round(
                float(np.median(self.samples.all(f"{own}_samples_per_s")))
            )

    def _clock(self, sides: list[Side]) -> None:
        """At 921600 baud with 100 Hz each way; the board's clock runs fast by a known amount."""
        for side in sides:
            own = _own(side)
            side.echo(_CLOCK_SETTLES_S, 100.0)
            run = side.echo(max((_CLOCK_S - _CLOCK_SETTLES_S) * self._scale, 1.0), 100.0)
            errors = np.abs(run.clock_errors_ns) / 1e3
            self.samples.add(f"{own}_clock_error", errors)
            figures = self.figures[own]
            figures |= self.samples.percentiles(f"{own}_clock_error", "clock_error")
            if errors.size:
                held = np.abs(run.clock_errors_ns) <= run.clock_bounds_ns
                figures["clock_bound_held_ratio"] = round(float(held.mean()), 5)
                figures["clock_bound_p99_us"] = round(float(np.percentile(run.clock_bounds_ns, 99)) / 1e3, 1)
            figures["clock_backward_steps"] = run.backward_steps

    def _flood(self, sides: list[Side]) -> None:
        """Garbage at line rate instead of the board's bytes, while ROS goes on talking to the board."""
        for side in sides:
            figures = self.figures[_own(side)]
            source = RosEnd("source", side.domain)
            try:
                side.loop(seconds=2.0)
                seconds = max(_FLOOD_S * self._scale, 0.5)
                before_ns, begun_s = processor_ns(side.agent.pid), time.monotonic()
                side.order({"noise_s": seconds, "seed": self._seed, "directions": ["b_to_a"]})
                side.loop(seconds=seconds - (time.monotonic() - begun_s))
                used_ns = processor_ns(side.agent.pid) - before_ns
                figures["flood_cpu_percent"] = round(used_ns / 1e7 / (time.monotonic() - begun_s), 2)
                run = side.loop(seconds=3.0, count=300, hz=100.0)
                again_s = run.first_pong_s
                figures["flood_good_again_ms"] = None if again_s is None else round(again_s * 1e3, 1)
            finally:
                source.stop()

    # ---------------------------------------------------------------- blocks

    def _echo(self, side: Side, hz: float, seconds: float, reliable: bool, name: str) -> tuple[float, float]:
        """One block; returns the shares of a core of the agent and of the ROS end that echoes, in percent."""
        before_ns = [processor_ns(pid) for pid in side.pids]
        begun_ns = time.monotonic_ns()
        run = side.echo(seconds * self._scale, hz, reliable=reliable)
        took_ns = time.monotonic_ns() - begun_ns
        agent, end = (
            100.0 * (processor_ns(pid) - before) / took_ns
            for pid, before in zip(side.pids, before_ns, strict=True)
        )
        self.samples.add(name, run.round_trips_us)
        return agent, end

    def _forward(self, hz: float, seconds: float, name: str) -> float:
        """The same samples through a bare forwarder; returns its share of a core in percent."""
        domain = self._domain + 2
        forwarder = RosEnd("forward", domain, fifo=60)
        count = max(int(seconds * self._scale * hz), 1)
        driver = RosEnd("drive", domain, "--hz", str(hz), "--count", str(count), fifo=METER_FIFO)
        try:
            assert driver.process.stdout
            driver.process.stdout.readline()  # it begins
            before_ns, begun_ns = processor_ns(forwarder.process.pid), time.monotonic_ns()
            time.sleep(0.9 * count / hz)
            used_ns = processor_ns(forwarder.process.pid) - before_ns
            share = 100.0 * used_ns / (time.monotonic_ns() - begun_ns)
            out, _ = driver.process.communicate(timeout=60.0)
            self.samples.add(name, np.array(json.loads(out or b"[]")))
        finally:
            forwarder.stop()
            if driver.process.poll() is None:
                driver.stop()
        return share

    def recover(self, count: int, firmware: Path) -> None:
        """A few recoveries; the proof does a thousand."""
        arguments = ["--count", str(count), "--domain", str(self._domain), "--seed", str(self._seed)]
        given = recoveries.parser().parse_args([*arguments, "--firmware", str(firmware)])
        state = self._folder / "recoveries"
        recoveries.run_lanes(state, given)
        outcomes, figures = recoveries.read_outcomes(state)
        result = recoveries.summary(outcomes, figures)
        by_kind = result.pop("recoveries_by_kind")
        result["recoveries_by_kind"] = {kind: row["ok"] for kind, row in by_kind.items()}
        del result["agent_growth"]
        self.figures["ours"] |= result

    def report(self) -> Figures:
        """One flat object: ours by plain names, the other's as ``peer_*``, the quotients as ``ratio_*``."""
        flat = dict(self.figures["ours"])
        for key, value in self.figures.get("peer", {}).items():
            flat[f"peer_{key}"] = value
            own = flat.get(key)
            if (
                isinstance(value, (int, float))
                and isinstance(own, (int, float))
                and value
                and "count" not in key
            ):
                flat[f"ratio_{key}"] = round(own / value, 3)
        return flat


def _own(side: Side) -> str:
    return side.name.split("_")[0]


def _mean(values: list[float]) -> float:
    return round(sum(values) / len(values), 2)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt bench link", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--json", type=Path, metavar="FILE")
    made.add_argument("--agent-cmd", metavar="CMD", help="another agent; {dev} stands for its port")
    made.add_argument("--samples", type=Path, metavar="DIR", help="raw samples, one a line")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--domain", type=int, default=80, help="first of eight ROS domains to work in")
    made.add_argument(
        "--scale", type=float, default=1.0, help="of the lengths of all blocks; 1: about 10 minutes"
    )
    made.add_argument("--recoveries", type=int, default=_RECOVERIES, metavar="N")
    return made


def main(argv: list[str]) -> int:
    """Measure, print, and write what was asked for; 0 whenever it measured."""
    given = parser().parse_args(argv)
    peer = shlex.split(given.agent_cmd) if given.agent_cmd else None
    if peer and not any("{dev}" in part for part in peer):
        raise TaktError("--agent-cmd names no port", "write {dev} where the agent wants its port")
    if not 0.001 <= given.scale <= 2.0:
        raise TaktError(f"--scale {given.scale} is out of range", "give 0.001 to 2")
    firmware = resource_path("package.xml").parent / "build/firmware/takt_firmware"
    begun_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="takt-bench-link-") as folder:
        bench = Bench(Path(folder), given.domain, peer, given.scale, given.seed)
        bench.run()
        if given.recoveries:
            bench.recover(given.recoveries, firmware)
    report = {**bench.report(), "seconds": round(time.monotonic() - begun_s)}
    print(json.dumps(report, indent=1))
    if given.json:
        given.json.write_text(json.dumps(report, indent=1) + "\n")
    if given.samples:
        bench.samples.save(given.samples)
    return 0
