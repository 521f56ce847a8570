"""Turns the parsed YAML into a Contract, or says which key is wrong, what it holds and what is allowed."""

from __future__ import annotations

import difflib
import re
from typing import Any

from takt.contract.document import Document, Path_
from takt.contract.fingerprint import HOST_SECTIONS, SECTIONS
from takt.contract.parameters import check_parameters
from takt.contract.rules import Refused, fields_by_key
from takt.contract.sections import (
    PARAMETERS,
    PLAIN_SECTIONS,
    REQUIRED_HOST_TOPICS,
    REQUIRED_SERVICES,
    REQUIRED_TOPICS,
    SCHEMA_VERSION,
    SOFT_WORK,
    STAGES,
    TABLE_SECTIONS,
    Contract,
)
from takt.errors import TaktError

_ENTRY_NAME = r"[a-z][a-z0-9_]{0,39}"


def contract_from(document: Document) -> Contract:
    """The typed contract. Raises TaktError for the first thing that is wrong, in the order of the file."""
    sections = (*SECTIONS, *HOST_SECTIONS)
    _no_unknown(document, (), sections)
    _all_there(document, (), sections)
    parts: dict[str, Any] = {}
    parts["schema_version"] = _accept(document, ("schema_version",), SCHEMA_VERSION)
    for name in sections[1:]:
        parts[name] = _section(document, (name,), PLAIN_SECTIONS[name]) if name in PLAIN_SECTIONS else None
        if name in TABLE_SECTIONS:
            parts[name] = _table(document, name)
    contract = Contract(**parts)
    _required_entries(document, contract)
    check_parameters(document, contract)
    return contract


def _table(document: Document, name: str) -> dict[str, Any]:
    entries = _mapping(document, (name,))
    fixed = {"stages": STAGES, "parameters": PARAMETERS, "soft_work": SOFT_WORK}.get(name, ())
    if fixed:
        _no_unknown(document, (name,), fixed)
        _all_there(document, (name,), fixed)
    for entry in entries:
        if not fixed and not re.fullmatch(_ENTRY_NAME, entry):
            raise TaktError(
                f"{document.where((name, entry))}: {name} has an entry named {entry!r}",
                "allowed: lower-case letters, digits and _, at most 40 characters",
            )
    return {entry: _section(document, (name, entry), TABLE_SECTIONS[name]) for entry in entries}


def _section(document: Document, path: Path_, layout: type) -> Any:
    fields = fields_by_key(layout)
    _no_unknown(document, path, tuple(fields))
    _all_there(document, path, tuple(fields))
    return layout(
        **{f.name: _accept(document, (*path, key), f.metadata["rule"]) for key, f in fields.items()}
    )


def _accept(document: Document, path: Path_, rule: Any) -> Any:
    value = _at(document, path)
    try:
        return rule.accept(value)
    except Refused as refused:
        cause = f"{document.where(path)}: {'.'.join(path)} is {value!r}, allowed: {refused}"
        raise TaktError(cause, f"set {'.'.join(path)} to a value in that range") from refused


def _no_unknown(document: Document, path: Path_, known: tuple[str, ...]) -> None:
    for key in _mapping(document, path):
        if key not in known:
            full = ".".join((*path, key))
            near = difflib.get_close_matches(key, known, n=1)
            advice = f"rename it to {near[0]}, or remove it" if near else "remove it"
            cause = f"{document.where((*path, key))}: unknown key {full}, allowed: {', '.join(known)}"
            raise TaktError(cause, advice)


def _all_there(document: Document, path: Path_, known: tuple[str, ...]) -> None:
    missing = [".".join((*path, key)) for key in known if key not in _mapping(document, path)]
    if missing:
        cause = f"{document.where(path)}: missing {', '.join(missing)}"
        raise TaktError(cause, "add it; docs/contract.md has the table")


def _mapping(document: Document, path: Path_) -> dict[str, Any]:
    value = _at(document, path)
    if not isinstance(value, dict):
        raise TaktError(
            f"{document.where(path)}: {'.'.join(path)} is {value!r}, allowed: a mapping of keys",
            "write its keys indented below it; docs/contract.md has the table",
        )
    return value


def _at(document: Document, path: Path_) -> Any:
    value: Any = document.values
    for key in path:
        value = value[key]
    return value


def _required_entries(document: Document, contract: Contract) -> None:
    topics = {name: (topic.type, topic.direction) for name, topic in contract.topics.items()}
    services = {name: service.type for name, service in contract.services.items()}
    _all_there(document, ("topics",), tuple(REQUIRED_TOPICS))
    _all_there(document, ("services",), tuple(REQUIRED_SERVICES))
    _all_there(document, ("host_topics",), tuple(REQUIRED_HOST_TOPICS))
    for name, ros_type in REQUIRED_HOST_TOPICS.items():
        _fixed(document, ("host_topics", name, "type"), contract.host_topics[name].type, ros_type)
    for name, (ros_type, direction) in REQUIRED_TOPICS.items():
        _fixed(document, ("topics", name, "type"), topics[name][0], ros_type)
        _fixed(document, ("topics", name, "direction"), topics[name][1], direction)
    for name, ros_type in REQUIRED_SERVICES.items():
        _fixed(document, ("services", name, "type"), services[name], ros_type)


def _fixed(document: Document, path: Path_, value: str, needed: str) -> None:
    if value != needed:
        cause = f"{document.where(path)}: {'.'.join(path)} is {value!r}, allowed: {needed}"
        raise TaktError(cause, f"set it to {needed}: the code is written for it")
