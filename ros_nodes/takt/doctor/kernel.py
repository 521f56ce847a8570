"""The kernel: how it schedules, which CPUs it sets apart, what it lets a real-time class do."""

from __future__ import annotations

import re

from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, unknown, warn
from takt.doctor.machine import Machine

_THEME = "kernel"
_SETTLED_AFTER_S = 60.0
_GOOD_CLOCKS = ("tsc", "arch_sys_counter", "kvm-clock", "hyperv_clocksource_tsc_page")
_BOOT_LINE = (
    "edit the kernel's command line (/etc/default/grub and sudo update-grub; "
    "Jetson: /boot/extlinux/extlinux.conf)"
)


@check(
    _THEME,
    "Without PREEMPT_RT a driver or another program can hold up a FIFO thread for milliseconds.",
    InSimulation.NOTHING,
)
def preempt_rt(machine: Machine) -> Finding:
    version = machine.text("/proc/version") or ""
    if machine.text("/sys/kernel/realtime") == "1" or re.search(r"\bPREEMPT_RT\b", version):
        return ok("this kernel is PREEMPT_RT (tails are shorter; it is still soft real time)")
    if not version:
        return unknown("/proc/version cannot be read")
    kind = next((word for word in version.split() if word.startswith("PREEMPT")), "no preemption")
    return warn(f"kernel {version.split()[2]} is {kind}, not PREEMPT_RT", _rt_kernel(machine))


def _rt_kernel(machine: Machine) -> str:
    if machine.is_tegra:
        return "sudo apt-get install nvidia-l4t-rt-kernel, then boot it (/boot/extlinux/extlinux.conf)"
    if "ubuntu" in (machine.text("/etc/os-release") or "").lower():
        return "sudo pro enable realtime-kernel && sudo reboot"
    arch = {"x86_64": "amd64", "aarch64": "arm64"}.get(machine.architecture, machine.architecture)
    return f"sudo apt-get install linux-image-rt-{arch} && sudo reboot"


@check(
    _THEME,
    "CPUs set apart by isolcpus serve only threads that are pinned to them; the others share what is left.",
    InSimulation.ADVICE,
)
def isolated_cpus(machine: Machine) -> Finding:
    isolated = isolated_set(machine)
    if not isolated:
        return ok("no CPU is set apart, and Takt needs none")
    left = cpu_set(machine.text("/sys/devices/system/cpu/online") or "") - isolated
    pinned = pinned_set(machine)
    if isolated & pinned:
        return ok(f"CPUs {listed(isolated)} are set apart, and Takt's units are pinned to {listed(pinned)}")
    return warn(
        f"CPUs {listed(isolated)} are set apart and no unit of Takt is pinned to them: the robot shares {len(left)}",
        "sudo systemctl edit takt-agent.service, add [Service] CPUAffinity="
        f"{listed(isolated)}; or take isolcpus away: {_BOOT_LINE}",
    )


@check(
    _THEME,
    "A CPU that is set apart and keeps its tick is interrupted hundreds of times a second.",
    InSimulation.NOTHING,
)
def nohz_full(machine: Machine) -> Finding:
    return _beside_isolated(
        machine, "nohz_full", cpu_set(machine.text("/sys/devices/system/cpu/nohz_full") or "")
    )


@check(
    _THEME,
    "RCU callbacks of the whole computer run on a CPU that is set apart unless they are moved away.",
    InSimulation.NOTHING,
)
def rcu_nocbs(machine: Machine) -> Finding:
    return _beside_isolated(machine, "rcu_nocbs", boot_cpus(machine, "rcu_nocbs"))


def _beside_isolated(machine: Machine, flag: str, flagged: set[int]) -> Finding:
    isolated, flagged = isolated_set(machine), flagged | boot_cpus(machine, flag)
    if not isolated and not flagged:
        return ok("not set, and not needed while no CPU is set apart")
    if isolated <= flagged:
        return ok(f"{flag} covers CPUs {listed(flagged)}")
    return warn(
        f"CPUs {listed(isolated - flagged)} are set apart without {flag}",
        f"add {flag}={listed(isolated)}: {_BOOT_LINE}, then reboot",
    )


@check(
    _THEME,
    "The throttle decides whether FIFO threads run at all, and whether one that never sleeps freezes Linux.",
)
def rt_throttling(machine: Machine) -> Finding:
    runtime = machine.number("/proc/sys/kernel/sched_rt_runtime_us")
    period = machine.number("/proc/sys/kernel/sched_rt_period_us")
    if runtime is None or period is None:
        return unknown("/proc/sys/kernel/sched_rt_runtime_us cannot be read")
    fix = "sudo sysctl -w kernel.sched_rt_runtime_us=950000 (keep it: /etc/sysctl.d/60-takt.conf)"
    if runtime == 0:
        return fail("real-time threads get no time at all (sched_rt_runtime_us is 0)", fix)
    if runtime < 0:
        return warn("the throttle is off: a FIFO thread that never sleeps freezes the computer", fix)
    if runtime < 0.8 * period:
        return warn(f"FIFO threads are stopped after {100 * runtime / period:.0f} % of a period", fix)
    return ok(f"FIFO threads may use {100 * runtime / period:.0f} % of each {period / 1e6:.0f} s")


