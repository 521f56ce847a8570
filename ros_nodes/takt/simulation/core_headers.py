"""Reads the core's C headers into ctypes: structs, enums, constants and functions, so that no layout is kept by hand.

Understands what our own headers use: typedef'd structs of plain fields, typedef'd enums, #define of numbers, and
prototypes on one or more lines. Types that it does not know (nested anonymous structs, the client) are left out, and so
are the functions that need them.
"""

from __future__ import annotations

import ctypes
import re
from pathlib import Path
from typing import Any

_SCALARS: dict[str, Any] = {
    "bool": ctypes.c_bool,
    "char": ctypes.c_char,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "int": ctypes.c_int,
    "unsigned": ctypes.c_uint,
    "size_t": ctypes.c_size_t,
    **{
        f"{sign}int{bits}_t": getattr(ctypes, f"c_{sign}int{bits}")
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
_STRUCT = re.compile(r"typedef struct \{([^{}]*)\} (\w+);")
_ENUM = re.compile(r"(?:typedef )?enum \{([^{}]*)\}\s*(\w*);")
_DEFINE = re.compile(r"^#define (TAKT_\w+) +(-?[\d.]+(?:e-?\d+)?)[uUfFlL]*\s*$", re.MULTILINE)
_FUNCTION = re.compile(r"^((?:const )?\w+ \*?)(takt_\w+)\(([^()]*)\);", re.MULTILINE)


class Core:
    """``core.types["takt_pid_t"]``, ``core.values["TAKT_GATE_STALE"]``, ``core.takt_pid_step(...)``."""

    def __init__(self, library_path: Path, headers: list[Path]) -> None:
        self.library = ctypes.CDLL(str(library_path))
        self.types: dict[str, Any] = dict(_SCALARS)
        self.values: dict[str, int | float] = {}
        texts = [re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text(), flags=re.DOTALL) for path in headers]
        for text in texts:
            self._read_values(text)
        for text in texts:  # in the order given: a struct's parts come before it
            self._read_structs(text)
        for text in texts:
            self._read_functions(text)

    def new(self, name: str, **fields: Any) -> Any:
        """A zeroed ``takt_<name>_t`` with these fields set."""
        made = self.types[f"takt_{name}_t"]()
        for field, value in fields.items():
            setattr(made, field, value)
        return made

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("takt_"):
            raise AttributeError(name)
        return getattr(self.library, name)

    def _number(self, text: str) -> int:
        text = text.strip().rstrip("u")
        if text in self.values:
            return int(self.values[text])
        if "<<" in text:
            left, right = text.split("<<")
            return self._number(left) << self._number(right)
        return int(text, 0)

    def _read_values(self, text: str) -> None:
        for name, value in _DEFINE.findall(text):
            self.values[name] = float(value) if re.search(r"[.e]", value) else int(value)
        for body, name in _ENUM.findall(text):
            following = 0
            for entry in filter(None, (part.strip() for part in body.split(","))):
                label, _, given = entry.partition("=")
                following = self._number(given) if given else following
                self.values[label.strip()] = following
                following += 1
            if name:
                self.types[name] = ctypes.c_uint

    def _read_structs(self, text: str) -> None:
        for body, name in _STRUCT.findall(text):
            fields = [self._field(entry) for entry in body.split(";") if entry.strip()]
            if all(kind is not None for _, kind in fields):
                self.types[name] = type(name, (ctypes.Structure,), {"_fields_": fields})

    def _field(self, text: str) -> tuple[str, Any]:
        words = re.sub(r"\b(const|_Atomic)\b", "", text).strip()
        found = re.fullmatch(r"(\w+)\s+(\*?)(\w+)((?:\[\w+\])*)", words)
        if found is None:
            return words, None
        kind = self.types.get(found[1]) if not found[2] else ctypes.c_void_p
        for length in reversed(re.findall(r"\[(\w+)\]", found[4])):
            kind = kind * self._number(length) if kind is not None else None
        return found[3], kind

    def _argument(self, text: str) -> Any:
        words = re.sub(r"\bconst\b", "", text).strip()
        if "*" in words or "[" in words:
            return ctypes.c_void_p
        return self.types.get(words.split()[0])

    def _read_functions(self, text: str) -> None:
        for result, name, arguments in _FUNCTION.findall(text):
            if not hasattr(self.library, name):
                continue
            kinds = (
                [] if arguments.strip() == "void" else [self._argument(part) for part in arguments.split(",")]
            )
            word = result.replace("const ", "").strip()
            back = None if word == "void" else ctypes.c_char_p if word == "char *" else self.types.get(word)
            if "*" in word and back is None:
                back = ctypes.c_void_p
            if any(kind is None for kind in kinds) or (back is None and word != "void"):
                continue
            function = getattr(self.library, name)
            function.argtypes, function.restype = kinds, back
