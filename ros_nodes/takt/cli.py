"""`takt`: one command with a subcommand for each thing a person does with the robot."""

from __future__ import annotations

import importlib
import sys
from functools import partial

from takt.errors import guarded

# name -> (module, what it is for); imported only when called, so that `takt contract` needs no ROS
COMMANDS = {
    "contract": ("takt.contract.command", "check the contract, generate code from it"),
    "demo": ("takt.nodes.demo", "the simulated robot follows its target; a report at the end"),
    "agent": ("takt.link.command", "micro-ROS agent for a board on a serial port"),
    "link replay": ("takt.link.replay", "recorded conversations against our agent: takt link replay DIR"),
    "line": ("takt.line_simulator.command", "a serial line with a rate, delay, faults, cuts and noise"),
    "detect": (
        "takt.vision.detect_command",
        "boxes in pictures, a camera or a film: takt detect --model CARD IMAGE...",
    ),
    "model": (
        "takt.vision.model_command",
        "judge a model, make its INT8 twin: takt model evaluate|quantize CARD",
    ),
    "flash --micropython": (
        "takt.micropython.flash",
        "the MicroPython firmware onto a board: BOARD [--dry-run]",
    ),
    "plant": (
        "takt.simulation.plant_command",
        "the simulated robot at a board's second serial port: takt plant --dev PATH",
    ),
    "twin": ("takt.twin.command", "scenarios in virtual time: takt twin SCENARIO --seed N"),
    "chaos": ("takt.twin.chaos_command", "bad days in virtual time: takt chaos --seeds A-B"),
    "record": ("takt.nodes.record_command", "all that the running robot says, as MCAP, until Ctrl-C"),
    "report": ("takt.report.report_command", "a page about a run: takt report RUN [--out FILE]"),
    "trace": ("takt.report.trace_command", "a run's timeline for Perfetto: takt trace RUN [--out FILE]"),
    "replay": ("takt.replay.command", "a recorded run through today's logic: takt replay RUN"),
    "top": ("takt.monitoring.top", "the running robot on a terminal: takt top [--once] [--url URL]"),
    "gazebo": ("takt.gazebo.command", "the world and the bridge of Gazebo: takt gazebo files [--seed N]"),
    "bench": ("takt.bench", "measure: takt bench NAME [--json FILE]"),
    "prove": ("takt.prove", "long proofs: takt prove NAME [--count N] [--json FILE]"),
    "doctor": ("takt.doctor.command", "what keeps this computer from its deadlines, and the fix"),
    "flash": ("takt.install.flash", "write the firmware to a board: takt flash BOARD [--dry-run]"),
    "install": ("takt.install.command", "systemd units and udev rules for the robot"),
}


def usage() -> str:
    rows = "\n".join(f"  {name:12s} {purpose}" for name, (_, purpose) in COMMANDS.items())
    return f"usage: takt COMMAND [ARGUMENTS]\n\n{rows}\n\ntakt COMMAND --help tells more."


def main(argv: list[str] | None = None) -> int:
    arguments = sys.argv[1:] if argv is None else argv
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    for words in (2, 1):
        name, rest = " ".join(arguments[:words]), arguments[words:]
        if name in COMMANDS:
            return guarded(partial(_run, COMMANDS[name][0], rest))
    print(f"error: no command {arguments[0]!r}. Fix: one of {', '.join(COMMANDS)}", file=sys.stderr)
    return 2


def _run(module: str, arguments: list[str]) -> int:
    return int(importlib.import_module(module).main(arguments))


if __name__ == "__main__":
    sys.exit(main())
