"""`takt report RUN`: a page about a run that opens anywhere, without a network and without this program."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from takt.report.page import report_page
from takt.report.run_folder import read_run, stretch_of
from takt.report.write import write_text


def main(argv: list[str]) -> int:
    given = _parser().parse_args(argv)
    record = stretch_of(read_run(given.run), given.from_s, given.to_s)
    write_text(given.out, report_page(record))
    for note in record.notes:
        print(f"note: {note}")
    print(f"{given.out}: {len(record.photon_to_motor_ms())} frames, {len(record.misses)} records of misses")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt report", description="What a run was, as one HTML file.")
    parser.add_argument("run", type=Path, help="the folder of a run, or a recording (.mcap)")
    parser.add_argument(
        "--out", type=Path, default=Path("report.html"), help="the file (default %(default)s)"
    )
    parser.add_argument(
        "--from", dest="from_s", type=float, default=0.0, metavar="S", help="from this second on"
    )
    parser.add_argument("--to", dest="to_s", type=float, default=math.inf, metavar="S", help="up to this one")
    return parser
