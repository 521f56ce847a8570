"""One lane of `takt prove recoveries`: a rig of its own and the trials that fall to it, one JSON line each.

python -m takt.link_proofs.recovery_lane --lane 0 --folder DIR --firmware BINARY --domain 70 --trials 0,4,7 --seed 1
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sys
import threading
import time
import traceback
from dataclasses import asdict
from pathlib import Path

import takt.contract
from takt.errors import TaktError
from takt.link_proofs.recovery_trial import KINDS, LIMIT_S, Outcome, Traffic, break_it, judge, measure
from takt.link_proofs.rig import Rig
from takt.nodes.link_probe import LinkProbe
from takt.realtime import apply_policy

LANE_FIFO = 40
_COMMAND_PERIOD_S = 0.02
_UP_LIMIT_S = 240.0
_FIGURES_AFTER = 10
_CLOSE_LIMIT_S = 5.0
_SLOW_S = 0.6
_ENDING = (signal.SIGINT, signal.SIGTERM)


def kind_of(index: int) -> str:
    """Trial ``index`` of the proof: the kinds take turns."""
    return KINDS[index % len(KINDS)]


class Commands:
    """Publishes a command at 50 Hz in every domain of the lane, stamped with the monotonic clock."""

    def __init__(self, probes: list[LinkProbe]) -> None:
        self._probes = probes
        self._stop = False
        self._thread = threading.Thread(target=self._run, name="commands", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while not self._stop:
            for probe in self._probes:
                probe.send_command(time.monotonic_ns())
            time.sleep(_COMMAND_PERIOD_S)

    def stop(self) -> None:
        self._stop = True
        self._thread.join(timeout=1.0)


class Lane:
    """The rig, its ROS side in two domains, and the record of outcomes."""

    def __init__(
        self, folder: Path, firmware: Path, domain: int, seed: int, noise_s: float, limit_s: float
    ) -> None:
        self._domains = (domain, domain + 1)
        self._seed = seed
        self._traffic = Traffic()
        self._probes = [LinkProbe(number, self._traffic.listener(number)) for number in self._domains]
        self._commands = Commands(self._probes)
        self._noise_s, self._limit_s = noise_s, limit_s
        self._rig = Rig(folder, firmware, seed=seed, baud=takt.contract.load().link.baud, domain=domain)
        self._record = (folder / "outcomes.jsonl").open("a")
        self._done = 0

    def bring_up(self) -> None:
        """Start both ends and wait until samples flow. Raises TaktError when they do not."""
        self._rig.start_agent()
        self._rig.start_board()
        begun_ns = time.monotonic_ns()
        while time.monotonic_ns() - begun_ns < _UP_LIMIT_S * 1e9:
            if judge(self._rig, self._traffic, -1, "firmware_killed", begun_ns).recovered:
                return
            time.sleep(0.05)
        raise TaktError(
            f"the link did not come up, see {self._rig.folder}", "let `takt agent` work by hand first"
        )

    def run(self, index: int) -> Outcome:
        """One trial, recorded."""
        rng = random.Random(f"{self._seed} {index}")
        kind = kind_of(index)
        time.sleep(rng.uniform(0.0, 0.2))
        other = self._domains[self._rig.domain == self._domains[0]]
        whole = break_it(self._rig, kind, rng, other, self._noise_s)
        outcome = measure(self._rig, self._traffic, index, kind, whole, self._limit_s)
        row: dict[str, object] = {"outcome": asdict(outcome)}
        if outcome.line_s() is None or (outcome.line_s() or 0.0) > _SLOW_S:
            row["timeline"] = self._rig.tap.timeline(whole())
        self._note(row)
        self._done += 1
        if self._done == _FIGURES_AFTER:
            self.note_figures()
        if not outcome.recovered:
            self._start_anew()
        return outcome

    def note_figures(self) -> None:
        """Memory, threads and descriptors of the agent, and how many nodes the board has in the graph."""
        assert self._rig.agent
        nodes = self._probes[self._domains.index(self._rig.domain)].board_nodes()
        self._note(
            {
                "figures": {
                    **self._rig.agent.figures(),
                    "pid": self._rig.agent.pid,
                    "nodes": nodes,
                    "after": self._done,
                }
            }
        )

    def _start_anew(self) -> None:
        """A trial that failed must not make the next one fail."""
        assert self._rig.agent and self._rig.board
        self._rig.agent.stop()
        self._rig.board.kill()
        self._rig.line.mend()
        self._rig.line.plug("a")
        self.bring_up()

    def _close_probes(self) -> None:
        for probe in self._probes:
            probe.close()

    def _note(self, row: dict[str, object]) -> None:
        self._record.write(json.dumps(row) + "\n")
        self._record.flush()

    def close_within(self, limit_s: float) -> None:
        """End the rig, then the ROS side, for which DDS has been seen to take for ever: the proof does not wait."""
        self._commands.stop()
        self._rig.close()
        self._record.close()
        closing = threading.Thread(target=self._close_probes, daemon=True)
        closing.start()
        closing.join(limit_s)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="recovery_lane", description=(__doc__ or "").splitlines()[0])
    made.add_argument("--folder", type=Path, required=True)
    made.add_argument("--firmware", type=Path, required=True)
    made.add_argument("--domain", type=int, required=True, help="this ROS domain and the next are used")
    made.add_argument("--seed", type=int, required=True)
    made.add_argument("--noise-s", type=float, default=10.0)
    made.add_argument("--limit-s", type=float, default=LIMIT_S)
    made.add_argument("--trials", required=True, help="numbers of the trials, with commas")
    return made


def _end_once(_number: int, _frame: object) -> None:
    """The rig must be ended too, and nothing may interrupt that."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(1)


def main(argv: list[str]) -> int:
    """Run the trials; 0 when all ran, recovered or not."""
    given = parser().parse_args(argv)
    for number in _ENDING:
        signal.signal(number, _end_once)
    lane = Lane(given.folder, given.firmware, given.domain, given.seed, given.noise_s, given.limit_s)
    try:
        lane.bring_up()
        apply_policy(LANE_FIFO, lock_memory=False)
        for index in map(int, given.trials.split(",")):
            lane.run(index)
        lane.note_figures()
    finally:
        lane.close_within(_CLOSE_LIMIT_S)
    return 0


if __name__ == "__main__":
    status = 1
    try:
        status = main(sys.argv[1:])
    except Exception:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # past threads of DDS that may hang
