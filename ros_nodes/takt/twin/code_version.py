"""One number for all code that could have a part in a day of the twin: any of it changes the number, nothing else does.

A proof of hours keeps its days over commits that touch only, say, the dashboard. What has a part is found by reading
imports, also those within functions, so a module that only some days need counts on all of them.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from takt import resources


def files_reached(module: str) -> dict[str, Path]:
    """``module`` and all of the same top-level package it imports, directly or not: name -> source file."""
    package = module.partition(".")[0]
    found: dict[str, Path] = {}
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in found or name.partition(".")[0] != package:
            continue
        file = _source_of(name)
        if file is not None:
            found[name] = file
            parents = name.split(".")[:-1]
            waiting += [".".join(parents[: count + 1]) for count in range(len(parents))]
            waiting += _imports(ast.parse(file.read_bytes()))
    return found


def code_version(module: str, library: str) -> str:
    """Hash over the sources that ``module`` reaches, the firmware's core ``library`` and the contract."""
    digest = hashlib.sha256(Path(library).read_bytes())
    digest.update(resources.path("config/contract.yaml").read_bytes())
    for name, file in sorted(files_reached(module).items()):
        digest.update(name.encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def _source_of(name: str) -> Path | None:
    """None where ``name`` is no module: ``from a import b`` may mean a function b."""
    parent = name.rpartition(".")[0]
    if parent:
        container = find_spec(parent)
        if container is None or container.submodule_search_locations is None:
            return None
        spec = PathFinder.find_spec(name, container.submodule_search_locations)
    else:
        spec = find_spec(name)
    return Path(spec.origin) if spec is not None and spec.origin else None


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
