"""The board's ROS parameters, resolved: each is a number of the contract with the range that the board enforces.

A parameter's ROS name is the key's path in the contract. Its description is the key's purpose, its value at power-up
the contract's; ``low`` and ``high`` may be that value, too, so that a limit can be lowered and never raised.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from takt.contract.document import Document
from takt.contract.rules import CONTRACT_VALUE, Number, fields_by_key, plain
from takt.errors import TaktError

if TYPE_CHECKING:
    from takt.contract.sections import Contract

# A SetParameters request in CDR: a parameter is its name (u32, text, NUL) and a ParameterValue of 52 bytes from an
# offset divisible by eight (an octet, a bool, an integer, a double, the empty string, five empty sequences). ROS sends
# a buffer of estimated size: some eight bytes more for each value, at the end.
_VALUE_BYTES = 52
_ESTIMATE_BYTES = 8
_REQUEST_HEAD = 4 + 4 + 24 + 4  # submessage header, request and object, SampleIdentity, count


@dataclass(frozen=True)
class BoardParameter:
    """``whole``: a ROS integer, else a ROS double. ``step`` 0: any value between ``low`` and ``high``."""

    name: str
    whole: bool
    value: float
    low: float
    high: float
    step: float
    change: str
    purpose: str

    @property
    def allowed(self) -> str:
        return f"{plain(self.low)} to {plain(self.high)}"


def board_parameters(contract: Contract) -> list[BoardParameter]:
    return [_resolve(contract, name) for name in contract.parameters]


def widest_request_bytes(contract: Contract) -> int:
    """Size of the request that sets every parameter at once, with what the link puts before it."""
    size = _REQUEST_HEAD
    for name in contract.parameters:
        size = _up(size, 4) + 4 + len(name) + 1
        size = _up(size, 8) + _VALUE_BYTES
    return _up(size, 8) + 8 + _ESTIMATE_BYTES * len(contract.parameters)


def check_parameters(document: Document, contract: Contract) -> None:
    """Raise TaktError for a range that leaves the key's own, or that the contract's value is not in."""
    for parameter in board_parameters(contract):
        where = f"{document.where(('parameters', parameter.name))}: parameters.{parameter.name}"
        rule = _key(contract, parameter.name)[0]
        if not rule.low <= parameter.low <= parameter.value <= parameter.high <= rule.high:
            limits = f"{plain(rule.low)} <= low <= {plain(parameter.value)} <= high <= {plain(rule.high)}"
            cause = f"{where} ranges from {parameter.allowed}, allowed: {limits}"
            raise TaktError(cause, "widen it so that the contract's value is in it, or change that value")
        if parameter.whole and not (parameter.low.is_integer() and parameter.high.is_integer()):
            raise TaktError(f"{where} ranges from {parameter.allowed}, allowed: integers", "round both ends")
        steps = (parameter.value - parameter.low) / parameter.step if parameter.step else 0.0
        if abs(steps - round(steps)) > 1e-6 or (parameter.whole and parameter.step % 1):
            cause = f"{where} has step {plain(parameter.step)}, which misses {plain(parameter.value)}"
            raise TaktError(cause, "choose a step that leads from low to the contract's value, or 0")


def _resolve(contract: Contract, name: str) -> BoardParameter:
    rule, value, purpose = _key(contract, name)
    entry = contract.parameters[name]
    low, high = (value if end == CONTRACT_VALUE else float(end) for end in (entry.low, entry.high))
    return BoardParameter(name, rule.whole, value, low, high, entry.step, entry.change, purpose)


def _key(contract: Contract, name: str) -> tuple[Number, float, str]:
    """Rule, value and purpose of the key that a parameter is named after."""
    *path, key = name.split(".")
    holder: Any = contract
    for part in path:
        holder = holder[part] if isinstance(holder, dict) else getattr(holder, part)
    field = fields_by_key(type(holder))[key]
    return field.metadata["rule"], float(getattr(holder, field.name)), field.metadata["purpose"]


def _up(size: int, multiple: int) -> int:
    return -(-size // multiple) * multiple
