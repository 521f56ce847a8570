"""The contract's hash tells contracts apart by section, and by what they say rather than how they are written."""

import dataclasses
import re
from pathlib import Path

import pytest
import yaml

from takt.contract import BOARD_SECTIONS, SECTIONS, differences, load, mismatch
from takt.contract.fingerprint import HOST_SECTIONS

SHIPPED = Path(__file__).resolve().parents[2] / "config/contract.yaml"


def test_eight_hex_digits_a_section_in_the_order_of_the_file(contract):
    assert list(contract.hashes) == list(SECTIONS)
    assert all(re.fullmatch("[0-9a-f]{8}", digits) for digits in contract.hashes.values())
    assert contract.hash_property == "".join(contract.hashes.values())


def test_the_shipped_file_has_the_sections_in_that_order():
    assert tuple(yaml.safe_load(SHIPPED.read_text())) == (*SECTIONS, *HOST_SECTIONS)


def test_comments_order_and_spelling_do_not_count(tmp_path, contract):
    file = tmp_path / "contract.yaml"
    values = yaml.safe_load(SHIPPED.read_text())
    values["stages"] = dict(reversed(values["stages"].items()))
    values["control"]["duty_limit"] = 1
    file.write_text(yaml.safe_dump(dict(reversed(values.items())), sort_keys=False))
    assert load(file).hash_property == contract.hash_property


@pytest.mark.parametrize(
    ("section", "change"),
    [
        ("limits", {"speed_m_s": 0.7}),
        ("planning", {"rate_hz": 40}),
        ("link", {"history": 8}),
        ("control", {"kd_s_per_rad": 1e-6}),
    ],
)
def test_one_changed_value_changes_its_section_alone(contract, section, change):
    other = dataclasses.replace(
        contract, **{section: dataclasses.replace(getattr(contract, section), **change)}
    )
    assert differences(contract.hash_property, other.hash_property) == [section]


def test_a_changed_topic_changes_the_topics(contract):
    topics = {**contract.topics, "cmd_vel": dataclasses.replace(contract.topics["cmd_vel"], max_age_ms=199)}
    other = dataclasses.replace(contract, topics=topics)
    assert mismatch(contract.hash_property, other.hash_property) == ["topics"]


def test_only_what_is_built_into_the_board_must_agree(contract):
    for place, section in enumerate(SECTIONS):
        digits = list(contract.hashes.values())
        digits[place] = "00000000"
        expected = [section] if section in BOARD_SECTIONS else []
        assert mismatch(contract.hash_property, "".join(digits)) == expected


def test_equal_contracts_fit(contract):
    assert mismatch(contract.hash_property, contract.hash_property) == []


@pytest.mark.parametrize("theirs", ["", "abc", "0" * 88, "0" * 104, "é" * 96])
def test_anything_may_come_off_the_line(contract, theirs):
    assert mismatch(contract.hash_property, theirs) == list(BOARD_SECTIONS)


def test_a_host_section_may_change_without_touching_the_board(tmp_path, contract):
    values = yaml.safe_load(SHIPPED.read_text())
    values["relief"]["calm_s"] = 9.0
    file = tmp_path / "contract.yaml"
    file.write_text(yaml.safe_dump(values))
    assert load(file).hash_property == contract.hash_property
    assert load(file).relief.calm_s == 9.0
