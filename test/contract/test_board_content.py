"""The table of what the board sends holds the statuses and keys that the firmware's source writes."""

import re
from pathlib import Path

import pytest

from takt.contract import board_content, message_sizes

SOURCE = (Path(__file__).resolve().parents[2] / "firmware/core/src/diagnostics.c").read_text()


def body(function):
    """Text of a C function, up to the brace in the first column."""
    return re.search(rf"^[^\n;]*\b{function}\([^;]*?^\{{(.*?)^\}}", SOURCE, re.MULTILINE | re.DOTALL).group(1)


def keys(function):
    """Names that the function puts into its sheet, percentile tables included."""
    text = body(function)
    tables = re.findall(r"\[4\] = \{(.*?)\}", text, re.DOTALL)
    put = re.findall(r'put_\w+\(&?sheet,\s*"(\w+)"', text)
    return sorted({*put, *(key for table in tables for key in re.findall(r'"(\w+)"', table))})


def fillers():
    return dict(re.findall(r'\{"(base: \w+)", (fill_\w+)\}', SOURCE))


def test_the_same_statuses():
    assert sorted(fillers()) == sorted(status.name for status in board_content.STATUSES)


@pytest.mark.parametrize("status", board_content.STATUSES, ids=lambda status: status.name)
def test_the_same_keys(status):
    assert keys(fillers()[status.name]) == sorted(status.values)


def test_the_same_keys_in_a_miss_and_in_a_gap():
    miss, gap = board_content.MISSES
    common = [key for key in keys("takt_diagnostics_write_miss") if key != "release_ns"]
    assert sorted(miss.values) == sorted([*common, "release_ns"])
    assert sorted(gap.values) == sorted([*common, *keys("fill_gap")])


def test_every_message_fits_one_message_of_the_link(contract):
    for topic, messages in message_sizes.widest_messages().items():
        for name, message in messages:
            assert len(message.to_cdr()) <= min(480, contract.topics[topic].max_cdr_bytes), (topic, name)
    assert set(message_sizes.widest_messages()) == set(contract.topics)
