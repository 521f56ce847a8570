"""The schema of a message is whole: nothing inside it stays undefined."""

import re

import pytest

from takt.errors import TaktError
from takt.recording.message_schema import schema_text


def test_a_message_without_others_is_its_definition():
    assert schema_text("std_msgs/msg/UInt64").strip().endswith("uint64 data")


def test_every_type_inside_follows_once():
    text = schema_text("visualization_msgs/msg/MarkerArray")
    names = re.findall(r"^={80}\nMSG: (\S+)$", text, re.MULTILINE)
    assert {"visualization_msgs/Marker", "std_msgs/Header", "builtin_interfaces/Time"} <= set(names)
    assert len(names) == len(set(names))


def test_an_unknown_type_is_told():
    with pytest.raises(TaktError, match="no_such_msgs/msg/Nothing is not installed"):
        schema_text("no_such_msgs/msg/Nothing")
