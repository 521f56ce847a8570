"""The Python codecs against ROS' own serialiser, both ways, for every type of the contract."""

import importlib

import pytest

from takt.contract.cdr import ENCAPSULATION, CdrError, Reader, Writer
from takt.contract.generated.messages import (
    BY_TYPE,
    DiagnosticArray,
    DiagnosticStatus,
    Header,
    JointState,
    KeyValue,
    Time,
    TwistStamped,
    UInt64,
)
from takt.contract.python_messages import attribute
from takt.contract.ros_types import EMPTY_FIELD, Shape


def ros_class(name):
    """The class of the ROS Python package, such as ``std_srvs.srv.SetBool.Request``."""
    package, kind, word = name.split("/")
    found = importlib.import_module(f"{package}.{kind}")
    for part in word.split("_"):
        found = getattr(found, part)
    return found


def to_ros(host_layouts, name, message):
    made = ros_class(name)()
    for field in host_layouts[name].fields:
        if field.name == EMPTY_FIELD:
            continue
        value = getattr(message, attribute(field))
        if field.is_message:
            convert = lambda v, base=field.base: to_ros(host_layouts, base, v)  # noqa: E731
        elif field.base == "byte":
            convert = lambda v: bytes([v])  # noqa: E731
        else:
            convert = lambda v: v  # noqa: E731
        setattr(
            made, field.name, convert(value) if field.shape is Shape.SINGLE else [convert(v) for v in value]
        )
    return made


class MarkedWriter(Writer):
    """Fills gaps with FF where the real one writes zero: where the two differ is alignment."""

    def _number(self, layout, value):
        self.data += b"\xff" * (-len(self.data) % layout.size)
        super()._number(layout, value)


def marked(message):
    cdr = MarkedWriter()
    message.write(cdr)
    return bytes(cdr.data)


def fields_within(host_layouts, name, message):
    """How many fields a message has at all depths: so many alignments may be estimated."""
    count = 0
    for field in host_layouts[name].fields:
        value = getattr(message, attribute(field))
        inner = value if field.shape is not Shape.SINGLE else [value]
        count += 1 + sum(fields_within(host_layouts, field.base, v) for v in inner if field.is_message)
    return count


def test_what_we_write_is_what_ros_writes(host_layouts, host_samples):
    """But for the gaps of alignment, which ROS leaves uncleared, and for what lies behind the message: ROS hands
    out a buffer of estimated size, which counts the alignment of empty sequences and rounds up to four."""
    serialization = pytest.importorskip("rclpy.serialization")
    for name, message in host_samples:
        if EMPTY_FIELD in {f.name for f in host_layouts[name].fields}:
            message = BY_TYPE[name]()  # ROS has no attribute for the filler and writes zero
        ours, gaps = message.to_cdr(), marked(message)
        theirs = serialization.serialize_message(to_ros(host_layouts, name, message))
        assert theirs[:4] == ENCAPSULATION
        assert 0 <= len(theirs) - 4 - len(ours) < 8 * (1 + fields_within(host_layouts, name, message)), name
        assert [b for b, gap, a in zip(theirs[4:], gaps, ours, strict=False) if gap == a] == [
            a for gap, a in zip(gaps, ours, strict=True) if gap == a
        ], name


def test_we_read_what_ros_writes(host_layouts, host_samples):
    serialization = pytest.importorskip("rclpy.serialization")
    for name, message in host_samples:
        raw = serialization.serialize_message(to_ros(host_layouts, name, message))
        expected = BY_TYPE[name]() if EMPTY_FIELD in {f.name for f in host_layouts[name].fields} else message
        assert BY_TYPE[name].from_cdr(raw[4:]) == expected


def test_ros_reads_what_we_write(host_layouts, host_samples):
    serialization = pytest.importorskip("rclpy.serialization")
    for name, message in host_samples:
        read = serialization.deserialize_message(ENCAPSULATION + message.to_cdr(), ros_class(name))
        assert read == to_ros(host_layouts, name, message), name


def test_reading_gives_back_what_was_written(host_samples):
    for name, message in host_samples:
        assert BY_TYPE[name].from_cdr(message.to_cdr()) == message


def test_all_types_of_the_contract_have_a_codec(contract, host_layouts):
    assert set(BY_TYPE) == set(host_layouts)
    assert {topic.type for topic in contract.topics.values()} <= set(BY_TYPE)
    for service in contract.services.values():
        assert {f"{service.type}_Request", f"{service.type}_Response"} <= set(BY_TYPE)


def test_known_bytes():
    message = TwistStamped(Header(Time(1, 2), "ab"))
    message.twist.linear.x = 1.0
    expected = bytes.fromhex("01000000 02000000 03000000 616200 00 000000000000f03f") + bytes(40)
    assert message.to_cdr() == expected


def test_alignment_counts_from_the_first_byte():
    cdr = Writer()
    cdr.u8(1)
    cdr.u64(2)
    cdr.u16(3)
    cdr.f32(0.5)
    assert bytes(cdr.data) == bytes.fromhex("01 00000000000000 0200000000000000 0300 0000 0000003f")
    read = Reader(bytes(cdr.data))
    assert (read.u8(), read.u64(), read.u16(), read.f32()) == (1, 2, 3, 0.5)


def test_trailing_bytes_are_passed_over():
    assert UInt64.from_cdr(UInt64(7).to_cdr() + b"\0\0\0") == UInt64(7)


def test_every_cut_is_refused(host_samples):
    for name, message in host_samples[::7]:
        data = message.to_cdr()
        for size in range(len(data)):
            with pytest.raises(CdrError):
                BY_TYPE[name].from_cdr(data[:size])


def test_a_count_that_lies_costs_no_memory():
    with pytest.raises(CdrError, match="4294967295 elements"):
        JointState.from_cdr(bytes(8) + b"\x01\0\0\0\0\0\0\0" + b"\xff\xff\xff\xff")


@pytest.mark.parametrize(
    "message",
    [UInt64(-1), UInt64(2**64), Time(2**31), Time(0, -1), Time(0.5), UInt64("7"), DiagnosticStatus(256)],
)
def test_a_value_that_does_not_fit_is_refused(message):
    with pytest.raises(CdrError):
        message.to_cdr()


def test_bytes_that_are_no_text_survive_a_round_trip():
    data = KeyValue("k", "v").to_cdr().replace(b"v", b"\xff")
    assert KeyValue.from_cdr(data).to_cdr() == data


def test_a_string_without_its_nul_and_a_bool_of_two_are_refused():
    with pytest.raises(CdrError):
        KeyValue.from_cdr(b"\x01\0\0\0x")
    with pytest.raises(CdrError):
        BY_TYPE["std_srvs/srv/SetBool_Request"].from_cdr(b"\x02")


def test_new_messages_share_nothing():
    one, two = DiagnosticArray(), DiagnosticArray()
    one.status.append(DiagnosticStatus())
    one.header.frame_id = "x"
    assert two == DiagnosticArray()
