"""The clock on the wall: every stamp, age and ledger record rests on it."""

from __future__ import annotations

from takt import resources
from takt.doctor.check import Finding, InSimulation, check, fail, ok, warn
from takt.doctor.machine import Machine

_THEME = "clock"
_KEEPERS = ("chronyd", "ntpd", "ntpsec", "systemd-timesyn", "ptp4l", "phc2sys")
_INSTALL = "sudo apt-get install chrony && sudo systemctl enable --now chrony"


@check(
    _THEME,
    "A clock that nobody keeps in step drifts seconds a day; stamps of other computers then look old or new.",
    InSimulation.ADVICE,
)
def clock_sync(machine: Machine) -> Finding:
    keepers = [name for name in _KEEPERS if name in machine.processes]
    error_s = machine.clock_error_s()
    if error_s is None:
        who = f"{', '.join(keepers)} runs, but" if keepers else "no chrony, ntpd or timesyncd runs:"
        return warn(
            f"{who} the kernel calls its clock unsynchronised",
            "chronyc -n sources; sudo chronyc makestep" if keepers else _INSTALL,
        )
    limit_s = machine.contract.topics["cmd_vel"].max_age_ms / 1e3
    if error_s > limit_s:
        told = f"in step within {1e3 * error_s:.0f} ms, commands live {1e3 * limit_s:.0f} ms"
        return warn(told, "chronyc -n tracking; a nearer server in /etc/chrony/chrony.conf")
    return ok(f"in step within {1e3 * error_s:.1f} ms ({', '.join(keepers) or 'kept from outside'})")


@check(
    _THEME,
    "Two programs that set the clock pull it to and fro, and each step makes commands look stale.",
    InSimulation.ADVICE,
)
def clock_keepers(machine: Machine) -> Finding:
    keepers = [name for name in _KEEPERS[:4] if name in machine.processes]
    if len(keepers) > 1:
        stop = "systemd-timesyncd" if "systemd-timesyn" in keepers else keepers[-1]
        return fail(f"{' and '.join(keepers)} both set the clock", f"sudo systemctl disable --now {stop}")
    return ok(f"{keepers[0]} alone" if keepers else "no program sets the clock")


@check(
    _THEME,
    "A computer without a battery clock starts in the past and steps forward in the middle of a drive.",
)
def clock_plausible(machine: Machine) -> Finding:
    newest_s = resources.path("config/contract.yaml").stat().st_mtime
    if machine.now_s + 60.0 < newest_s:
        return fail(
            f"the clock stands {(newest_s - machine.now_s) / 3600:.1f} h before the contract was written",
            "sudo systemctl restart chrony (or: sudo date -s 'YYYY-MM-DD HH:MM:SS')",
        )
    return ok("later than the newest change of the contract")


CHECKS = (clock_sync, clock_keepers, clock_plausible)
