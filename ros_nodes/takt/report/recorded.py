"""Fills a :class:`RunRecord` from the messages of a recording, without ROS: by the contract's own codecs."""

from __future__ import annotations

from collections.abc import Callable

from takt.contract.cdr import CdrError, Reader
from takt.contract.generated import messages as ros
from takt.deadlines import Journey, Miss
from takt.report.run_record import AppliedAt, Cycle, LogLine, RungStep, RunRecord, StatusAt
from takt.supervision.board_miss import BoardClock, miss_of

_SECOND_NS = 1_000_000_000
_ENCAPSULATION_BYTES = 4
Take = Callable[[bytes, int], None]


class MessageReader:
    """``take`` adds one message to the record; topics that no figure comes from are passed over.

    ``unreadable`` counts messages whose bytes are not of their type.
    """

    def __init__(self, record: RunRecord) -> None:
        self._record = record
        self._clock = BoardClock()
        self._board_records: list[tuple[dict[str, str], int]] = []
        self.unreadable = 0
        contract = record.contract
        self._takes: dict[str, Take] = {
            contract.topics["joint_states"].ros_name: self._take_joints,
            contract.topics["applied"].ros_name: self._take_applied,
            contract.topics["deadline_misses"].ros_name: self._take_board_misses,
            contract.topics["diagnostics"].ros_name: self._take_diagnostics,
            contract.host_topics["misses"].ros_name: self._take_miss,
            contract.host_topics["journeys"].ros_name: self._take_journey,
            "rosout": self._take_log,
        }

    def take(self, topic: str, data: bytes, log_ns: int) -> None:
        """``topic`` with its namespace, if it has one; ``data`` with its encapsulation."""
        take = self._take_of(topic)
        if take is None:
            return
        try:
            take(data[_ENCAPSULATION_BYTES:], log_ns)
        except (CdrError, ValueError, IndexError, KeyError):
            self.unreadable += 1

    def finish(self) -> None:
        """What could only be said at the end: when the board's own records were, in ROS time."""
        period_ns = _SECOND_NS // self._record.contract.control.rate_hz
        for record, heard_ns in self._board_records:
            try:
                self._record.misses.append(miss_of(record, self._clock, period_ns, heard_ns))
            except (ValueError, KeyError):
                self.unreadable += 1
        self._record.in_order()

    def _take_of(self, topic: str) -> Take | None:
        name = topic.lstrip("/")
        if name in self._takes:
            return self._takes[name]
        matching = (take for ending, take in self._takes.items() if name.endswith("/" + ending))
        take = self._takes[name] = next(matching, self._pass_over)
        return take

    def _pass_over(self, data: bytes, log_ns: int) -> None:
        pass

    def _take_joints(self, data: bytes, _log_ns: int) -> None:
        joints = ros.JointState.from_cdr(data)
        left, right = joints.velocity
        self._record.cycles.append(Cycle(_ns(joints.header.stamp), left, right))

    def _take_applied(self, data: bytes, _log_ns: int) -> None:
        told = ros.TimeReference.from_cdr(data)
        one = AppliedAt(_ns(told.header.stamp), _ns(told.time_ref), told.source)
        self._record.applied.append(one)

    def _take_diagnostics(self, data: bytes, log_ns: int) -> None:
        array = ros.DiagnosticArray.from_cdr(data)
        at_ns = _ns(array.header.stamp) or log_ns
        for one in array.status:
            values = {pair.key: pair.value for pair in one.values}
            row = self._record.statuses.setdefault(one.name, [])
            row.append(StatusAt(at_ns, one.level, one.message, values))
            self._clock.learn(one.name, values)
            if one.name == "ladder":
                self._record.rungs.append(RungStep(at_ns, "host", one.message, values.get("reason", "")))
            elif one.name == "base: safety":
                reason = values.get("reason", "").replace("none", "")
                self._record.rungs.append(RungStep(at_ns, "board", values.get("rung", ""), reason))

    def _take_board_misses(self, data: bytes, log_ns: int) -> None:
        for one in ros.DiagnosticArray.from_cdr(data).status:
            self._board_records.append(({pair.key: pair.value for pair in one.values}, log_ns))

    def _take_miss(self, data: bytes, _log_ns: int) -> None:
        self._record.misses.append(Miss.from_json(Reader(data).string()))

    def _take_journey(self, data: bytes, _log_ns: int) -> None:
        self._record.journeys.append(Journey.from_json(Reader(data).string()))

    def _take_log(self, data: bytes, _log_ns: int) -> None:
        cdr = Reader(data)
        at_ns = cdr.i32() * _SECOND_NS + cdr.u32()
        level = cdr.u8()
        self._record.log.append(LogLine(at_ns, level, cdr.string(), cdr.string()))


def _ns(stamp: ros.Time) -> int:
    return stamp.sec * _SECOND_NS + stamp.nanosec
