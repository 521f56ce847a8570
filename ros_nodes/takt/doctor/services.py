"""The systemd units that make this computer the robot: there, whole, and running."""

from __future__ import annotations

import re

from takt import graph
from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, warn
from takt.doctor.machine import Machine
from takt.install.command import with_supervisor
from takt.install.units import TARGET

_THEME = "services"
_UNITS = "/etc/systemd/system"
_INSTALL = "sudo -E $(command -v takt) install && sudo systemctl daemon-reload"


def _wanted() -> list[str]:
    return [process.name for process in with_supervisor(graph.robot("/dev/takt_board"), "operator")]


@check(
    _THEME,
    "Without its units nothing starts after a power cut, and nothing is restarted when it dies.",
    InSimulation.NOTHING,
)
def units_installed(machine: Machine) -> Finding:
    missing = [name for name in _wanted() if not machine.exists(f"{_UNITS}/takt-{name}.service")]
    if len(missing) == len(_wanted()):
        return fail("none is installed", _INSTALL)
    if missing:
        return fail(f"missing: {', '.join(f'takt-{name}.service' for name in missing)}", _INSTALL)
    if not machine.exists(f"{_UNITS}/multi-user.target.wants/{TARGET}"):
        return warn(f"{TARGET} does not start by itself", f"sudo systemctl enable --now {TARGET}")
    return ok(f"{len(_wanted())} services and {TARGET}")


@check(
    _THEME,
    "A unit whose program was moved, or without its limits, fails or runs without real time.",
    InSimulation.NOTHING,
)
def units_whole(machine: Machine) -> Finding:
    paths = machine.matching(f"{_UNITS}/takt-*.service")
    if not paths:
        return skip("none is installed")
    for path in paths:
        text, name = machine.text(path) or "", path.split("/")[-1]
        program = re.search(r'^ExecStart="?([^"\s]+)', text, re.MULTILINE)
        if program is None or not machine.exists(program[1]):
            return fail(f"{name} starts {program[1] if program else 'nothing'}, which is not there", _INSTALL)
        if "LimitRTPRIO=" not in text or "LimitMEMLOCK=" not in text:
            return warn(f"{name} asks for no real-time priority or locked memory", _INSTALL)
    return ok(f"{len(paths)} units name programs that exist, and ask for their limits")


@check(
    _THEME, "A service that systemd has given up on stays down until a person looks.", InSimulation.NOTHING
)
def units_running(machine: Machine) -> Finding:
    if not machine.matching(f"{_UNITS}/takt-*.service"):
        return skip("none is installed")
    answer = machine.output("systemctl", "--failed", "--plain", "--no-legend", "list-units", "takt-*")
    if answer is None:
        return skip("systemctl does not answer here")
    failed = [row.split()[0] for row in answer.splitlines() if row.split()]
    if failed:
        return fail(
            f"failed: {', '.join(failed)}",
            f"journalctl -u {failed[0]} -n 50; then sudo systemctl reset-failed && sudo systemctl start {TARGET}",
        )
    return ok("none has failed")


CHECKS = (units_installed, units_whole, units_running)