@check(
    _THEME, "With RT_GROUP_SCHED a control group without real-time budget refuses SCHED_FIFO even to root."
)
def rt_group(machine: Machine) -> Finding:
    own = re.search(
        r"^\d+:[^:\n]*\bcpu\b[^:\n]*:(.*)$", machine.text("/proc/self/cgroup") or "", re.MULTILINE
    )
    path = f"/sys/fs/cgroup/cpu{own[1].rstrip('/')}/cpu.rt_runtime_us" if own else ""
    budget_us = machine.number(path) if own else None
    if budget_us is None:
        return ok("control groups do not ration real time here")
    if budget_us == 0:
        return fail(
            f"this control group may not use SCHED_FIFO ({path} is 0)", f"echo 900000 | sudo tee {path}"
        )
    return ok(f"this control group may use {budget_us} us of real time a second")


@check(
    _THEME,
    "Every stage reads the clock many times a frame; a slow source costs microseconds each and may jump.",
)
def clock_source(machine: Machine) -> Finding:
    folder = "/sys/devices/system/clocksource/clocksource0"
    current, others = (
        machine.text(f"{folder}/current_clocksource"),
        machine.text(f"{folder}/available_clocksource"),
    )
    if current is None:
        return unknown("the kernel does not tell its clock source")
    better = [name for name in _GOOD_CLOCKS if name in (others or "").split()]
    if current in _GOOD_CLOCKS:
        return ok(current)
    if better:
        return warn(
            f"{current}, though {better[0]} is there",
            f"echo {better[0]} | sudo tee {folder}/current_clocksource",
        )
    return warn(
        f"{current}: the kernel found its faster source unfit (dmesg | grep -i clocksource)",
        f"add tsc=reliable if the computer's clock is known to be good: {_BOOT_LINE}",
    )


@check(
    _THEME,
    "In the first minute services start, disks are checked and clocks step: figures of that time mean little.",
)
def uptime(machine: Machine) -> Finding:
    up_s = float((machine.text("/proc/uptime") or "").split()[0])
    if up_s < _SETTLED_AFTER_S:
        return warn(
            f"started {up_s:.0f} s ago", f"sleep {_SETTLED_AFTER_S - up_s:.0f}, then run takt doctor again"
        )
    return ok(f"started {up_s / 3600:.1f} h ago")


@check(_THEME, "A warning or oops of the kernel may have left a driver half alive.", InSimulation.ADVICE)
def kernel_health(machine: Machine) -> Finding:
    taint = machine.number("/proc/sys/kernel/tainted")
    if taint is None:
        return unknown("/proc/sys/kernel/tainted cannot be read")
    told = {7: "it died once (oops)", 9: "it warned", 4: "a machine check", 14: "a soft lockup"}
    bad = [what for bit, what in told.items() if taint >> bit & 1]
    if bad:
        return warn(f"since boot: {', '.join(bad)}", "sudo dmesg --level=err,warn | less, then sudo reboot")
    return ok("no oops, warning, machine check or lockup since boot")


@check(_THEME, "The figures in the documents were taken on Linux, in C and Python compiled for 64 bits.")
def platform(machine: Machine) -> Finding:
    release = re.search(r'^PRETTY_NAME="?([^"\n]*)', machine.text("/etc/os-release") or "", re.MULTILINE)
    name = release[1] if release else "an unnamed Linux"
    if machine.architecture in ("x86_64", "aarch64"):
        return ok(f"{name}, {machine.architecture}")
    return skip(f"{name}, {machine.architecture}: never tried")


def isolated_set(machine: Machine) -> set[int]:
    """CPUs that the scheduler leaves alone, by boot flag or by partition."""
    return cpu_set(machine.text("/sys/devices/system/cpu/isolated") or "") | boot_cpus(machine, "isolcpus")


def boot_cpus(machine: Machine, flag: str) -> set[int]:
    """The CPUs of a boot flag such as ``isolcpus=domain,2-3``."""
    found = re.search(rf"(?:^|\s){flag}=(\S+)", machine.text("/proc/cmdline") or "")
    return cpu_set(found[1]) if found else set()


def pinned_set(machine: Machine) -> set[int]:
    """CPUs that units of Takt, or their drop-ins, are pinned to."""
    folder, found = "/etc/systemd/system", set()
    for path in machine.matching(f"{folder}/takt-*.service") + machine.matching(
        f"{folder}/takt-*.service.d/*.conf"
    ):
        for row in re.findall(r"^CPUAffinity=(.*)$", machine.text(path) or "", re.MULTILINE):
            found |= cpu_set(row.replace(" ", ","))
    return found


def cpu_set(text: str) -> set[int]:
    """``0,2-3`` as numbers; words between them (isolcpus=managed_irq,2) and strides are left out."""
    found: set[int] = set()
    for first, last in re.findall(r"(?:^|,)(\d+)(?:-(\d+))?(?=[,:\s]|$)", text):
        found |= set(range(int(first), min(int(last or first), 4095) + 1))
    return found


def listed(cpus: set[int]) -> str:
    return ",".join(str(cpu) for cpu in sorted(cpus))


CHECKS = (
    platform,
    preempt_rt,
    isolated_cpus,
    nohz_full,
    rcu_nocbs,
    rt_throttling,
    rt_group,
    clock_source,
    uptime,
    kernel_health,
)
