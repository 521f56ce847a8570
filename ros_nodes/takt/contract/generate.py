"""Writes every file that follows from the contract, or tells which of them are out of date."""

from __future__ import annotations

from pathlib import Path

from takt.contract import (
    c_contract,
    c_messages,
    micropython_contract,
    micropython_messages,
    python_constants,
    python_messages,
    reference_table,
)
from takt.contract.ros_definitions import contract_layouts, parameter_layouts
from takt.contract.sections import Contract
from takt.errors import TaktError
from takt.monitoring import alerts, panels

C_FOLDER = "firmware/core/generated"
PYTHON_FOLDER = "ros_nodes/takt/contract/generated"
MICROPYTHON_FOLDER = "firmware/micropython/generated"
MONITORING_FOLDER = "config/generated"


def generated_files(contract: Contract, share_folders: list[Path] | None = None) -> dict[str, str]:
    """Path below the repository's root -> text. Raises TaktError when a message definition is not installed."""
    layouts = contract_layouts(contract, share_folders)
    host_layouts = layouts | parameter_layouts(share_folders)
    return {
        f"{C_FOLDER}/takt_contract.h": c_contract.header_text(contract),
        f"{C_FOLDER}/takt_contract.c": c_contract.source_text(contract),
        f"{C_FOLDER}/parameter_table.c": c_contract.parameters_text(contract),
        f"{C_FOLDER}/takt_messages.h": c_messages.header_text(layouts),
        f"{C_FOLDER}/takt_messages.c": c_messages.source_text(layouts),
        f"{PYTHON_FOLDER}/messages.py": python_messages.source_text(host_layouts),
        f"{PYTHON_FOLDER}/constants.py": python_constants.source_text(contract),
        f"{MICROPYTHON_FOLDER}/takt_contract.py": micropython_contract.source_text(contract),
        f"{MICROPYTHON_FOLDER}/takt_messages.py": micropython_messages.source_text(layouts),
        f"{MONITORING_FOLDER}/{alerts.RULES_FILE}": alerts.rules_text(contract),
        f"{MONITORING_FOLDER}/{alerts.CONFIG_FILE}": alerts.config_text(),
        f"{MONITORING_FOLDER}/{panels.DASHBOARD_FILE}": panels.dashboard_text(contract),
        "docs/contract.md": reference_table.text(contract, host_layouts),
    }


def outdated(files: dict[str, str], root: Path) -> list[str]:
    """Paths whose file below ``root`` is missing or holds another text."""
    return [path for path, text in files.items() if _on_disk(root / path) != text]


def write(files: dict[str, str], root: Path) -> list[str]:
    """Write what is outdated and return those paths; other files keep their time stamp, so builds stay incremental."""
    changed = outdated(files, root)
    for path in changed:
        try:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(files[path], encoding="utf-8", newline="\n")
        except OSError as error:
            raise TaktError(
                f"{root / path} cannot be written: {error.strerror}", "name a writable --out"
            ) from error
    return changed


def _on_disk(file: Path) -> str | None:
    return file.read_bytes().decode("utf-8", "replace") if file.is_file() else None
