"""`takt demo`: starts the simulated robot, watches it for a while, ends it, and reports what it did."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import webbrowser
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import ExternalShutdownException

import takt.contract
from takt import firmware_ports, graph
from takt.contract import feasibility
from takt.demo import options as demo_options
from takt.demo import report as demo_report
from takt.demo.ends import Ends
from takt.demo.machine import Machine
from takt.demo.options import Options
from takt.demo.verdict import failures
from takt.errors import TaktError
from takt.nodes.referee import Referee
from takt.nodes.trouble import Trouble
from takt.simulation import mission, plant_log
from takt.supervision.processes import command_line
from takt.trouble.checks import Evidence, violations

_BRING_UP_LIMIT_S = 90.0  # seconds are enough but for a machine with much else to do
_END_LIMIT_S = 2.8
RESULTS = "results.json"  # in the folder of the run
_MOST_DELAY_S = 60.0  # that the plant goes on when faults wait for the robot
_SUPERVISOR_RESTART_S = 0.1  # as its service does
_SCORED_FROM_S = 5.0  # the robot may find its distance first


def main(argv: list[str]) -> int:
    """Run the demo; 0 when the run did what it was for, 1 when not (one line says why), 2 for bad input."""
    options = demo_options.parse(argv)
    contract = takt.contract.load()
    feasibility.require(contract)
    run = Run(options)
    try:
        run.start()
        run.wait_until_armed()
        run.watch()
    except (KeyboardInterrupt, ExternalShutdownException):
        print("\nending", file=sys.stderr)
        return 130
    finally:
        run.end()
    report = run.report(contract)
    if options.day is None:
        granted = report["machine"]["scheduling"].get("firmware", {}).get("granted", 0)
        wrong = failures(report, fifo_granted=granted > 0)
    else:
        report["trouble"] = run.judge_trouble(contract, report)
        wrong = report["trouble"]["violations"] + report["trouble"]["unmet"]
    report["ok"] = not wrong
    if wrong:
        report["failed"] = wrong
    text = json.dumps(report, indent=1) + "\n"
    for file in (options.run_dir / RESULTS, options.json_file):
        if file is not None:
            file.write_text(text)
    print(demo_report.table(report))
    print(f"  takt report {options.run_dir}   shows the run; takt trace {options.run_dir} for Perfetto\n")
    if wrong:
        print(f"failed: {'; '.join(wrong)} (logs: {options.run_dir / 'log'})", file=sys.stderr)
    return 1 if wrong else 0


class Run:
    """One run of the demo, from the first process to the last."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._name = f"takt_{os.getpid()}"
        self._graph = graph.simulation(
            graph.SimOptions(
                run_dir=options.run_dir,
                firmware=options.firmware,
                port=options.port,
                board=options.board,
                seed=options.seed,
                seconds=options.seconds + (_MOST_DELAY_S if options.day else 0.0),
                name=self._name,
                weights=options.weights,
                record=options.record,
                dashboard_port=None if options.headless else options.dashboard_port,
                blank_camera_at_s=options.faults.get("blank_camera", -1.0),
                cut_link_at_s=options.faults.get("cut_link", -1.0),
                line=options.day.episode.line if options.day else None,
                board_drift_ppm=options.day.episode.board_drift_ppm if options.day else 0.0,
            )
        )
        self._ends: Ends | None = None
        self._trouble: Trouble | None = None
        self._supervisor: subprocess.Popen[bytes] | None = None
        self._machine = Machine(options.run_dir, options.reference_loop)
        self._referee: Referee | None = None
        self._restart_at_s: float | None = None
        self._bring_up_s = 0.0
        self._began_ns = self._ended_ns = 0

    def start(self) -> None:
        """Start the supervisor, which starts the rest."""
        run_dir, kept = self._options.run_dir, self._graph
        (run_dir / "log").mkdir(parents=True, exist_ok=True)
        for process in self._graph:
            command_line(process)  # a missing program is told here, in one line, not in a log
        if self._options.day is not None:  # the supervisor may die too, and the world must not die with it
            world = [process for process in self._graph if not process.ros]
            retained = Path(f"/dev/shm/{self._name}_retained")
            self._ends = Ends(world, run_dir / "log", retained, self._say)
            self._ends.start()
            kept = [process for process in self._graph if process.ros]
        for process in kept:
            if process.name == "dashboard":  # started again, it shows what was missed before
                process.parameters["ledger_file"] = str(self._ledger_file)
        graph.save(kept, run_dir / "graph.json")
        self._start_supervisor()
        self._machine.begin()
        rclpy.init()
        self._referee = Referee(f"{self._name}_camera")
        self._say(f"run {run_dir}")
        if self._options.day is not None and self._ends is not None:
            self._trouble = Trouble(
                self._options.day, run_dir, self._referee, self._pids, self._ends.cut_power, self._say
            )

    @property
    def _ledger_file(self) -> Path:
        return self._options.run_dir / "ledger.jsonl"

    def _start_supervisor(self) -> None:
        run_dir = self._options.run_dir
        parameters = graph.supervisor_parameters(self._graph, self._rearm)
        parameters |= {"graph_file": str(run_dir / "graph.json"), "log_dir": str(run_dir / "log")}
        parameters["ledger_file"] = str(self._ledger_file)
        supervisor = graph.Process("supervisor", "takt_supervisor", parameters=parameters)
        with (run_dir / "log/supervisor.log").open("ab") as log:
            self._supervisor = subprocess.Popen(
                command_line(supervisor),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def _rearm(self) -> str:
        return self._options.day.episode.rearm if self._options.day else "automatic"

    def _pids(self) -> dict[str, int]:
        """Every process of the run by name, as they are now."""
        file = self._options.run_dir / "processes.json"
        pids: dict[str, int] = {}
        with contextlib.suppress(FileNotFoundError, ValueError):
            pids = json.loads(file.read_text())
        if self._supervisor is not None and self._supervisor.poll() is None:
            pids["supervisor"] = self._supervisor.pid
        return pids | (self._ends.pids() if self._ends else {})

    def _keep_up(self) -> None:
        """What keeps a real robot's supervisor and its far end running: here, the demo itself."""
        if self._ends is None:
            return
        self._ends.poll()
        if self._supervisor is not None and self._supervisor.poll() is not None:
            if self._restart_at_s is None:
                self._restart_at_s = time.monotonic() + _SUPERVISOR_RESTART_S
            elif time.monotonic() >= self._restart_at_s:
                self._restart_at_s = None
                self._start_supervisor()

    def wait_until_armed(self) -> None:
        """Spin until the board is armed. Raises TaktError when the firmware has another contract."""
        assert self._referee is not None
        began_s = time.monotonic()
        while not self._referee.board.armed:
            self._spin(0.05)
            self._keep_up()
            if self._referee.contract_refusal is not None:
                raise TaktError(*self._referee.contract_refusal)
            self._bring_up_s = time.monotonic() - began_s
            if self._bring_up_s > _BRING_UP_LIMIT_S:
                self._say(f"not armed after {_BRING_UP_LIMIT_S:.0f} s: {self._referee.reason}")
                break
        self._referee.begin_count()
        if not self._options.headless:
            self._show_page()

    def watch(self) -> None:
        """Spin through the mission with one status line a second."""
        began_s = told_s = time.monotonic()
        self._began_ns = time.time_ns()
        while (now_s := time.monotonic()) - began_s < self._options.seconds + self._delay_s:
            self._spin(0.02)
            self._keep_up()
            if self._trouble is not None:
                self._trouble.step(now_s - began_s)
            if now_s - told_s >= 1.0:
                told_s = now_s
                self._say(self._status_line(now_s - began_s))
        self._ended_ns = time.time_ns()

    @property
    def _delay_s(self) -> float:
        """By which a run is longer because its faults had to wait for the robot."""
        return self._trouble.injector.delay_s if self._trouble is not None else 0.0

    def end(self) -> None:
        """End everything within 3 s and leave no process behind."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if self._trouble is not None:
            self._trouble.close()
        self._machine.note_scheduling(self._pids())
        if self._supervisor is not None:
            self._supervisor.send_signal(signal.SIGINT)
            try:
                self._supervisor.wait(_END_LIMIT_S)
            except subprocess.TimeoutExpired:
                self._supervisor.kill()  # its children die with it
                self._supervisor.wait()
        if self._ends is not None:
            self._ends.stop()
        self._machine.end()
        for segment in Path("/dev/shm").glob(f"{self._name}_*"):
            segment.unlink(missing_ok=True)

    def report(self, contract: takt.contract.Contract) -> dict[str, Any]:
        """Everything the run measured, in the form that `--json` writes."""
        referee, options = self._referee, self._options
        assert referee is not None
        frames = referee.frames.records if referee.frames is not None else []
        said = referee.diagnostics
        from_s = min(_SCORED_FROM_S, options.seconds / 2)
        scored = mission.score(options.run_dir / "plant.log", options.seed, frames, from_s, self._ended_ns)
        detected = [frame for frame in frames if frame.detect_ms is not None]
        skipped = float(said.get("detector: detect", {}).get("skipped_stale", 0))
        return {
            "seconds": options.seconds,
            "seed": options.seed,
            "firmware": "board" if options.board else options.port,
            "time": firmware_ports.PORTS[options.port].time,
            "contract_hash": contract.hash_property,
            "began_ns": self._began_ns,
            "ended_ns": self._ended_ns,
            "bring_up_s": round(self._bring_up_s, 2),
            "mission": scored,
            "control": demo_report.control(
                said.get("base: loop", {}), said.get("base: timing", {}), 1000.0 / contract.control.rate_hz
            ),
            "latency_ms": demo_report.latency(frames, said, referee.photon_to_motor_ms),
            "frames": {
                "captured": len(frames) + (referee.frames.unseen if referee.frames else 0),
                "detected": len(detected),
                "skipped_stale": int(skipped),
            },
            "link": demo_report.link(
                said.get("base: link", {}), said.get("base: clock", {}), said.get("agent: link", {})
            ),
            "state": {"final": referee.rung, "reason": referee.reason, "seconds_in": referee.seconds_in},
            "commands_refused": referee.refusals,
            "machine": self._machine.report(),
        }

    def judge_trouble(self, contract: takt.contract.Contract, report: dict[str, Any]) -> dict[str, Any]:
        """What was done to the run, and what must hold whatever is done."""
        referee, trouble, run_dir = self._referee, self._trouble, self._options.run_dir
        assert referee is not None and trouble is not None
        records = plant_log.records_of(run_dir / "plant.log")
        evidence = Evidence(
            plant=records[records["stamp_ns"] <= self._ended_ns],
            faults=trouble.injector.done,
            applied_age_ms=referee.photon_to_motor_ms,
            final_rung=referee.rung,
            armed_at_end=referee.board.armed,
            resumed_ns=trouble.operator.stop_taken_back_ns if trouble.operator else None,
            ledger_file=self._ledger_file,
            host_rungs=referee.rungs,
            commands=trouble.commands,
            loop=referee.diagnostics.get("base: loop", {}),
        )
        return trouble.told(violations(evidence, contract), evidence, report)

    def _show_page(self) -> None:
        url = f"http://127.0.0.1:{self._options.dashboard_port}/"
        self._say(f"page: {url}")
        if os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"):
            webbrowser.open(url)

    def _spin(self, timeout_s: float) -> None:
        rclpy.spin_once(self._referee, timeout_sec=timeout_s)

    def _status_line(self, elapsed_s: float) -> str:
        assert self._referee is not None
        referee, loop = self._referee, self._referee.diagnostics.get("base: loop", {})
        newest = list(referee.photon_to_motor_ms.values())[-30:]
        photon = f"{sum(newest) / len(newest):5.1f}" if newest else "    -"
        frames = len(referee.frames.records) if referee.frames is not None else 0
        return (
            f"{elapsed_s:5.1f} s  {referee.rung:8s} {referee.reason:18s} frames {frames:5d}  "
            f"photon to motor {photon} ms  cycles {loop.get('cycles', '-'):>6s} misses {loop.get('misses', '-')}"
        )

    def _say(self, line: str) -> None:
        print(line, flush=True)
