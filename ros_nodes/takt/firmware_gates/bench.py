"""`takt bench firmware`: instructions, sizes, stack, mutation score and coverage of the firmware in one table.

Counts and sizes are exact, so they are compared by equality with the committed row of the same toolchain: a change
is no accident but a commit (--write). Mutation and coverage come from the committed report; --full measures them anew.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from takt.firmware_gates import arm_build, instructions, report, sizes
from takt.firmware_gates.tree import WORK, has_emulator, require_tree

TICK_LIMIT = 3000


def main(argv: list[str]) -> int:
    """Entry of `takt bench firmware`; 1 only with --check, when a figure differs or misses its goal."""
    options = _arguments(argv)
    require_tree()
    if options.full:
        _measure_report()
    row, figures, wrong = _measure()
    committed = report.load(report.TABLE)
    if options.write and row:
        committed[row] = figures
        report.store(report.TABLE, committed)
    last = report.load(report.REPORT)
    wrong += report.judge(last) + _differences(row, figures, committed)
    notes = [
        f"the report on {part} is of older files; run: ./run bench firmware --full"
        for part in report.stale(last)
    ]
    notes += report.nameless(last)
    _print(row, figures, committed, report.figures(last))
    for line in [*(f"WRONG: {text}" for text in wrong), *(f"note: {text}" for text in notes)]:
        print(line)
    if options.json:
        flat = {**figures, **report.figures(last), "toolchain": row, "wrong": wrong, "notes": notes}
        options.json.write_text(json.dumps(flat, indent=2) + "\n")
    return 1 if options.check and wrong else 0


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="takt bench firmware", description=__doc__.split("\n")[0] if __doc__ else ""
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as one flat object")
    parser.add_argument(
        "--full", action="store_true", help="measure mutation and coverage anew (about 10 minutes)"
    )
    parser.add_argument("--write", action="store_true", help="make the exact figures the committed ones")
    parser.add_argument("--check", action="store_true", help="exit 1 if a figure differs or misses its goal")
    return parser.parse_args(argv)


def _measure() -> tuple[str | None, dict[str, int], list[str]]:
    """Toolchain, its figures, and what is wrong with them; nothing where the toolchain is missing."""
    row = arm_build.toolchain()
    if row is None:
        return None, {}, []
    figures, wrong = sizes.measure()
    if has_emulator():
        figures.update(instructions.control_tick())
        figures.update(instructions.link_parts())
        if figures["control_tick_instructions_max"] > TICK_LIMIT:
            wrong.append(
                f"a control tick takes up to {figures['control_tick_instructions_max']} instructions"
            )
    return row, figures, wrong


def _differences(row: str | None, figures: dict[str, int], committed: dict[str, Any]) -> list[str]:
    if row not in committed:
        return []
    expected = committed[row]
    return [
        f"{name} is {figures.get(name, 'gone')}, committed is {expected.get(name, 'nothing')}"
        "; if that is meant: ./run bench firmware --write, and commit"
        for name in sorted({*figures, *(expected if has_emulator() else ())})
        if figures.get(name) != expected.get(name)
    ]


def _print(
    row: str | None,
    figures: dict[str, int],
    committed: dict[str, Any],
    reported: dict[str, float],
) -> None:
    others = [name for name in committed if name != row]
    if row is None:
        print("not compared: no ARM compiler with picolibc here (gcc-arm-none-eabi, picolibc-arm-none-eabi)")
    elif row not in committed:
        print(f"not compared: no committed row for {row}, only for {', '.join(others) or 'none'}")
    elif not has_emulator():
        print("instructions not compared: no qemu-system-arm here")
    columns = [*([row] if row else []), *(f"committed: {name}" for name in committed)]
    print(f"{'Cortex-M4F, -Os':58}" + "".join(f"{name:>42}" for name in columns))
    names = list(dict.fromkeys([*figures, *(key for part in committed.values() for key in part)]))
    for name in names:
        values = [
            *([figures.get(name, "-")] if row else []),
            *(part.get(name, "-") for part in committed.values()),
        ]
        print(f"{name:58}" + "".join(f"{value:>42}" for value in values))
    for name, value in reported.items():
        print(f"{name:58}{value:>42}  (firmware/bench/report.json)")


def _measure_report() -> None:
    """Mutation and coverage, from the journal where it knows; writes the committed report."""
    from takt.firmware_gates import coverage, mutation

    workshop = mutation.Workshop(WORK / "mutation")
    parts = {}
    for name in mutation.TESTS:
        verdicts = mutation.Judge(name, workshop, mutation.Journal(WORK / "mutation", name)).run()
        parts[name] = mutation.summary(name, verdicts)
        print(f"{name}: {parts[name]['killed']} of {parts[name]['mutants']} mutants killed", file=sys.stderr)
    report.store(report.REPORT, report.make(parts, coverage.measure()))
