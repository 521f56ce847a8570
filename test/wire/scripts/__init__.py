"""What a client may say to an agent: one function a conversation, for ``record_conversations.py``."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

from scripts import creation, samples, sessions, streams
from scripts.streams import losing

__all__ = ["SCRIPTS", "losing"]


def _conversations(module: ModuleType) -> dict[str, Callable[[Any], None]]:
    """The functions of a module that take a stage; each has its summary as its docstring."""
    return {
        name: made
        for name, made in vars(module).items()
        if callable(made)
        and getattr(made, "__module__", "") == module.__name__
        and name[0] != "_"
        and name != "losing"
    }


SCRIPTS: dict[str, Callable[[Any], None]] = {
    name: script
    for module in (creation, samples, streams, sessions)
    for name, script in _conversations(module).items()
}
