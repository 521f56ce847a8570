"""The generated MicroPython codecs on a real VM, with the vectors that hold the C ones: Python is the measure."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from takt.contract.c_messages import is_readable
from takt.contract.cdr import CdrError
from takt.contract.generated.messages import BY_TYPE
from takt.contract.python_messages import attribute, class_name
from takt.contract.ros_types import Field, Layout, Shape
from takt.micropython.vm import Vm

Layouts = dict[str, Layout]


def plain(field: Field, value: Any) -> str:
    """A number or a text as MicroPython source."""
    if isinstance(value, str):
        return repr(value.encode())
    return f"float({str(value)!r})" if isinstance(value, float) else repr(value)


def statements(layouts: Layouts, name: str, message: Any, place: str) -> Iterator[str]:
    """Lines of MicroPython that make ``place`` hold what ``message`` holds."""
    for field in layouts[name].fields:
        value, spot = getattr(message, attribute(field)), f"{place}.{attribute(field)}"
        entries = [value] if field.shape is Shape.SINGLE else value
        spots = [spot] if field.shape is Shape.SINGLE else [f"{spot}[{i}]" for i in range(len(value))]
        if field.shape is not Shape.SINGLE:
            element = class_name(field.base) + "()" if field.is_message else "0"
            yield f"{spot} = [{element} for _ in range({len(value)})]"
        if field.shape is Shape.SEQUENCE:
            yield f"{spot}_count = {len(value)}"
        for at, entry in zip(spots, entries, strict=True):
            if field.is_message:
                yield from statements(layouts, field.base, entry, at)
            else:
                yield f"{at} = {plain(field, entry)}"


def write(vm: Vm, layouts: Layouts, name: str, message: Any, room: int) -> bytes:
    source = "\n".join(statements(layouts, name, message, "m"))
    written = vm.call("write_message", class_name(name).encode(), source.encode() or b"pass", room)
    assert isinstance(written, bytes)
    return written


def test_micropython_writes_what_python_writes(vm: Vm, layouts: Layouts, samples: list[Any]) -> None:
    for name, message in samples:
        expected = message.to_cdr()
        assert write(vm, layouts, name, message, len(expected)) == expected, name


def test_micropython_reads_what_python_writes(vm: Vm, layouts: Layouts, samples: list[Any]) -> None:
    seen = set()
    for name, message in samples:
        if is_readable(layouts[name], layouts):
            assert vm.call("read_message", class_name(name).encode(), message.to_cdr()) == message.to_cdr(), (
                name
            )
            seen.add(name)
    assert {"geometry_msgs/msg/TwistStamped", "std_msgs/msg/UInt64"} <= seen


def test_nothing_is_written_into_too_small_a_buffer(vm: Vm, layouts: Layouts, samples: list[Any]) -> None:
    for name, message in samples[::40]:
        for room in range(0, len(message.to_cdr()), 7):
            assert write(vm, layouts, name, message, room) == b"", name


def python_reads(name: str, data: bytes) -> bytes | None:
    try:
        return BY_TYPE[name].from_cdr(data).to_cdr()
    except CdrError:
        return None


def test_micropython_and_python_take_and_refuse_the_same_bytes(vm: Vm, layouts: Layouts) -> None:
    rng, taken = random.Random(7), 0
    names = [name for name, layout in layouts.items() if is_readable(layout, layouts)]
    for _ in range(300):
        data = bytes(
            rng.choice((0, 0, 0, rng.randrange(6), rng.randrange(256))) for _ in range(rng.randrange(40))
        )
        for name in names:
            expected = python_reads(name, data)
            assert vm.call("read_message", class_name(name).encode(), data) == expected, (name, data)
            taken += expected is not None
    assert 200 < taken < 300 * len(names) - 200


def test_micropython_refuses(vm: Vm, unreadable: tuple[str, bytes]) -> None:
    name, data = unreadable
    assert vm.call("read_message", class_name(name).encode(), data) is None
