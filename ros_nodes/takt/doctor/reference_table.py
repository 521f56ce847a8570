"""Writes the table of docs/doctor.md: `python -m takt.doctor.reference_table`; a test holds the page to it."""

from __future__ import annotations

from takt.doctor.checks import CHECKS

BEGIN, END = "<!-- checks: begin -->", "<!-- checks: end -->"


def table() -> str:
    """One row a check, in the order of the report."""
    rows = ["| check | theme | why it matters | a failure in a simulation |", "|---|---|---|---|"]
    rows += [
        f"| `{check.name}` | {check.theme} | {check.why} | {check.in_simulation.value} |" for check in CHECKS
    ]
    return "\n".join([BEGIN, f"{len(CHECKS)} checks.", "", *rows, END])


if __name__ == "__main__":
    print(table())
