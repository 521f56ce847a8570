"""Writes the C that counts every CDR codec: a value for each message of takt_messages.h, written and read back once.

Numbers are 1, strings "base_link", sequences hold two elements: about what travels. Nested messages are filled alike.
"""

from __future__ import annotations

import re

_STRUCT = re.compile(r"typedef struct \{([^{}]*)\} (takt_\w+)_t;")
_CODEC = re.compile(r"^bool (takt_(write|read)_(\w+))\(", re.MULTILINE)
_FIELD = re.compile(r"(const )?(\w+) (\*?)(\w+)((?:\[\w+\])?);")
_WORDS = 'takt_string("base_link")'


def source(header: str) -> str:
    """The C source of ``measure_codecs`` for the messages that `header` declares."""
    structs = {name: _FIELD.findall(body) for body, name in _STRUCT.findall(header)}
    codecs = {(kind, message) for _, kind, message in _CODEC.findall(header)}
    messages = sorted({message for _, message in codecs})
    parts = [
        '#include "takt_messages.h"',
        '#include "marks.h"',
        '#include "measure_codecs.h"',
        "static uint8_t bytes[1024];",
        "static volatile bool fits;",
        *(_fill(name, fields) for name, fields in structs.items()),
        *(_measure(message, codecs) for message in messages),
        "void measure_codecs(void)\n{",
        *(f"    measure_{message}();" for message in messages),
        "}",
    ]
    return "\n".join(parts) + "\n"


def _fill(name: str, fields: list[tuple[str, str, str, str, str]]) -> str:
    lines = []
    for _, kind, pointer, field, length in fields:
        target = f"value->{field}"
        if pointer:
            lines.append(f"    static {kind} {field}[2];")
            lines += [_set(kind, f"{field}[{index}]") for index in (0, 1)]
            lines.append(f"    {target} = {field};")
        elif length:
            lines.append(
                f"    for (unsigned i = 0; i < sizeof {target} / sizeof {target}[0]; i++) {{"
                f"{_set(kind, f'{target}[i]')} }}"
            )
        elif field.endswith("_count"):
            lines.append(f"    {target} = 2;")
        else:
            lines.append(_set(kind, target))
    body = "\n".join(lines)
    return f"static void fill_{name}({name}_t *value)\n{{\n{body}\n}}"


def _set(kind: str, target: str) -> str:
    if kind == "takt_string_t":
        return f"    {target} = {_WORDS};"
    if kind.startswith("takt_"):
        return f"    fill_{kind.removesuffix('_t')}(&{target});"
    return f"    {target} = 1;"


def _measure(message: str, codecs: set[tuple[str, str]]) -> str:
    sample = """
    takt_cdr_{kind}er(&cdr, bytes, sizeof bytes);
    bench_begin();
    fits = takt_{kind}_{message}(&cdr, &value);
    bench_end();
    bench_group(fits ? "cdr_{kind}_{message}" : "cdr_{kind}_{message}_failed", 1u);"""
    kinds = [kind for kind in ("write", "read") if (kind, message) in codecs]
    calls = "".join(sample.format(kind=kind, message=message) for kind in kinds)
    return (
        f"static void measure_{message}(void)\n{{\n    static takt_{message}_t value;\n    takt_cdr_t cdr;\n"
        f"    fill_takt_{message}(&value);{calls}\n}}"
    ).replace("takt_cdr_writeer", "takt_cdr_writer")
