"""`takt gazebo files`: writes the world of a seed and the bridge's YAML, or checks those that ship."""

from __future__ import annotations

import argparse
from pathlib import Path

import takt.contract
from takt.errors import TaktError
from takt.gazebo.topics import bridge_yaml
from takt.gazebo.world import world_sdf
from takt.resources import roots
from takt.simulation.scenario import Scenario

FOLDER = "sim/gazebo/generated"
WORLD_FILE, BRIDGE_FILE = "follow.sdf", "bridge.yaml"


def files(seed: int) -> dict[str, str]:
    """Name -> text of what Gazebo and its bridge are given for this seed."""
    contract = takt.contract.load()
    return {WORLD_FILE: world_sdf(Scenario.from_seed(seed, contract), contract), BRIDGE_FILE: bridge_yaml()}


def write(folder: Path, seed: int) -> Path:
    """Write them; returns the world's path. Raises TaktError where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files(seed).items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise TaktError(f"{folder} cannot be written: {error.strerror}", "name another with --out") from None
    return folder / WORLD_FILE


def main(argv: list[str]) -> int:
    """Entry of the subcommand."""
    options = _parser().parse_args(argv)
    folder = options.out or roots()[0] / FOLDER
    if not options.check:
        print(f"wrote {write(folder, options.seed)} and {BRIDGE_FILE}")
        return 0
    stale = [name for name, content in files(options.seed).items() if _read(folder / name) != content]
    if stale:
        raise TaktError(f"{folder}: {', '.join(stale)} differs from its sources", "run: takt gazebo files")
    print(f"ok   {folder} matches the URDF, the contract and seed {options.seed}")
    return 0


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _seed(given: str) -> int:
    if not given.isdigit():
        raise argparse.ArgumentTypeError("a seed is a whole number, 0 or more")
    return int(given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt gazebo", description=__doc__)
    parser.add_argument("what", choices=["files"])
    parser.add_argument("--seed", type=_seed, default=1, help="of the arena and the target's way")
    parser.add_argument("--out", type=Path, help=f"folder (default: {FOLDER} of the source tree)")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a file differs")
    return parser
