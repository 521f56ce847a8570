"""Reads a YAML file into plain values that still know their line; a repeated key is an error."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from takt.errors import TaktError

Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """``values`` as parsed; ``lines`` gives the 1-based line of each key path, ``()`` being the file's first."""

    source: Path
    values: dict[str, Any]
    lines: dict[Path_, int]

    def where(self, key: Path_) -> str:
        """``FILE:LINE`` of ``key``, or of its nearest parent that is in the file."""
        while key not in self.lines:
            key = key[:-1]
        return f"{self.source}:{self.lines[key]}"


def read(source: Path) -> Document:
    """Parse ``source``. Raises TaktError with file and line for a syntax error, a repeated key or a wrong shape."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TaktError(f"{source} cannot be read: {_reason(error)}", "name a readable YAML file") from error
    return parse(text, source)


def parse(text: str, source: Path) -> Document:
    """The same for a text that is at hand; ``source`` is for messages."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except (yaml.YAMLError, ValueError) as error:
        raise TaktError(_syntax(source, error), "correct the YAML syntax there") from error
    if not isinstance(root, yaml.MappingNode):
        raise TaktError(
            f"{source}:1: a contract is a mapping of sections", "start from the shipped contract.yaml"
        )
    lines: dict[Path_, int] = {(): 1}
    try:
        return Document(source, _mapping(root, (), lines, source), lines)
    except RecursionError as error:  # an alias that contains itself
        raise TaktError(f"{source}:1: it is nested without end", "write plain values, no aliases") from error


def _mapping(node: yaml.MappingNode, path: Path_, lines: dict[Path_, int], source: Path) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise TaktError(f"{source}:{line}: a key must be a plain word", "correct the YAML syntax there")
        key = str(key_node.value)
        child = (*path, key)
        if key in values:
            raise TaktError(f"{source}:{line}: key {'.'.join(child)} is given twice", "remove one of the two")
        lines[child] = line
        values[key] = _value(value_node, child, lines, source)
    return values


def _value(node: yaml.Node, path: Path_, lines: dict[Path_, int], source: Path) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, lines, source)
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, path, lines, source) for item in node.value]
    try:
        return yaml.SafeLoader("").construct_object(node)
    except (yaml.YAMLError, ValueError) as error:
        where = f"{source}:{node.start_mark.line + 1}: {'.'.join(path)}"
        raise TaktError(f"{where} cannot be read: {_problem(error)}", "write a plain value") from error


def _syntax(source: Path, error: Exception) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    line = mark.line + 1 if mark is not None else 1
    return f"{source}:{line}: YAML syntax error: {_problem(error)}"


def _problem(error: Exception) -> str:
    """The one line of a YAML error that says what is wrong."""
    return str(getattr(error, "problem", None) or str(error).splitlines()[0])


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "it is not UTF-8 text"
