"""`takt contract check` and `takt contract generate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from takt.contract import Contract, feasibility, generate, load
from takt.errors import TaktError
from takt.resources import roots

REBUILD = "then build the firmware again (./run does)"


def main(argv: list[str]) -> int:
    """Run the subcommand. Raises TaktError for bad input; the caller turns that into one line and exit status 2."""
    arguments = _parser().parse_args(argv)
    contract = load(arguments.file)
    if arguments.action == "check":
        return _check(contract)
    return _generate(contract, arguments.out or _source_tree(), arguments.check)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt contract", description=__doc__)
    actions = parser.add_subparsers(dest="action", required=True)
    check = actions.add_parser("check", help="validate the contract and show what has to fit")
    make = actions.add_parser("generate", help="write the code and the page that follow from the contract")
    for action in (check, make):
        action.add_argument(
            "--file", type=Path, help="contract to read (default: the shipped config/contract.yaml)"
        )
    make.add_argument(
        "--check", action="store_true", help="write nothing; fail when a generated file differs"
    )
    make.add_argument("--out", type=Path, help="root below which to write (default: the source tree)")
    return parser


def _check(contract: Contract) -> int:
    for finding in feasibility.findings(contract):
        print(f"{'ok  ' if finding.ok else 'NO  '} {finding.arithmetic}")
    feasibility.require(contract)
    print(f"ok   contract {contract.hash_property}")
    return 0


def _generate(contract: Contract, root: Path, only_check: bool) -> int:
    feasibility.require(contract)
    files = generate.generated_files(contract)
    if only_check:
        differing = generate.outdated(files, root)
        if differing:
            raise TaktError(
                f"not what the contract says: {', '.join(differing)}",
                f"run `takt contract generate`, {REBUILD}",
            )
        print(f"ok   {len(files)} generated files match the contract")
        return 0
    changed = generate.write(files, root)
    for path in changed:
        print(f"wrote {root / path}")
    print(f"{len(changed)} of {len(files)} files changed" + (f"; {REBUILD}" if changed else ""))
    return 0


def _source_tree() -> Path:
    """The source tree's root. Raises TaktError from an installed package, which has no tree to write to."""
    for root in roots():
        if (root / "firmware").is_dir():
            return root
    raise TaktError(
        "generated files belong into the source tree, and this is not one", "name a folder with --out"
    )
