"""The parser of .msg and .srv definitions."""

import pytest

from takt.contract.ros_definitions import message_layouts
from takt.contract.ros_types import EMPTY_FIELD, Constant, Field, Layout, Shape, parse_message, parse_service
from takt.errors import TaktError


def fields(text):
    return parse_message("my_msgs/msg/Thing", text).fields


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("float64 x", Field("x", "float64")),
        ("  uint8   data_2   # a comment", Field("data_2", "uint8")),
        ("string name", Field("name", "string")),
        ("string<=10 name", Field("name", "string")),
        ("float64[36] covariance", Field("covariance", "float64", Shape.FIXED, 36)),
        ("float64[] position", Field("position", "float64", Shape.SEQUENCE)),
        ("uint8[<=5] few", Field("few", "uint8", Shape.SEQUENCE, 5)),
        ("string<=8[<=3] names", Field("names", "string", Shape.SEQUENCE, 3)),
        ("Header header", Field("header", "std_msgs/msg/Header")),
        ("std_msgs/Header header", Field("header", "std_msgs/msg/Header")),
        ("Other[2] others", Field("others", "my_msgs/msg/Other", Shape.FIXED, 2)),
        ("int32 speed 5", Field("speed", "int32")),
        ('string text "a default"', Field("text", "string")),
    ],
)
def test_a_field(line, field):
    assert fields(line) == (field,)


def test_constants_are_not_fields():
    layout = parse_message(
        "my_msgs/msg/Thing", "byte OK=0\nint32 A_B = -7  # low\nstring NAME='x'\nbool on\n"
    )
    assert layout.constants == (
        Constant("OK", "byte", "0"),
        Constant("A_B", "int32", "-7"),
        Constant("NAME", "string", "'x'"),
    )
    assert [field.name for field in layout.fields] == ["on"]


def test_an_empty_message_travels_as_one_octet():
    assert fields("# nothing\n\nint8 ONLY=1\n") == (Field(EMPTY_FIELD, "uint8"),)


def test_a_service_has_two_halves():
    request, response = parse_service("my_msgs/srv/Ask", "int32 a\n---\nint32 b\nstring c\n")
    assert request == Layout("my_msgs/srv/Ask_Request", (Field("a", "int32"),))
    assert [field.name for field in response.fields] == ["b", "c"]


@pytest.mark.parametrize(
    "text", ["float64", "float64[x] y", "uint8[<=] y", "int32<=4 y", "float64 Upper", "= 5"]
)
def test_what_is_not_understood_is_named_with_its_line(text):
    with pytest.raises(TaktError, match="my_msgs/msg/Thing line 2 is not understood"):
        fields("# first line\n" + text)


@pytest.mark.parametrize("kind", ["wstring", "float128", "a/b/C"])
def test_a_type_without_codec_is_named(kind):
    with pytest.raises(TaktError, match=f"{kind} has no codec"):
        fields(f"{kind} x")


def test_a_service_without_separator_is_refused():
    with pytest.raises(TaktError, match="0 lines of ---"):
        parse_service("my_msgs/srv/Ask", "int32 a\n")


def test_a_type_that_is_not_installed_is_named_with_its_package(tmp_path):
    with pytest.raises(TaktError) as caught:
        message_layouts("my_msgs/msg/Thing", [tmp_path])
    assert "my_msgs/msg/Thing" in caught.value.cause
    assert "install the ROS package my_msgs" in caught.value.fix


def test_inner_types_come_first(layouts):
    names = list(layouts)
    for name, layout in layouts.items():
        for field in layout.fields:
            assert not field.is_message or names.index(field.base) < names.index(name)
