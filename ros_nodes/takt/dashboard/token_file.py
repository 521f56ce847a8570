"""The token that others need: made at random once, kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from takt.errors import TaktError

_SHORTEST = 22  # characters of base64 that hold 128 bits
_MOST_BYTES = 1024


def read_or_make(path: Path) -> str:
    """The token in ``path``, made there (0600) when the file does not exist.

    Raises TaktError when others can read it, when it is not ours, or when it is short enough to be guessed.
    """
    try:
        return _read(path)
    except FileNotFoundError:
        return _make(path)
    except (OSError, UnicodeDecodeError) as error:
        raise TaktError(f"the token in {path} cannot be read: {error}", "check --token-file") from error


def _read(path: Path) -> str:
    with path.open("rb") as file:
        state = os.fstat(file.fileno())
        text = file.read(_MOST_BYTES).decode("ascii").strip()
    if stat.S_IMODE(state.st_mode) & 0o077:
        raise TaktError(f"others on this computer can read the token in {path}", f"chmod 600 {path}")
    if state.st_uid != os.geteuid():
        raise TaktError(f"the token in {path} belongs to another user", "name a file of your own")
    if len(text) < _SHORTEST:
        raise TaktError(
            f"the token in {path} has {len(text)} characters, needs {_SHORTEST}",
            "remove the file; a new one is made",
        )
    return text


def _make(path: Path) -> str:
    token = secrets.token_urlsafe(32)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise TaktError(
            f"no token can be kept in {path}: {error}", "name a file in a folder of yours"
        ) from error
    with os.fdopen(descriptor, "w") as file:
        file.write(token + "\n")
    return token
