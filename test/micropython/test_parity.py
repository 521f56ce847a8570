"""`takt prove mpy-parity` in small, and that its comparison would notice."""

from __future__ import annotations

import ctypes
import json
from pathlib import Path

import numpy as np
import pytest

from takt.errors import TaktError
from takt.micropython import parity
from takt.micropython.c_layout import leaves, module_text
from takt.micropython.parity_cases import Cases
from takt.micropython.parity_check import Comparison, Tally
from takt.simulation.core_headers import Core


def test_control_step_monitor_and_ledger_agree_with_c(
    c_core_library: Core, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main(["--count", "10000", "--seed", "7", "--json", str(tmp_path / "out.json")]) == 0
    report = json.loads((tmp_path / "out.json").read_text())
    assert json.loads(capsys.readouterr().out) == report
    assert report["different"] == report["ledger_lives_different"] == 0
    assert report["excluded"] < 100
    assert min(report["cycles_by_rung"][rung] for rung in ("0", "2", "3")) > 300, "all states were tried"


def a_cycle(core: Core, comparison: Comparison) -> tuple[bytes, bytes]:
    cases = Cases(core, "1")
    pairs = [cases.next_cycle() for _ in range(500)]
    comparison.learn(rows(*(after for _, after in pairs)))
    return next(pair for pair in pairs if any(pair[1][:8]))  # the motors run


def rows(*data: bytes) -> np.ndarray:
    return np.frombuffer(b"".join(data), np.uint8).reshape(len(data), -1)


def test_every_number_that_differs_is_noticed(c_core_library: Core) -> None:
    comparison = Comparison(c_core_library)
    before, after = a_cycle(c_core_library, comparison)
    for leaf in comparison.leaves:
        wrong = bytearray(after)
        if leaf.is_float:
            place = ctypes.c_float.from_buffer(wrong, leaf.offset)
            place.value = place.value * 1.01 + comparison.full_scale[leaf.path] * 1e-3 + 1e-3
        else:
            wrong[leaf.offset] ^= 1
        tally = Tally()
        assert comparison.differing(rows(after), rows(bytes(wrong)), tally)[0], leaf.path
        if leaf.path in ("outputs.duty[0]", "state.safety.rung"):
            comparison.judge(before, rows(after)[0], rows(bytes(wrong))[0], 1, tally)
            assert (tally.different, tally.excluded) == (1, 0), leaf.path
            assert leaf.path in tally.complaints[0]


def test_a_difference_that_rounding_explains_is_excluded_and_counted(c_core_library: Core) -> None:
    comparison, tally = Comparison(c_core_library), Tally()
    before, after = a_cycle(c_core_library, comparison)
    comparison.judge(before, rows(after)[0], rows(after)[0], 1, tally)
    assert (tally.different, tally.excluded) == (0, 1)


def test_the_layout_names_every_number_of_a_struct(c_core_library: Core) -> None:
    control = c_core_library.types["takt_control_t"]
    found = list(leaves(control))
    assert len({leaf.offset for leaf in found}) == len(found)
    assert {"safety.rung", "encoder.history[3].counts[1]", "refused[7]"} <= {leaf.path for leaf in found}
    text = module_text(c_core_library.types)
    assert '"takt_control_t"' in text and f'"takt_control_t": {ctypes.sizeof(control)}' in text.replace(
        "'", '"'
    )


@pytest.mark.parametrize("words", [["--count", "0"], ["--first-batch", "-1"]])
def test_bad_counts_are_refused(words: list[str]) -> None:
    with pytest.raises(TaktError, match="not possible"):
        parity.main(words)
