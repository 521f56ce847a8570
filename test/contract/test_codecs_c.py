"""The generated C codecs against the Python ones, field by field, and against arbitrary bytes under sanitizers."""

import ctypes
import random
import subprocess

import pytest

from takt.contract.c_messages import c_name, is_readable
from takt.contract.cdr import CdrError
from takt.contract.generated.messages import BY_TYPE
from takt.contract.python_messages import attribute
from takt.contract.ros_types import Shape


class Cdr(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("capacity", ctypes.c_size_t),
        ("offset", ctypes.c_size_t),
        ("ok", ctypes.c_bool),
    ]


class String(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("size", ctypes.c_uint32)]


NUMBERS = {
    "bool": ctypes.c_bool,
    "byte": ctypes.c_uint8,
    "char": ctypes.c_uint8,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
    **{
        f"{kind}{bits}": getattr(ctypes, f"c_{kind}{bits}")
        for kind in ("int", "uint")
        for bits in (8, 16, 32, 64)
    },
}


class Structs:
    """The C structs as ctypes sees them, filled from messages and read back by the fields' names."""

    def __init__(self, layouts):
        self.layouts = layouts
        self.kept = []  # what a struct points to must outlive it
        self.classes = {}
        for name, layout in layouts.items():
            members = [member for field in layout.fields for member in self._members(field)]
            self.classes[name] = type(c_name(name), (ctypes.Structure,), {"_fields_": members})

    def _element(self, field):
        if field.is_message:
            return self.classes[field.base]
        return String if field.is_string else NUMBERS[field.base]

    def _members(self, field):
        kind = self._element(field)
        if field.shape is Shape.SEQUENCE:
            return [(field.name, ctypes.POINTER(kind)), (f"{field.name}_count", ctypes.c_uint32)]
        return [(field.name, kind * field.size if field.shape is Shape.FIXED else kind)]

    def fill(self, name, message):
        struct = self.classes[name]()
        for field in self.layouts[name].fields:
            value = getattr(message, attribute(field))
            if field.shape is Shape.SINGLE:
                setattr(struct, field.name, self._convert(field, value))
                continue
            array = (self._element(field) * len(value))(*[self._convert(field, v) for v in value])
            if field.shape is Shape.SEQUENCE:
                self.kept.append(array)
                setattr(struct, f"{field.name}_count", len(value))
                array = ctypes.cast(array, ctypes.POINTER(self._element(field)))
            setattr(struct, field.name, array)
        return struct

    def _convert(self, field, value):
        if field.is_message:
            return self.fill(field.base, value)
        if not field.is_string:
            return value
        encoded = value.encode()
        buffer = ctypes.create_string_buffer(encoded)
        self.kept.append(buffer)
        return String(ctypes.cast(buffer, ctypes.c_void_p), len(encoded))

    def message(self, name, struct):
        """The Python message with the fields of ``struct``, which holds no sequence."""
        values = {}
        for field in self.layouts[name].fields:
            value = getattr(struct, field.name)
            several = field.shape is Shape.FIXED
            values[attribute(field)] = (
                [self._plain(field, v) for v in value] if several else self._plain(field, value)
            )
        return BY_TYPE[name](**values)

    def _plain(self, field, value):
        if field.is_message:
            return self.message(field.base, value)
        return _text(value) if field.is_string else value


def _text(string):
    return (
        ctypes.string_at(string.data, string.size).decode("utf-8", "surrogateescape") if string.size else ""
    )


def cursor(buffer, size):
    return Cdr(ctypes.cast(buffer, ctypes.c_void_p), size, 0, True)


def test_c_writes_what_python_writes(c_codecs, layouts, samples):
    structs = Structs(layouts)
    for name, message in samples:
        expected = message.to_cdr()
        buffer = ctypes.create_string_buffer(len(expected))
        cdr = cursor(buffer, len(expected))
        struct = structs.fill(name, message)
        assert getattr(c_codecs, f"takt_write_{c_name(name)}")(ctypes.byref(cdr), ctypes.byref(struct)) & 1
        assert cdr.offset == len(expected)
        assert buffer.raw == expected, name


def test_c_reads_what_python_writes(c_codecs, layouts, samples):
    structs = Structs(layouts)
    seen = set()
    for name, message in samples:
        if not is_readable(layouts[name], layouts):
            continue
        data = message.to_cdr()
        buffer = ctypes.create_string_buffer(data, len(data))
        cdr, struct = cursor(buffer, len(data)), structs.classes[name]()
        assert getattr(c_codecs, f"takt_read_{c_name(name)}")(ctypes.byref(cdr), ctypes.byref(struct)) & 1
        assert cdr.offset == len(data)
        assert structs.message(name, struct) == message
        seen.add(name)
    assert "geometry_msgs/msg/TwistStamped" in seen
    assert "std_msgs/msg/UInt64" in seen


