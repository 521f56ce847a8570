"""Writes takt_messages.py for MicroPython boards: each ROS type of the contract as an object made once and reused.

As in C, a sequence is a list and a count and is written only; a type that holds one has no reader. Strings are bytes;
reading keeps the old object where the line holds the same characters, so that a steady stream allocates nothing.
"""

from __future__ import annotations

from takt.contract.c_messages import is_readable
from takt.contract.python_messages import METHODS, NOTICE, attribute, class_name, refuse_clashes
from takt.contract.ros_types import Constant, Field, Layout, Shape

_ZEROES = {"bool": "False", "string": 'b""', "float32": "0.0", "float64": "0.0"}


def source_text(layouts: dict[str, Layout]) -> str:
    refuse_clashes(layouts)
    classes = [_class(layout, is_readable(layout, layouts)) for layout in layouts.values()]
    return "\n\n".join([NOTICE + "\n", *classes])


def _class(layout: Layout, readable: bool) -> str:
    lines = [f"class {class_name(layout.name)}:"]
    lines += [f"    {constant.name} = {_constant(constant)}" for constant in layout.constants]
    lines += [""] if layout.constants else []
    lines += ["    def __init__(self):"]
    for field in layout.fields:
        lines += [f"        {line}" for line in _initial(field)]
    lines += ["", "    def write(self, cdr):"]
    for field in layout.fields:
        lines += [f"        {line}" for line in _write(field)]
    if readable:
        lines += ["", "    def read(self, cdr):"]
        for field in layout.fields:
            lines += [f"        {line}" for line in _read(field)]
    return "\n".join(lines) + "\n"


def _constant(constant: Constant) -> str:
    if constant.type == "string":
        return "b" + repr(constant.value.strip("\"'"))
    return str(constant.value.lower() in ("true", "1")) if constant.type == "bool" else constant.value


def _zero(field: Field) -> str:
    return f"{class_name(field.base)}()" if field.is_message else _ZEROES.get(field.base, "0")


def _initial(field: Field) -> list[str]:
    name = f"self.{attribute(field)}"
    if field.shape is Shape.SEQUENCE:
        return [f"{name} = ()", f"{name}_count = 0"]
    if field.shape is Shape.FIXED:
        return [f"{name} = [{_zero(field)} for _ in range({field.size})]"]
    return [f"{name} = {_zero(field)}"]


def _write(field: Field) -> list[str]:
    place = f"self.{attribute(field)}"
    if field.shape is Shape.SINGLE:
        return [_write_call(field, place)]
    count = f"{place}_count" if field.shape is Shape.SEQUENCE else str(field.size)
    lines = []
    if field.shape is Shape.SEQUENCE:
        lines += [f"cdr.limit({count}, {field.size})"] if field.size else []
        lines += [f"cdr.write_u32({count})"]
    return [*lines, f"for i in range({count}):", f"    {_write_call(field, f'{place}[i]')}"]


def _write_call(field: Field, place: str) -> str:
    return f"{place}.write(cdr)" if field.is_message else f"cdr.write_{METHODS[field.base]}({place})"


def _read(field: Field) -> list[str]:
    place = f"self.{attribute(field)}"
    if field.shape is Shape.FIXED:
        return [f"for i in range({field.size}):", f"    {_read_call(field, f'{place}[i]')}"]
    return [_read_call(field, place)]


def _read_call(field: Field, place: str) -> str:
    if field.is_message:
        return f"{place}.read(cdr)"
    method = METHODS[field.base]
    return f"{place} = cdr.read_{method}({place if field.is_string else ''})"
