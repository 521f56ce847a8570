"""What this user may ask of Linux: real-time priority, locked memory, files, devices."""

from __future__ import annotations

from dataclasses import asdict

from takt.doctor.check import Finding, InSimulation, check, fail, ok, warn
from takt.doctor.machine import Machine
from takt.realtime.policy import limit_fix

_THEME = "permissions"
_CAP_IPC_LOCK, _CAP_SYS_NICE = 14, 23
_LOCKED_MB = 1024  # the detector with its model maps the most
_FILES = 1024


@check(
    _THEME,
    "Without the right to SCHED_FIFO every stage waits in line with all other programs.",
    InSimulation.ADVICE,
)
def rtprio(machine: Machine) -> Finding:
    needed = max(asdict(machine.contract.scheduling).values())
    if machine.has_capability(_CAP_SYS_NICE):
        return ok("any priority (capability SYS_NICE)")
    granted = machine.limit("Max realtime priority")
    if granted >= needed:
        return ok(f"up to {granted:.0f}, {needed} is asked for")
    return fail(f"up to {granted:.0f}, the contract asks for {needed}", limit_fix("rtprio", "95"))


@check(
    _THEME,
    "Memory that cannot be locked may be taken away, and costs a page fault in the middle of a cycle.",
    InSimulation.ADVICE,
)
def memlock(machine: Machine) -> Finding:
    if machine.has_capability(_CAP_IPC_LOCK):
        return ok("unlimited (capability IPC_LOCK)")
    granted_mb = machine.limit("Max locked memory") / 2**20
    if granted_mb >= _LOCKED_MB:
        return ok("unlimited" if granted_mb == float("inf") else f"{granted_mb:.0f} MB")
    return fail(f"{granted_mb:.0f} MB may be locked", limit_fix("memlock", "unlimited"))


@check(
    _THEME, "Segments, sockets, lines and logs are files; a process that may open no more loses one of them."
)
def nofile(machine: Machine) -> Finding:
    granted = machine.limit("Max open files")
    if granted >= _FILES:
        return ok("unlimited" if granted == float("inf") else f"{granted:.0f} a process")
    return warn(
        f"{granted:.0f} a process",
        f"ulimit -n {_FILES * 4}; for good: {limit_fix('nofile', str(_FILES * 4))}",
    )


@check(
    _THEME,
    "Serial lines belong to the group dialout; without it the agent cannot open the board.",
    InSimulation.NOTHING,
)
def group_dialout(machine: Machine) -> Finding:
    return _group(machine, "dialout")


@check(
    _THEME, "Cameras belong to the group video; without it the camera cannot be opened.", InSimulation.NOTHING
)
def group_video(machine: Machine) -> Finding:
    return _group(machine, "video")


def _group(machine: Machine, name: str) -> Finding:
    if machine.is_root:
        return ok("root needs no group")
    if machine.in_group(name):
        return ok(f"this user is in {name}")
    return fail(f"this user is not in {name}", f"sudo usermod -aG {name} $USER, then log in anew")


CHECKS = (rtprio, memlock, nofile, group_dialout, group_video)
