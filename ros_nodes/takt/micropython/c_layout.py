"""Describes the C core's structs to MicroPython, from their ctypes classes: no layout is kept by hand."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_SCALARS = {
    ctypes.c_bool: "UINT8",
    ctypes.c_float: "FLOAT32",
    ctypes.c_double: "FLOAT64",
    ctypes.c_int8: "INT8",
    ctypes.c_uint8: "UINT8",
    ctypes.c_int16: "INT16",
    ctypes.c_uint16: "UINT16",
    ctypes.c_int32: "INT32",
    ctypes.c_uint32: "UINT32",
    ctypes.c_int64: "INT64",
    ctypes.c_uint64: "UINT64",
}


def module_text(types: dict[str, Any]) -> str:
    """Source of the module c_layout: TYPES and SIZES by name."""
    structs = {name: kind for name, kind in types.items() if _is_struct(kind)}
    rows = [f'    "{name}": {_struct(kind)},' for name, kind in structs.items()]
    sizes = {name: ctypes.sizeof(kind) for name, kind in structs.items()}
    return "\n".join(["import uctypes as u", "", "TYPES = {", *rows, "}", f"SIZES = {sizes}"]) + "\n"


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, ctypes.Structure)


def _struct(kind: Any) -> str:
    parts = [
        f'"{name}": {_member(part, getattr(kind, name).offset)}' for name, part, *_ in list(kind._fields_)
    ]
    return "{" + ", ".join(parts) + "}"


def _member(kind: Any, offset: int) -> str:
    if kind in _SCALARS:
        return f"u.{_SCALARS[kind]} | {offset}"
    if _is_struct(kind):
        return f"({offset}, {_struct(kind)})"
    if hasattr(kind, "_length_"):
        element = kind._type_
        what = _struct(element) if _is_struct(element) else f"u.{_SCALARS[element]}"
        return (
            f"(u.ARRAY | {offset}, {kind._length_}, {what})"
            if _is_struct(element)
            else (f"(u.ARRAY | {offset}, {kind._length_} | {what})")
        )
    return f"u.UINT64 | {offset}"  # a pointer: not for MicroPython to follow


@dataclass(frozen=True)
class Leaf:
    """One number inside a struct."""

    path: str
    offset: int
    kind: Any  # its ctypes class

    @property
    def is_float(self) -> bool:
        return self.kind in (ctypes.c_float, ctypes.c_double)


def leaves(kind: Any, path: str = "", offset: int = 0) -> Iterator[Leaf]:
    """Every number inside the struct or array class ``kind``, in order."""
    if _is_struct(kind):
        for name, part, *_ in list(kind._fields_):
            yield from leaves(part, f"{path}.{name}".lstrip("."), offset + getattr(kind, name).offset)
    elif hasattr(kind, "_length_"):
        size = ctypes.sizeof(kind._type_)
        for i in range(kind._length_):
            yield from leaves(kind._type_, f"{path}[{i}]", offset + i * size)
    else:
        yield Leaf(path, offset, kind)
