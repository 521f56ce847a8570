"""Writes a result in one step, so that a reader never sees half of it."""

from __future__ import annotations

from pathlib import Path

from takt.errors import TaktError


def write_text(path: Path, text: str) -> None:
    """Raises TaktError when the file cannot be written."""
    half = path.with_name(path.name + ".part")
    try:
        half.write_text(text, encoding="utf-8")
        half.replace(path)
    except OSError as error:
        half.unlink(missing_ok=True)
        raise TaktError(
            f"{path} cannot be written ({error.strerror})", "name another file with --out"
        ) from None
