"""What `takt bench micropython` reads off the firmware, and that size, heap and objects stay within their limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.micropython import bench
from takt.micropython.modules import Target, compile_all

LINES = ["GC memory layout; from 7f00:", "00000000: hF=.hhB=", "       (3 lines all free)", "00000800: LT=D"]


def test_all_modules_stay_below_64_kib(tmp_path: Path) -> None:
    for name, size in bench.sizes(tmp_path).items():
        assert 40_000 < size <= 64 * 1024, name


def test_a_cycle_makes_floats_only_and_at_most_2_kib_of_them(tmp_path: Path) -> None:
    heap = bench.heap(tmp_path, 300, bench.parse([]))
    assert heap["cycles"] > 200, (tmp_path / "heap" / "firmware.log").read_text()[-2000:]
    assert heap["bytes_a_cycle_max"] <= 2048
    made = heap["objects_a_cycle_max"]
    assert 20 < made.pop("float") <= 64
    assert set(made.values()) == {0}, made


def test_kinds_are_counted_from_the_maps_around_a_cycle() -> None:
    after = [LINES[0], "00000000: hFFFhhB=", LINES[2], "00000800: LT=D"]
    words = "\n".join(["map before", *LINES, "map after", *after, "map end", "other: hhhh"])
    made = bench.made_in_a_cycle(words)
    assert made.pop("float") == 2
    assert set(made.values()) == {0}


def statuses(misses: int) -> dict[str, dict[str, str]]:
    loop = {"cycles": "999", "misses": str(misses), "skipped": "1", "miss_skipped": "1", "miss_gc": "0"}
    return {"base: loop": loop, "base: timing": {"execution_p99_us": "100.0"}}


def test_misses_that_the_bare_loop_shares_do_not_count_against_the_firmware() -> None:
    reference = {"over_10_ms": 1, "skipped": 2}
    judged = bench.judge(statuses(5), {1: 1, 5: 4}, reference)
    assert judged["misses_beyond_those_percent"] == 0.2
    assert judged["misses_in_the_ledger"] == 5
    assert bench.judge(statuses(2), {}, reference)["misses_beyond_those_percent"] == 0.0


def test_a_module_that_does_not_compile_is_named(tmp_path: Path) -> None:
    with pytest.raises(TaktError, match="does not compile"):
        compile_all(Target("no-such-machine", "unix"), tmp_path)


def test_too_short_a_run_is_refused() -> None:
    with pytest.raises(TaktError, match="measures nothing"):
        bench.main(["--seconds", "1"])
