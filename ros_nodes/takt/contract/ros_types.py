"""Parses ROS .msg and .srv definitions into layouts: what fields a message has, in which order, of which wire type.

Grammar: the "About ROS 2 interfaces" text of the ROS documentation. Default values do not travel and are passed over.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from takt.errors import TaktError

# ROS primitive -> size on the wire in bytes; it is the alignment, too. `byte` and `char` are unsigned octets.
PRIMITIVE_SIZES = {
    "bool": 1,
    "byte": 1,
    "char": 1,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "float32": 4,
    "float64": 8,
}
# An empty structure has no CDR; ROS puts one octet into it, and so it travels.
EMPTY_FIELD = "structure_needs_at_least_one_member"

_FIELD = re.compile(
    r"^(?P<type>[A-Za-z][\w/]*)(?P<string><=\d+)?(?P<array>\[(?:<=)?\d*\])?\s+(?P<name>[a-z][a-z0-9_]*)\b(?!\s*=)"
)
_CONSTANT = re.compile(r"^(?P<type>[a-z0-9]+)(?:<=\d+)?\s+(?P<name>[A-Z][A-Z0-9_]*)\s*=\s*(?P<value>.*)$")


class Shape(Enum):
    """How often a field's element occurs."""

    SINGLE = "single"
    FIXED = "fixed"  # exactly `size` elements, no count on the wire
    SEQUENCE = "sequence"  # u32 count, then the elements; `size` is the bound, 0 for none


@dataclass(frozen=True)
class Field:
    """One field. ``base`` is a primitive, ``string``, or the full name of a message such as ``std_msgs/msg/Header``."""

    name: str
    base: str
    shape: Shape = Shape.SINGLE
    size: int = 0

    @property
    def is_message(self) -> bool:
        return "/" in self.base

    @property
    def is_string(self) -> bool:
        return self.base == "string"


@dataclass(frozen=True)
class Constant:
    name: str
    type: str
    value: str


@dataclass(frozen=True)
class Layout:
    """A message, or the request or response half of a service. ``name`` as in ``std_srvs/srv/SetBool_Request``."""

    name: str
    fields: tuple[Field, ...]
    constants: tuple[Constant, ...] = ()


def parse_message(name: str, text: str) -> Layout:
    """Layout of one .msg text. Raises TaktError that names file and line of what is not understood."""
    package = name.split("/")[0]
    fields: list[Field] = []
    constants: list[Constant] = []
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.split("#", 1)[0].strip()
        if not line:
            continue
        if constant := _CONSTANT.match(line):
            value = constant["value"].strip()
            constants.append(Constant(constant["name"], constant["type"], value))
        elif field := _FIELD.match(line):
            fields.append(_field(field, package, f"{name} line {number}"))
        else:
            raise _not_understood(f"{name} line {number}", line)
    return Layout(name, tuple(fields) or (Field(EMPTY_FIELD, "uint8"),), tuple(constants))


def parse_service(name: str, text: str) -> tuple[Layout, Layout]:
    """Request and response layouts of one .srv text."""
    halves = re.split(r"^---\s*$", text, flags=re.MULTILINE)
    if len(halves) != 2:
        raise _not_understood(name, f"{len(halves) - 1} lines of ---")
    return parse_message(f"{name}_Request", halves[0]), parse_message(f"{name}_Response", halves[1])


def _field(match: re.Match[str], package: str, where: str) -> Field:
    base = _base(match["type"], package, where)
    if match["string"] and base != "string":
        raise _not_understood(where, match.group(0))
    array = match["array"]
    if array is None:
        return Field(match["name"], base)
    size = re.sub(r"\D", "", array)
    if not size and "<" in array:
        raise _not_understood(where, match.group(0))
    fixed = bool(size) and "<" not in array
    return Field(match["name"], base, Shape.FIXED if fixed else Shape.SEQUENCE, int(size or 0))


def _base(word: str, package: str, where: str) -> str:
    if word in PRIMITIVE_SIZES or word == "string":
        return word
    if word == "Header":
        return "std_msgs/msg/Header"
    parts = word.split("/")
    if not parts[-1][0].isupper() or len(parts) > 2:
        raise TaktError(
            f"{where}: the type {word} has no codec here", "use a message without it in the contract"
        )
    return f"{parts[0] if len(parts) == 2 else package}/msg/{parts[-1]}"


def _not_understood(where: str, line: str) -> TaktError:
    return TaktError(f"{where} is not understood: {line}", "install the ROS message packages again")
