"""Proofs and benches: found by name, and refused before their first hour where the report could not be written."""

from __future__ import annotations

import importlib
import os
from collections.abc import Mapping
from pathlib import Path

from takt.errors import TaktError

_FLAG = "--json"


def run_named(kind: str, table: Mapping[str, str], argv: list[str]) -> int:
    """Call ``main`` of the module that ``table`` has for ``argv[0]`` with the rest; its exit status.

    Raises TaktError for a name that is not in the table and for a report that cannot be written.
    """
    name, rest = argv[0] if argv else "", argv[1:]
    if name not in table:
        raise TaktError(f"no {kind} {name!r}", f"name one of: {', '.join(sorted(table))}")
    for word, following in zip(rest, [*rest, ""][1:], strict=True):
        file = following if word == _FLAG else word.removeprefix(f"{_FLAG}=")
        if word.startswith(_FLAG) and file:
            _require_place(Path(file))
    return int(importlib.import_module(table[name]).main(rest))


def _require_place(report: Path) -> None:
    folder = report.resolve().parent
    if (
        report.is_dir()
        or not folder.is_dir()
        or not os.access(report if report.exists() else folder, os.W_OK)
    ):
        raise TaktError(f"{report} cannot be written", f"make its folder, or name another file after {_FLAG}")
