"""The two messages that pass the line a hundred times a second, without building objects for their fixed parts.

A board's wheel angles keep their frame and names from message to message, and so does a command its frame: what stays
is compared or copied as bytes, and the generated codec says what it is.
"""

from __future__ import annotations

import struct

from takt.contract.cdr import CdrError, Reader
from takt.contract.generated.messages import Header, JointState, TwistStamped
from takt.planning.follower import Command
from takt.twin.episode import SECOND

_STAMP, _PAIR, _TWIST = struct.Struct("<iI"), struct.Struct("<2d"), struct.Struct("<6d")
_FRAME = "base_link"


class WheelReader:
    """Reads sensor_msgs/JointState."""

    def __init__(self) -> None:
        self._form, self._size, self._at = b"", 0, 0

    def read(self, cdr: bytes) -> tuple[float, float, int]:
        """Left rad, right rad, stamp in ns. Raises CdrError for what is no such message."""
        if len(cdr) != self._size or cdr[_STAMP.size : self._at] != self._form:
            self._learn(cdr)
        sec, nanosec = _STAMP.unpack_from(cdr)
        left_rad, right_rad = _PAIR.unpack_from(cdr, self._at)
        return left_rad, right_rad, sec * SECOND + nanosec

    def _learn(self, cdr: bytes) -> None:
        """Take the message apart in full, and note what stands between its stamp and its angles."""
        if len(JointState.from_cdr(cdr).position) < 2:
            raise CdrError("wheel angles of fewer than two wheels")
        reader = Reader(cdr)
        Header.read(reader)
        for _ in range(reader.count()):
            reader.string()
        reader.count()
        reader.f64()
        self._at, self._size = reader.offset - 8, len(cdr)
        self._form = cdr[_STAMP.size : self._at]


class CommandWriter:
    """Writes geometry_msgs/TwistStamped."""

    def __init__(self) -> None:
        form = TwistStamped(Header(frame_id=_FRAME)).to_cdr()
        self._frame = form[_STAMP.size : -_TWIST.size]

    def write(self, command: Command) -> bytes:
        stamp = _STAMP.pack(*divmod(command.stamp_ns, SECOND))
        return (
            stamp + self._frame + _TWIST.pack(command.speed_m_s, 0.0, 0.0, 0.0, 0.0, command.yaw_rate_rad_s)
        )
