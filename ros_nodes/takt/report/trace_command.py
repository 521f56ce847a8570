"""`takt trace RUN`: host and board on one timeline, for <https://ui.perfetto.dev> or chrome://tracing."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from takt.report.run_folder import read_run, stretch_of
from takt.report.trace import trace
from takt.report.write import write_text


def main(argv: list[str]) -> int:
    given = _parser().parse_args(argv)
    record = stretch_of(read_run(given.run), given.from_s, given.to_s)
    text = json.dumps(trace(record), separators=(",", ":"), allow_nan=False)
    write_text(given.out, text)
    for note in record.notes:
        print(f"note: {note}")
    print(
        f"{given.out}: {len(record.journeys)} journeys, {len(record.cycles)} cycles, {len(record.misses)} misses"
    )
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takt trace", description="One timeline of host and board, in the JSON that Perfetto opens."
    )
    parser.add_argument("run", type=Path, help="the folder of a run, or a recording (.mcap)")
    parser.add_argument("--out", type=Path, default=Path("trace.json"), help="the file (default %(default)s)")
    parser.add_argument(
        "--from", dest="from_s", type=float, default=0.0, metavar="S", help="from this second on"
    )
    parser.add_argument("--to", dest="to_s", type=float, default=math.inf, metavar="S", help="up to this one")
    return parser
