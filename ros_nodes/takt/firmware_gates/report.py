"""The committed figures, in firmware/bench: `table.json`, a row of exact numbers a toolchain, and `report.json`,
mutation and coverage as last measured, tied to a hash of the measured sources.

The hash is over the sources' tokens: a comment changes nothing.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from takt.firmware_gates.c_tokens import tokens
from takt.firmware_gates.coverage import Covered
from takt.firmware_gates.tree import BENCH, CORE, core_sources

TABLE = BENCH / "table.json"
REPORT = BENCH / "report.json"
REASONS = BENCH / "survivors.yaml"
SCORED = ("safety", "age_gate", "pid", "ledger", "framing")
LEAST_SCORE = 0.95


def hash_of(paths: list[Path]) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(" ".join(token.text for token in tokens(path.read_text())).encode() + b"\0")
    return digest.hexdigest()[:16]


def load(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text())) if path.exists() else {}


def store(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=2, sort_keys=True) + "\n")


def make(mutation: dict[str, dict[str, Any]], coverage: dict[str, Covered]) -> dict[str, Any]:
    """The report of a full measurement, with the reason of each survivor that REASONS knows."""
    reasons = _reasons()
    for name, part in mutation.items():
        part["source"] = hash_of([CORE / "src" / f"{name}.c"])
        for survivor in part["survivors"]:
            key = (name, survivor["function"], survivor["change"])
            survivor["reason"] = reasons.get(key, "")
    parts = [asdict(covered) for covered in coverage.values()]
    totals = {
        key: sum(part[key] for part in parts) for key in ("lines", "lines_run", "branches", "branches_taken")
    }
    return {
        "mutation": mutation,
        "coverage": {
            "source": hash_of(core_sources()),
            **totals,
            "missing": [place for part in parts for place in part["missing"]],
        },
    }


def _reasons() -> dict[tuple[str, str, str], str]:
    """By file, function and change. An entry of the file lists changes that share a reason."""
    found = {}
    for entry in yaml.safe_load(REASONS.read_text()) or [] if REASONS.exists() else []:
        for change in entry["changes"]:
            found[(entry["file"], entry["function"], change)] = " ".join(entry["reason"].split())
    return found


def figures(report: dict[str, Any]) -> dict[str, float]:
    """The flat figures of a report; empty if there is none."""
    if not report:
        return {}
    scored = [report["mutation"][name] for name in SCORED]
    coverage = report["coverage"]
    killed, total = (sum(part[key] for part in scored) for key in ("killed", "mutants"))
    return {
        "mutants": total,
        "mutation_score": round(killed / total, 4),
        "line_coverage": round(coverage["lines_run"] / coverage["lines"], 4),
        "branch_coverage": round(coverage["branches_taken"] / coverage["branches"], 4),
    }


def stale(report: dict[str, Any]) -> list[str]:
    """What of the report speaks of older files."""
    if not report:
        return ["mutation and coverage"]
    old = [
        f"mutation of {name}.c"
        for name in SCORED
        if report["mutation"][name]["source"] != hash_of([CORE / "src" / f"{name}.c"])
    ]
    if report["coverage"]["source"] != hash_of(core_sources()):
        old.append("coverage of firmware/core")
    return old


def judge(report: dict[str, Any]) -> list[str]:
    """What of the report misses its goal."""
    wrong = []
    found = figures(report)
    if found and found["mutation_score"] < LEAST_SCORE:
        wrong.append(f"the mutation score is {found['mutation_score']}, the least allowed is {LEAST_SCORE}")
    if found and min(found["line_coverage"], found["branch_coverage"]) < 1:
        wrong.append(f"not covered: {', '.join(report['coverage']['missing'])}; test it, or take it out")
    return wrong


def nameless(report: dict[str, Any]) -> list[str]:
    """Survivors that REASONS does not explain and whose machine code differs from the original's."""
    return [
        f"no reason for the survivor {name}.c:{survivor['line']} {survivor['change']}"
        for name in (SCORED if report else ())
        for survivor in report["mutation"][name]["survivors"]
        if not (survivor["reason"] or survivor["equal_machine_code"])
    ]