def test_c_writes_into_no_buffer_that_is_too_small(c_codecs, layouts, samples):
    structs = Structs(layouts)
    for name, message in samples[::5]:
        expected = message.to_cdr()
        for room in range(len(expected)):
            buffer = ctypes.create_string_buffer(b"\xaa" * (room + 16), room + 16)
            cdr = cursor(buffer, room)
            struct = structs.fill(name, message)
            assert (
                not getattr(c_codecs, f"takt_write_{c_name(name)}")(ctypes.byref(cdr), ctypes.byref(struct))
                & 1
            )
            assert not cdr.ok
            assert buffer.raw[room:] == b"\xaa" * 16


def plausible_bytes(rng):
    """Mostly small numbers, so that sizes of strings often fit and deeper code is reached."""
    size = rng.randrange(40)
    return bytes(rng.choice((0, 0, 0, rng.randrange(6), rng.randrange(256))) for _ in range(size))


def python_reads(name, data):
    try:
        return BY_TYPE[name].from_cdr(data)
    except CdrError:
        return None


def test_c_and_python_take_and_refuse_the_same_bytes(c_codecs, layouts):
    structs, rng, taken = Structs(layouts), random.Random(7), 0
    names = [name for name, layout in layouts.items() if is_readable(layout, layouts)]
    for _ in range(1500):
        data = plausible_bytes(rng)
        for name in names:
            buffer = ctypes.create_string_buffer(data, max(1, len(data)))
            cdr, struct = cursor(buffer, len(data)), structs.classes[name]()
            read = getattr(c_codecs, f"takt_read_{c_name(name)}")(ctypes.byref(cdr), ctypes.byref(struct)) & 1
            expected = python_reads(name, data)
            assert bool(read) == (expected is not None), (name, data)
            if expected is not None:
                assert structs.message(name, struct).to_cdr() == expected.to_cdr()
                taken += 1
    assert 1000 < taken < 1500 * len(names) - 1000


def test_c_refuses(c_codecs, layouts, unreadable):
    name, data = unreadable
    buffer, struct = ctypes.create_string_buffer(data, len(data)), Structs(layouts).classes[name]()
    cdr = cursor(buffer, len(data))
    assert not getattr(c_codecs, f"takt_read_{c_name(name)}")(ctypes.byref(cdr), ctypes.byref(struct)) & 1


DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include "takt_messages.h"

static uint32_t seed = 12345u;
static uint32_t next_random(void) { seed ^= seed << 13; seed ^= seed >> 17; seed ^= seed << 5; return seed; }

/* Mostly small numbers, so that sizes of strings are often plausible and deeper code is reached. */
static void fill(uint8_t *bytes, size_t size) {
    uint32_t style = next_random() % 3u;
    for (size_t i = 0; i < size; i++) {
        uint32_t r = next_random();
        bytes[i] = style == 0 ? (uint8_t)r : (uint8_t)((r >> 8) % 8u == 0 ? r % 12u : 0u);
    }
}

#define TRY(NAME)                                                                                   \
    do {                                                                                            \
        takt_cdr_t cdr;                                                                             \
        takt_##NAME##_t message;                                                                    \
        takt_cdr_reader(&cdr, bytes, size);                                                         \
        if (takt_read_##NAME(&cdr, &message)) {                                                     \
            read++;                                                                                 \
            size_t room = next_random() % (size + 8u);                                              \
            uint8_t *copy = malloc(room); /* exact, so that one byte too far is seen */             \
            takt_cdr_writer(&cdr, copy, room);                                                      \
            written += takt_write_##NAME(&cdr, &message);                                           \
            free(copy);                                                                             \
        } else {                                                                                    \
            refused++;                                                                              \
        }                                                                                           \
    } while (0)

int main(void) {
    unsigned read = 0, written = 0, refused = 0;
    for (unsigned round = 0; round < 20000u; round++) {
        size_t size = next_random() % 130u;
        uint8_t *bytes = malloc(size);
        fill(bytes, size);
        READERS
        free(bytes);
    }
    printf("%u %u %u\n", read, written, refused);
    return 0;
}
"""


@pytest.fixture(scope="module")
def sanitized_driver(tmp_path_factory, layouts, compile_c):
    folder = tmp_path_factory.mktemp("driver")
    names = [c_name(name) for name, layout in layouts.items() if is_readable(layout, layouts)]
    source = folder / "driver.c"
    source.write_text(DRIVER.replace("READERS", "\n        ".join(f"TRY({name});" for name in names)))
    program = folder / "driver"
    sanitizers = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    return compile_c(program, *sanitizers, source)


def test_readers_take_any_bytes(sanitized_driver):
    done = subprocess.run([sanitized_driver], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    read, written, refused = map(int, done.stdout.split())
    assert min(read, written, refused) > 1000  # the bytes were neither all good nor all bad
