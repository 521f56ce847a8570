"""YAML of a scenario with the line of every key, so that whatever is wrong can be told with its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from takt.errors import TaktError

Place = tuple[Any, ...]  # keys and indices from the top


class Places:
    """Where in a file each key and item stands."""

    def __init__(self, path: Path, root: yaml.Node | None) -> None:
        self._path = path
        self._lines: dict[Place, int] = {(): 1}
        if root is not None:
            self._note(root, (), ())

    def fail(self, place: Place, cause: str, fix: str) -> TaktError:
        """The error for what stands there, or for the nearest thing around it that has a line."""
        place = tuple(part if isinstance(part, int) else str(part) for part in place)
        line = next(self._lines[place[:n]] for n in range(len(place), -1, -1) if place[:n] in self._lines)
        name = ".".join(map(str, place))
        return TaktError(f"{self._path}:{line}: {name + ': ' if name else ''}{cause}", fix)

    def _note(self, node: yaml.Node, place: Place, within: tuple[int, ...]) -> None:
        self._lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in within:
            raise self.fail(place, "contains itself", "write it out")
        within = (*within, id(node))
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                self._note_key(key, place)
                self._note(value, (*place, str(key.value)), within)
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                self._note(item, (*place, index), within)

    def _note_key(self, key: yaml.Node, place: Place) -> None:
        here = (*place, str(key.value))
        before, self._lines[here] = self._lines.get(here), key.start_mark.line + 1
        if before is not None:
            raise self.fail(here, f"stands in line {before} already", "give each key once")


def read(text: str, path: Path) -> tuple[Any, Places]:
    """The document and its places. Raises TaktError with the place of what is no YAML."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        places = Places(path, root)
        return yaml.safe_load(text), places
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"{path}:{mark.line + 1}" if mark else f"{path}:1"
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "no valid YAML"
        raise TaktError(f"{place}: {problem}", "mend the YAML there") from None
    except RecursionError:
        raise TaktError(f"{path}:1: nested too deeply", "a scenario needs four levels") from None
    except ValueError as error:  # a date such as 2024-13-99
        raise TaktError(f"{path}:1: {error}", "mend that value") from None
