"""Finds the installed ROS message definitions and gathers the layouts of all types that the contract speaks of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from takt.contract.ros_types import Layout, parse_message, parse_service
from takt.contract.sections import PARAMETER_SERVICES, Contract
from takt.errors import TaktError


def share_folders() -> list[Path]:
    """Where ROS packages keep their definitions, nearest first: sourced prefixes, this Python's prefix, /opt/ros."""
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    prefixes += [Path(sys.prefix), *sorted(Path("/opt/ros").glob("*"), reverse=True)]
    return [prefix / "share" for prefix in prefixes if (prefix / "share").is_dir()]


def definition(ros_type: str, folders: list[Path]) -> str:
    """Text of the .msg or .srv of a type such as ``std_msgs/msg/UInt64``. Raises TaktError when none is installed."""
    package, kind, name = ros_type.split("/")
    for folder in folders:
        file = folder / package / kind / f"{name}.{kind}"
        if file.is_file():
            return file.read_text(encoding="utf-8")
    raise TaktError(
        f"the definition of {ros_type} is not installed",
        f"install the ROS package {package}, or source a ROS that has it (./run does)",
    )


def contract_layouts(contract: Contract, folders: list[Path] | None = None) -> dict[str, Layout]:
    """Name -> layout of every topic and service type of the contract and all they contain, inner types first."""
    searched = share_folders() if folders is None else folders
    layouts: dict[str, Layout] = {}
    for ros_type in sorted({topic.type for topic in contract.topics.values()}):
        _gather(ros_type, searched, layouts)
    for ros_type in sorted({service.type for service in contract.services.values()}):
        _gather_service(ros_type, searched, layouts)
    return layouts


def parameter_layouts(folders: list[Path] | None = None) -> dict[str, Layout]:
    """The same for the services of ROS parameters. The firmware answers these without structs: they do not fit one."""
    searched = share_folders() if folders is None else folders
    layouts: dict[str, Layout] = {}
    for service in PARAMETER_SERVICES.values():
        _gather_service(service.type, searched, layouts)
    return layouts


def message_layouts(ros_type: str, folders: list[Path] | None = None) -> dict[str, Layout]:
    """The same for one message type."""
    layouts: dict[str, Layout] = {}
    _gather(ros_type, share_folders() if folders is None else folders, layouts)
    return layouts


def _gather_service(ros_type: str, folders: list[Path], layouts: dict[str, Layout]) -> None:
    for half in parse_service(ros_type, definition(ros_type, folders)):
        _gather_fields(half, folders, layouts)


def _gather(ros_type: str, folders: list[Path], layouts: dict[str, Layout]) -> None:
    if ros_type not in layouts:
        _gather_fields(parse_message(ros_type, definition(ros_type, folders)), folders, layouts)


def _gather_fields(layout: Layout, folders: list[Path], layouts: dict[str, Layout]) -> None:
    for field in layout.fields:
        if field.is_message:
            _gather(field.base, folders, layouts)
    layouts[layout.name] = layout
