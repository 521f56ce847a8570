"""`takt prove mpy-parity`: MicroPython's control step against the C core's, cycle by cycle, on a real MicroPython VM.

Every cycle starts from the C core's state. Continuous numbers must agree within 1e-5 relative (the unix port computes
in double, C in float); all others, age gate and safety states among them, exactly. Beside it deadline monitor and
ledger live through as many random operations and must agree exactly after each.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from takt.errors import TaktError
from takt.micropython import c_core, interpreter
from takt.micropython.parity_cases import Cases
from takt.micropython.parity_check import Comparison, Tally
from takt.micropython.parity_life import ANSWER_BYTES, SETTINGS, Lives
from takt.micropython.vm import import_folders
from takt.simulation.core_headers import Core

_BATCH = 10_000


class Proof:
    """Runs batches; each has its own seed, so a run can be taken up again where it ended."""

    def __init__(self, core: Core, seed: int, folder: Path) -> None:
        self.core, self.seed, self.folder = core, seed, folder
        self.environment = interpreter.search_path(*import_folders(core.types, folder))
        self.comparison = Comparison(core)
        self.tally, self.ledger_different, self.misses = Tally(), 0, 0
        self.rungs: Counter[int] = Counter()
        self.causes: Counter[int] = Counter()
        self.verdicts = [0] * len(core.new("control").refused)

    def run_batch(self, number: int, count: int) -> None:
        """``count`` cycles and ledger operations of batch ``number``."""
        self._control(f"{self.seed}/{number}/control", count)
        self._ledger(f"{self.seed}/{number}/ledger", count)

    def _vm(self, script: str, given: bytes, *words: int) -> bytes:
        cases, results = self.folder / "cases.bin", self.folder / "results.bin"
        cases.write_bytes(given)
        command = interpreter.command("-m", script, cases, results, *map(str, words), heap_kib=2048)
        ended = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if ended.returncode != 0:
            raise TaktError(f"{script} ended on the VM: {ended.stderr.strip()[-400:]}", "see the last line")
        return results.read_bytes()

    def _control(self, seed: str, count: int) -> None:
        cases = Cases(self.core, seed)
        pairs = []
        for _ in range(count):
            pairs.append(cases.next_cycle())
            self.rungs[int(cases.state.safety.rung)] += 1
            self.causes[int(cases.state.safety.cause)] += 1
        self._note_refusals(cases)
        size = len(pairs[0][1])
        answers = self._vm("parity_control", b"".join(before for before, _ in pairs), count)
        expected = np.frombuffer(b"".join(after for _, after in pairs), np.uint8).reshape(count, size)
        got = np.frombuffer(answers, np.uint8).reshape(count, size)
        self.tally.cycles += count
        self.comparison.learn(expected)
        for row in np.flatnonzero(self.comparison.differing(expected, got, self.tally)):
            self.comparison.judge(pairs[row][0], expected[row], got[row], int(row), self.tally)

    def _note_refusals(self, cases: Cases) -> None:
        for verdict, refused in enumerate(cases.state.refused):
            self.verdicts[verdict] += refused

    def _ledger(self, seed: str, count: int) -> None:
        lives = Lives(self.core, seed)
        pairs = [lives.next_operation() for _ in range(count)]
        answers = self._vm("parity_ledger", b"".join(pair[0] for pair in pairs), count, *SETTINGS)
        self.misses += int(lives.core.takt_deadlines_missed(ctypes.byref(lives.monitor)))
        for i, (_, expected) in enumerate(pairs):
            if answers[i * ANSWER_BYTES : (i + 1) * ANSWER_BYTES] != expected:
                self.ledger_different += 1
                break  # a life that differs once differs ever after

    def report(self) -> dict[str, Any]:
        """What was compared and what came of it."""
        return {
            "seed": self.seed,
            "cycles": self.tally.cycles,
            "fields_compared": len(self.comparison.leaves),
            "cycles_by_rung": {str(rung): n for rung, n in sorted(self.rungs.items())},
            "cycles_by_cause_of_safe": {str(cause): n for cause, n in sorted(self.causes.items())},
            "refusals_by_verdict": self.verdicts,
            **{key: value for key, value in asdict(self.tally).items() if key != "cycles"},
            "ledger_operations": self.tally.cycles,
            "ledger_lives_different": self.ledger_different,
            "ok": self.tally.different == 0 and self.ledger_different == 0,
        }


def main(argv: list[str]) -> int:
    """Exit status 0 when all agree."""
    parser = argparse.ArgumentParser(prog="takt prove mpy-parity", description=__doc__)
    parser.add_argument(
        "--count", type=int, default=10_000, help="cycles (default 10000; the full proof: 1000000)"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first-batch", type=int, default=0, help=f"take up a run at this batch of {_BATCH}")
    parser.add_argument("--json", type=Path, default=None, metavar="FILE", help="write the report here")
    options = parser.parse_args(argv)
    if options.count < 1 or options.first_batch < 0:
        raise TaktError(f"--count {options.count} is not possible", "give at least 1 cycle")
    with tempfile.TemporaryDirectory(prefix="takt-parity-") as folder:
        proof = Proof(c_core.load(), options.seed, Path(folder))
        done, batch = 0, options.first_batch
        while done < options.count:
            portion = min(_BATCH, options.count - done)
            proof.run_batch(batch, portion)
            done, batch = done + portion, batch + 1
            if sys.stderr.isatty() or batch % 10 == 0:
                print(f"{done} cycles, next batch {batch}: {proof.tally.different} differ", file=sys.stderr)
    report = proof.report()
    if options.json:
        options.json.write_text(json.dumps(report, indent=1) + "\n")
    print(json.dumps(report, indent=1))
    return 0 if report["ok"] else 1
