"""The CDR cursor and the message writers of the shipped core: every number, every string, and every room too small.

What the codecs put into a message is compared with the Python codecs in test/contract; here it is the cursor's edges.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

import pytest
from core_headers import Core

from takt.contract.generated import messages as m

ROOT = Path(__file__).resolve().parents[2]
HEADERS = [ROOT / "firmware" / "core" / part for part in ("include/takt/cdr.h", "generated/takt_messages.h")]
NUMBERS = [
    ("u8", 0xFE, b"\xfe"),
    ("u16", 0xFEDC, b"\xdc\xfe"),
    ("u32", 0xFEDCBA98, b"\x98\xba\xdc\xfe"),
    ("u64", 0x0102030405060708, b"\x08\x07\x06\x05\x04\x03\x02\x01"),
    ("i8", -2, b"\xfe"),
    ("i16", -2, b"\xfe\xff"),
    ("i32", -2, b"\xfe\xff\xff\xff"),
    ("i64", -2, b"\xfe" + b"\xff" * 7),
    ("f32", -1.5, b"\x00\x00\xc0\xbf"),
    ("f64", -1.5, b"\x00" * 6 + b"\xf8\xbf"),
    ("bool", True, b"\x01"),
    ("bool", False, b"\x00"),
]
TYPES = {"f32": "float", "f64": "double", "bool": "bool"}


@pytest.fixture(scope="module")
def codecs(core_library: Path) -> Core:
    return Core(core_library, HEADERS)


class Cursor:
    """One cursor over bytes that outlive it."""

    def __init__(self, codecs: Core, content: bytes | int, *, reads: bool = False) -> None:
        self.codecs = codecs
        self.size = content if isinstance(content, int) else len(content)
        filled = b"\xaa" * content if isinstance(content, int) else content
        self.memory = ctypes.create_string_buffer(filled + b"\xbb" * 8, self.size + 8)
        self.state = codecs.new("cdr")
        opener = codecs.takt_cdr_reader if reads else codecs.takt_cdr_writer
        opener(ctypes.byref(self.state), self.memory, self.size)

    def call(self, name: str, *arguments: Any) -> Any:
        return getattr(self.codecs, f"takt_cdr_{name}")(ctypes.byref(self.state), *arguments)

    def written(self) -> bytes:
        assert self.memory.raw[self.size :] == b"\xbb" * 8, "nothing behind the room is touched"
        return self.memory.raw[: self.state.offset]


def string_of(codecs: Core, text: bytes) -> Any:
    return codecs.new("string", data=ctypes.cast(ctypes.c_char_p(text), ctypes.c_void_p), size=len(text))


def number_type(codecs: Core, name: str) -> Any:
    word = TYPES.get(name) or f"{'u' if name[0] == 'u' else ''}int{name[1:]}_t"
    return codecs.types[word]


@pytest.mark.parametrize(("name", "value", "wire"), NUMBERS)
def test_a_number_aligns_itself_and_comes_back(codecs: Core, name: str, value: Any, wire: bytes) -> None:
    writer = Cursor(codecs, 16)
    assert writer.call("write_u8", 7) and writer.call(f"write_{name}", value)
    expected = b"\x07" + bytes(len(wire) - 1) + wire
    assert writer.written() == expected
    reader = Cursor(codecs, expected, reads=True)
    first, read = ctypes.c_uint8(), number_type(codecs, name)()
    assert reader.call("read_u8", ctypes.byref(first)) and reader.call(f"read_{name}", ctypes.byref(read))
    assert (first.value, read.value, reader.call("remaining")) == (7, value, 0)


@pytest.mark.parametrize(("name", "value", "wire"), NUMBERS)
def test_a_number_without_room_stops_the_cursor(codecs: Core, name: str, value: Any, wire: bytes) -> None:
    writer = Cursor(codecs, len(wire) - 1)
    assert not writer.call(f"write_{name}", value) and writer.written() == b""
    assert not writer.call("write_u8", 1) and not writer.call("write_align", 8), "it stays so"
    reader = Cursor(codecs, wire[:-1], reads=True)
    read = number_type(codecs, name)(1)
    assert not reader.call(f"read_{name}", ctypes.byref(read))
    assert read.value == 0 and reader.call("remaining") == 0


def test_alignment_without_room_stops_the_cursor(codecs: Core) -> None:
    writer = Cursor(codecs, 3)
    assert writer.call("write_u8", 1) and not writer.call("write_u32", 1)
    assert not writer.call("write_align", 4)
    reader = Cursor(codecs, b"\1\2\3", reads=True)
    assert reader.call("read_align", 4) and reader.call("read_u8", ctypes.byref(ctypes.c_uint8()))
    assert not reader.call("read_align", 4)


def test_a_truth_value_is_0_or_1(codecs: Core) -> None:
    read = ctypes.c_bool(True)
    assert not Cursor(codecs, b"\x02", reads=True).call("read_bool", ctypes.byref(read))
    assert not read.value


def test_bytes_are_copied_or_shown(codecs: Core) -> None:
    writer = Cursor(codecs, 4)
    assert writer.call("write_bytes", b"abc", 3) and writer.call("write_bytes", None, 0)
    assert not writer.call("write_bytes", b"de", 2) and writer.written() == b"abc"
    reader = Cursor(codecs, b"abcd", reads=True)
    copy = ctypes.create_string_buffer(b"\xff" * 3, 3)
    assert reader.call("read_bytes", copy, 2) and copy.raw == b"ab\xff"
    assert reader.call("read_bytes", copy, 0) and copy.raw == b"ab\xff"
    assert not reader.call("read_bytes", copy, 3) and copy.raw == bytes(3), "nothing reads as zero"
    assert not reader.call("read_bytes", copy, 0)
    reader = Cursor(codecs, b"abcd", reads=True)
    view = codecs.library.takt_cdr_read_view
    view.restype, view.argtypes = ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_size_t]
    place = view(ctypes.byref(reader.state), 3)
    assert ctypes.string_at(place, 3) == b"abc" and view(ctypes.byref(reader.state), 2) is None


def test_strings_as_ros_sends_them(codecs: Core) -> None:
    writer = Cursor(codecs, 16)
    assert writer.call("write_string", string_of(codecs, b"wheel"))
    assert writer.written() == b"\6\0\0\0wheel\0"
    for wire, text in ((b"\6\0\0\0wheel\0", b"wheel"), (b"\1\0\0\0\0", b""), (bytes(4), b"")):
        found, reader = codecs.new("string", size=99), Cursor(codecs, wire, reads=True)
        assert reader.call("read_string", ctypes.byref(found))
        assert (ctypes.string_at(found.data, found.size) if found.size else b"") == text
        assert codecs.takt_string_equal(found, text) and not codecs.takt_string_equal(found, b"other")


@pytest.mark.parametrize("wire", [b"\6\0\0\0wheel", b"\6\0\0\0wheels", b"\6\0\0", b"\xff" * 4 + b"a\0"])
def test_a_string_that_is_cut_or_unended_is_refused(codecs: Core, wire: bytes) -> None:
    found = codecs.new("string", size=99)
    assert not Cursor(codecs, wire, reads=True).call("read_string", ctypes.byref(found))
    assert not found.data and found.size == 0


def test_a_string_too_long_for_its_size_field_is_refused(codecs: Core) -> None:
    writer = Cursor(codecs, 16)
    huge = codecs.new("string", size=0xFFFFFFFF)
    assert not writer.call("write_string", huge) and writer.written() == b""


def test_equal_strings_have_equal_size_and_letters(codecs: Core) -> None:
    assert codecs.takt_string_equal(string_of(codecs, b"left"), b"left")
    assert not codecs.takt_string_equal(string_of(codecs, b"left"), b"lefT")
    assert codecs.takt_string_equal(codecs.takt_string(None), b"")


# ---- messages


def words(codecs: Core, *texts: bytes) -> Any:
    return (codecs.types["takt_string_t"] * len(texts))(*(string_of(codecs, text) for text in texts))


def joint_states(codecs: Core) -> tuple[str, Any, m.Message, list[Any]]:
    names, numbers = words(codecs, b"left", b"right"), (ctypes.c_double * 2)(1.5, -2.5)
    made = codecs.types["takt_sensor_msgs_JointState_t"](name=ctypes.addressof(names), name_count=2)
    made.header.frame_id = string_of(codecs, b"base")
    for field in ("position", "velocity", "effort"):
        setattr(made, field, ctypes.addressof(numbers))
        setattr(made, f"{field}_count", 2)
    both = [1.5, -2.5]
    python = m.JointState(m.Header(m.Time(), "base"), ["left", "right"], both, both, both)
    return "sensor_msgs_JointState", made, python, [names, numbers]


def diagnostics(codecs: Core) -> tuple[str, Any, m.Message, list[Any]]:
    pairs = (codecs.types["takt_diagnostic_msgs_KeyValue_t"] * 2)()
    for pair, (key, value) in zip(pairs, ((b"rung", b"SAFE"), (b"armed", b"false")), strict=True):
        pair.key, pair.value = string_of(codecs, key), string_of(codecs, value)
    statuses = (codecs.types["takt_diagnostic_msgs_DiagnosticStatus_t"] * 2)()
    for status in statuses:
        status.level, status.name = 1, string_of(codecs, b"base: safety")
        status.values, status.values_count = ctypes.addressof(pairs), 2
    made = codecs.types["takt_diagnostic_msgs_DiagnosticArray_t"](
        status=ctypes.addressof(statuses), status_count=2
    )
    values = [m.KeyValue("rung", "SAFE"), m.KeyValue("armed", "false")]
    one = m.DiagnosticStatus(1, "base: safety", "", "", values)
    return (
        "diagnostic_msgs_DiagnosticArray",
        made,
        m.DiagnosticArray(m.Header(), [one, one]),
        [pairs, statuses],
    )


@pytest.mark.parametrize("make", [joint_states, diagnostics])
def test_a_message_is_written_whole_or_not_at_all(codecs: Core, make: Any) -> None:
    name, made, python, kept = make(codecs)
    whole = python.to_cdr()
    for room in range(len(whole) + 1):
        writer = Cursor(codecs, room)
        done = getattr(codecs, f"takt_write_{name}")(ctypes.byref(writer.state), ctypes.byref(made))
        assert done == (room == len(whole))
        assert whole.startswith(writer.written()), "what is there is the message's beginning"
    assert writer.written() == whole and kept


def parts(kind: Any) -> list[tuple[str, Any]]:
    return [(name, part) for name, part in kind._fields_]


def fill(codecs: Core, message: Any, seed: list[int]) -> None:
    """Every number and string of a message gets a value of its own."""
    for name, kind in parts(type(message)):
        seed[0] += 1
        if kind is codecs.types["takt_string_t"]:
            setattr(message, name, string_of(codecs, b"text %d" % seed[0]))
        elif issubclass(kind, ctypes.Structure):
            fill(codecs, getattr(message, name), seed)
        else:
            setattr(message, name, kind(seed[0]).value)


def values(codecs: Core, message: Any) -> list[Any]:
    found: list[Any] = []
    for name, kind in parts(type(message)):
        value = getattr(message, name)
        if kind is codecs.types["takt_string_t"]:
            found.append(ctypes.string_at(value.data, value.size))
        elif issubclass(kind, ctypes.Structure):
            found += values(codecs, value)
        else:
            found.append(value)
    return found


def test_what_is_written_reads_the_same_and_cut_short_not_at_all(codecs: Core) -> None:
    readers = re.findall(r"bool takt_read_(\w+)\(", HEADERS[1].read_text())
    assert len(readers) > 10
    for name in readers:
        kind = codecs.types[f"takt_{name}_t"]
        message, again = kind(), kind()
        fill(codecs, message, [0])
        writer = Cursor(codecs, 256)
        assert getattr(codecs, f"takt_write_{name}")(ctypes.byref(writer.state), ctypes.byref(message))
        wire = writer.written()
        assert codecs.takt_cdr_written(ctypes.byref(writer.state)) == len(wire)
        reader = Cursor(codecs, wire, reads=True)
        assert getattr(codecs, f"takt_read_{name}")(ctypes.byref(reader.state), ctypes.byref(again))
        assert values(codecs, again) == values(codecs, message)
        short = Cursor(codecs, wire[:-1], reads=True)
        assert not getattr(codecs, f"takt_read_{name}")(ctypes.byref(short.state), ctypes.byref(again))
        assert codecs.takt_cdr_written(ctypes.byref(short.state)) == 0
