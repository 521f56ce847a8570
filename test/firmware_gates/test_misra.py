"""Every deviation has its reason, every reason its deviation, and no source suppresses a finding by itself."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_deviations_and_reasons_are_the_same_rules() -> None:
    listed = re.findall(
        r"^misra-c2012-([\d.]+)$", (ROOT / "firmware" / "misra_deviations.txt").read_text(), re.M
    )
    rows = re.findall(r"^\| ((?:\d+\.\d+(?:, )?)+) \|", (ROOT / "docs" / "misra.md").read_text(), re.M)
    explained = [rule for row in rows for rule in row.split(", ")]
    assert sorted(explained) == sorted(listed)


def test_no_source_of_the_core_suppresses_anything() -> None:
    for path in (ROOT / "firmware" / "core").rglob("*.[ch]"):
        assert "cppcheck-suppress" not in path.read_text(), path
