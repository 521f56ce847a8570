"""The short ways to read wheel angles and to write commands agree with the generated codec."""

from __future__ import annotations

import pytest

from takt.contract.cdr import CdrError
from takt.contract.generated.messages import Header, JointState, Time, Twist, TwistStamped, Vector3
from takt.planning.follower import Command
from takt.twin.wire_forms import CommandWriter, WheelReader


def joints(frame: str, names: list[str], position: list[float], sec: int = 7, effort: int = 0) -> bytes:
    header = Header(Time(sec, 999_999_999), frame)
    return JointState(header, names, position, [0.5] * len(position), [0.0] * effort).to_cdr()


def test_angles_are_read_whatever_form_the_next_message_has() -> None:
    reader = WheelReader()
    forms = [
        ("base_link", ["left", "right"]),
        ("b", ["left", "right"]),
        ("base_link", ["lef", "t_right"]),
        ("", []),
    ]
    for turn in range(3):
        for frame, names in forms:
            for step in range(3):
                left_rad, right_rad = -1.5 * step, 1e9 + turn
                read = reader.read(joints(frame, names, [left_rad, right_rad], step))
                assert read == (left_rad, right_rad, step * 10**9 + 999_999_999)
    assert reader.read(joints("b", ["l", "r"], [1.0, 2.0], effort=2))[:2] == (1.0, 2.0)


@pytest.mark.parametrize("cut", [1, 8, 40])
def test_what_is_no_such_message_is_refused(cut: int) -> None:
    reader, whole = WheelReader(), joints("base_link", ["left", "right"], [1.0, 2.0])
    reader.read(whole)
    with pytest.raises(CdrError):
        reader.read(whole[:-cut])
    with pytest.raises(CdrError):
        reader.read(joints("base_link", ["left"], [1.0]))


def test_a_command_has_the_bytes_of_the_codec() -> None:
    writer = CommandWriter()
    for stamp_ns in (1, 1_700_000_000_123_456_789):
        command = Command(stamp_ns, 0.31, -1.25, "following")
        twist = Twist(Vector3(0.31, 0.0, 0.0), Vector3(0.0, 0.0, -1.25))
        sec, nanosec = divmod(stamp_ns, 10**9)
        assert writer.write(command) == TwistStamped(Header(Time(sec, nanosec), "base_link"), twist).to_cdr()
