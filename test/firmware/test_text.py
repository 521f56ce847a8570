"""Numbers to text: whole, signed, with decimals, and cut where the buffer ends."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import pytest
from core_headers import Core


def written(core: Core, what: str, *values: Any, capacity: int = 40) -> tuple[str, bool]:
    """The text and whether it was cut."""
    buffer = ctypes.create_string_buffer(b"\xff" * capacity, capacity)
    text = core.new("text")
    core.takt_text_init(ctypes.byref(text), buffer, capacity)
    getattr(core, f"takt_text_{what}")(ctypes.byref(text), *values)
    assert len(buffer.value) == text.size, "ended by a NUL"
    return buffer.value.decode(), text.cut


@pytest.mark.parametrize("value", [0, 9, 10, 2**63, 2**64 - 1])
def test_whole_numbers(core: Core, value: int) -> None:
    assert written(core, "u64", value) == (str(value), False)


@pytest.mark.parametrize("value", [0, 7, -1, 2**63 - 1, -(2**63)])
def test_signed_numbers(core: Core, value: int) -> None:
    assert written(core, "i64", value) == (str(value), False)


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (1.25, 3, "1.250"),
        (-1.25, 3, "-1.250"),
        (0.05, 2, "0.05"),
        (-0.001, 2, "0.00"),
        (1.5, 0, "2"),
        (0.0, 0, "0"),
        (0.5, 6, "0.500000"),
        (0.5, 9, "0.500000"),
        (1e9, 0, "1000000000"),
    ],
)
def test_decimals(core: Core, value: float, decimals: int, text: str) -> None:
    assert written(core, "fixed", value, decimals) == (text, False)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1.1e9])
def test_what_is_no_number_of_ours(core: Core, value: float) -> None:
    assert written(core, "fixed", value, 3) == ("nan", False)


@pytest.mark.parametrize("capacity", [1, 2, 5, 6])
def test_what_does_not_fit_is_cut(core: Core, capacity: int) -> None:
    assert written(core, "word", b"wheel", capacity=capacity) == ("wheel"[: capacity - 1], capacity < 6)
