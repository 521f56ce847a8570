"""Worst-case serialised size of every message that crosses the link, by serialising its widest content."""

from __future__ import annotations

from takt.contract import board_content
from takt.contract.cdr import Message
from takt.contract.generated.messages import (
    DiagnosticArray,
    DiagnosticStatus,
    Header,
    JointState,
    KeyValue,
    TimeReference,
    TwistStamped,
    UInt64,
)


def widest_messages() -> dict[str, list[tuple[str, Message]]]:
    """Topic of the contract -> its widest messages, each with a name that says which."""
    joints = board_content.WHEEL_JOINTS
    zeros = [0.0 for _ in joints]
    longest_source = max(board_content.APPLIED_SOURCES, key=len)
    return {
        "cmd_vel": [("", TwistStamped(Header(frame_id=board_content.COMMAND_FRAME)))],
        "ledger_ack": [("", UInt64())],
        "joint_states": [("", JointState(Header(), list(joints), zeros, zeros, []))],
        "applied": [("", TimeReference(source=longest_source))],
        "diagnostics": [(s.name, _array(s)) for s in board_content.STATUSES],
        "deadline_misses": [(s.name, _array(s)) for s in board_content.MISSES],
    }


def worst_cdr_bytes() -> dict[str, tuple[int, str]]:
    """Topic -> largest size in bytes and the name of the message that has it."""
    return {
        topic: max((len(message.to_cdr()), name) for name, message in messages)
        for topic, messages in widest_messages().items()
    }


def _array(widest: board_content.Status) -> DiagnosticArray:
    pairs = [KeyValue(key, "9" * width) for key, width in widest.values.items()]
    text = "x" * widest.message_characters
    status = DiagnosticStatus(0, widest.name, text, board_content.HARDWARE_ID, pairs)
    return DiagnosticArray(Header(), [status])
