"""The proof over chaotic commands: the board keeps the rules, and a board that did not would be found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import takt.contract
from takt.errors import TaktError
from takt.simulation import command_proof, replay
from takt.simulation.command_chaos import Chaos
from takt.simulation.command_oracle import Oracle, Tally


def test_a_hundredth_of_the_proof_holds(core_library: Path) -> None:
    tally = command_proof.prove(10_000, 7, core_library)
    assert tally.violations == []
    assert tally.cycles == 10_000 and tally.arms > 10 and tally.resets > 0
    assert all(tally.refused[name] > 0 for name in ("nan", "clock", "zero", "stale"))
    assert tally.oldest_applied_ns <= 200_000_000 and tally.applied_cycles > 500


def duty_while_disarmed(result: np.ndarray) -> None:
    if not result["armed"][0]:
        result["duty"][0, 0] = 1e-9


def keeps_following(result: np.ndarray) -> None:
    result["rung"][result["rung"] == 2] = 0


def forgets_a_refusal(result: np.ndarray) -> None:
    result["refused"][0, 6] = 0


def never_stops(result: np.ndarray) -> None:
    result["setpoint_rad_s"][0] = 1.0


def arms_itself(result: np.ndarray) -> None:
    result["armed"], result["rung"] = True, 2


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (duty_while_disarmed, "exactly 0"),
        (keeps_following, "though the command is"),
        (forgets_a_refusal, "counted exactly"),
        (never_stops, "within 300 ms"),
        (arms_itself, "fresh request"),
    ],
)
def test_a_board_that_breaks_a_rule_is_found_out(
    core_library: Path, harm: Callable[[np.ndarray], None], words: str
) -> None:
    contract, tally = takt.contract.load(), Tally()
    chaos, oracle, board = Chaos(contract, 3), Oracle(contract, tally), replay.Replay(core_library)
    result = np.zeros(1, replay.RESULT)
    for _ in range(3000):
        record = chaos.next_cycle(result)
        result = board.run(record)
        shown = result.copy()
        harm(shown)
        oracle.check(record, shown)
        if tally.violations:
            break
    assert words in "".join(tally.violations)


def test_bad_arguments_name_cause_and_fix(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="--count 0"):
        command_proof.main(["--count", "0"])
    with pytest.raises(TaktError, match="library"):
        command_proof.main(["--count", "1", "--library", str(tmp_path / "none.so")])
