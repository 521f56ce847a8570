"""The processor: is it given whole, awake and at speed when a deadline comes?"""

from __future__ import annotations

import re

from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, unknown, warn
from takt.doctor.machine import Machine
from takt.realtime.wakefulness import udev_rule_fix

_THEME = "processor"
_CPU = "/sys/devices/system/cpu"
_FEWEST = 2
_SLOW_WAKE_US = 100
_STEAL_WARN, _STEAL_FAIL = 0.005, 0.05
_PRESSURE_PERCENT = 20.0
_HOT_MARGIN_C = 10.0
_PI_THROTTLED = "/sys/devices/platform/soc/soc:firmware/get_throttled"


@check(
    _THEME, "Camera, detector, planner and agent run at the same time; on one CPU each waits for the others."
)
def cpu_count(machine: Machine) -> Finding:
    count = len(machine.matching(f"{_CPU}/cpu[0-9]*"))
    if not count:
        return unknown(f"{_CPU} lists no CPU")
    offline = machine.text(f"{_CPU}/offline") or ""
    if offline:
        wake = (
            f"echo 1 | sudo tee {_CPU}/cpu{re.split('[,-]', offline)[0]}/online (Jetson: sudo nvpmodel -m 0)"
        )
        return warn(f"{count} CPUs, of which {offline} are switched off", wake)
    if count < _FEWEST:
        return warn(f"{count} CPU", "give it two or more: another computer, or more virtual CPUs")
    return ok(f"{count} CPUs, all on")


@check(
    _THEME,
    "A control group's quota stops every thread at once, for tens of milliseconds, when it is used up.",
)
def cpu_quota(machine: Machine) -> Finding:
    rows = (machine.text("/proc/self/cgroup") or "").splitlines()
    own = next((row[3:].rstrip("/") for row in rows if row.startswith("0::")), "")
    words = (machine.text(f"/sys/fs/cgroup{own}/cpu.max") or "max").split()
    if words[0] == "max":
        return ok("no quota")
    share = int(words[0]) / int(words[1])
    return warn(
        f"this control group may use {share:.2f} CPUs, then it stands still",
        "docker run without --cpus, or systemctl set-property SLICE CPUQuota=",
    )


@check(
    _THEME,
    "A slow clock rate makes each stage longer, and each change of it is a pause.",
    InSimulation.ADVICE,
)
def governor(machine: Machine) -> Finding:
    paths = machine.matching(f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor")
    found = sorted({machine.text(path) or "?" for path in paths})
    if not found:
        return skip("this kernel does not set the CPUs' clock rate")
    if found == ["performance"]:
        return ok("performance on all CPUs")
    fix = f"echo performance | sudo tee {_CPU}/cpu*/cpufreq/scaling_governor (Jetson: sudo jetson_clocks)"
    return warn(f"{', '.join(found)}, not performance", fix)


@check(
    _THEME,
    "A CPU in deep sleep takes up to a millisecond to wake, just when a frame or a byte comes.",
    InSimulation.ADVICE,
)
def c_states(machine: Machine) -> Finding:
    held_us = _dma_latency_us(machine)
    deep = {}
    for state in machine.matching(f"{_CPU}/cpu[0-9]*/cpuidle/state[0-9]*"):
        wake_us = machine.number(f"{state}/latency") or 0
        if wake_us > _SLOW_WAKE_US and machine.number(f"{state}/disable") != 1:
            deep[machine.text(f"{state}/name") or state] = wake_us
    if not deep:
        return ok(f"no sleep takes more than {_SLOW_WAKE_US} us to wake from")
    slowest = max(deep, key=lambda name: deep[name])
    if held_us is not None and held_us <= _SLOW_WAKE_US:
        return ok(f"{slowest} takes {deep[slowest]} us, but cpu_dma_latency is held at {held_us} us")
    return warn(
        f"waking from {slowest} takes {deep[slowest]} us",
        f"sudo cpupower idle-set -D {_SLOW_WAKE_US} (or hold /dev/cpu_dma_latency at 0 while the robot runs)",
    )


@check(
    _THEME,
    "Whoever may open cpu_dma_latency can forbid deep sleep for as long as the robot runs.",
    InSimulation.NOTHING,
)
def cpu_dma_latency(machine: Machine) -> Finding:
    device = "/dev/cpu_dma_latency"
    if not machine.exists(device):
        return skip("this kernel has no such device")
    held_us = _dma_latency_us(machine)
    told = (
        ""
        if held_us is None
        else f"; {held_us} us is held now"
        if held_us < 2_000_000_000
        else "; nothing is held now"
    )
    if machine.may_use(device):
        return ok(f"may be opened{told}")
    return warn(f"{device} is closed to this user", udev_rule_fix())


def _dma_latency_us(machine: Machine) -> int | None:
    """What is held at this moment; the device answers a read with four bytes."""
    try:
        with machine.on_disk("/dev/cpu_dma_latency").open("rb") as device:
            answer = device.read(4)
    except OSError:
        return None
    return int.from_bytes(answer, "little", signed=True) if len(answer) == 4 else None


@check(_THEME, "At its limit of heat the processor slows down by itself, mid-drive.")
def temperature(machine: Machine) -> Finding:
    hottest: tuple[float, str] | None = None
    for zone in machine.matching("/sys/class/thermal/thermal_zone*"):
        milli_c, limit = machine.number(f"{zone}/temp"), _throttle_limit(machine, zone)
        if milli_c is None or limit is None:
            continue
        margin, kind = (limit - milli_c) / 1000.0, machine.text(f"{zone}/type") or zone
        if hottest is None or margin < hottest[0]:
            hottest = (margin, f"{kind}: {milli_c / 1000:.0f} C, it slows down at {limit / 1000:.0f} C")
    if hottest is None:
        return skip("no sensor with a limit")
    if hottest[0] <= 0.0:
        return fail(hottest[1], "give it a fan or a lower power mode, and let it cool")
    return (
        warn(hottest[1], "give it a fan, or a lower power mode")
        if hottest[0] < _HOT_MARGIN_C
        else ok(hottest[1])
    )


def _throttle_limit(machine: Machine, zone: str) -> int | None:
    limits = []
    for kind in machine.matching(f"{zone}/trip_point_*_type"):
        at = machine.number(kind.replace("_type", "_temp"))
        if machine.text(kind) in ("passive", "hot", "critical") and at is not None and at > 0:
            limits.append(at)
    return min(limits, default=None)


@check(
    _THEME,
    "It has been slowed down since boot, by heat or a weak supply; it will be again under the same load.",
)
def throttled(machine: Machine) -> Finding:
    counts = machine.matching(f"{_CPU}/cpu[0-9]*/thermal_throttle/*_throttle_count")
    pi = machine.text(_PI_THROTTLED)
    if not counts and pi is None:
        return skip("this processor does not count it")
    bits = int(pi, 16) if pi else 0
    if bits & 0x10001:
        return fail(
            "the supply's voltage fell too low (Raspberry Pi)",
            "use a supply of 5 V, 3 A or more, and a short cable",
        )
    total = sum(machine.number(path) or 0 for path in counts)
    if total or bits:
        return warn(
            f"slowed down by heat {total or 'at least 1'} times since boot",
            "give it a fan, or a lower power mode",
        )
    return ok("never since boot")


@check(
    _THEME,
    "While the hypervisor runs someone else, every deadline of this machine passes unseen.",
    InSimulation.ADVICE,
)
def steal(machine: Machine) -> Finding:
    words = (machine.text("/proc/stat") or "").splitlines()[0].split()
    ticks = [int(word) for word in words[1:9]]
    share = ticks[7] / max(sum(ticks), 1)
    busy = share * sum(ticks) / max(sum(ticks) - ticks[3] - ticks[4], 1)
    told = f"{100 * share:.2f} % of all time since boot, {100 * busy:.2f} % of the busy time"
    fix = "use a computer of its own, or pin the virtual CPUs (virsh vcpupin) and do not share them"
    if busy > _STEAL_FAIL:
        return fail(told, fix)
    if busy > _STEAL_WARN:
        return warn(told, fix)
    return ok(f"{told}; {'a virtual machine' if _is_virtual(machine) else 'no hypervisor'}")


@check(
    _THEME,
    "Time slices, pauses and timers of a virtual machine are another's decision.",
    InSimulation.NOTHING,
)
def bare_metal(machine: Machine) -> Finding:
    if _is_virtual(machine):
        return warn("this is a virtual machine", "run the robot on the computer itself")
    return ok("no hypervisor")


def _is_virtual(machine: Machine) -> bool:
    cpus = machine.text("/proc/cpuinfo") or ""
    return re.search(r"^flags\s*:.*\bhypervisor\b", cpus, re.MULTILINE) is not None


@check(_THEME, "What already waits for a CPU now will wait beside the robot too.")
def pressure(machine: Machine) -> Finding:
    some = re.search(r"^some .*avg60=([\d.]+)", machine.text("/proc/pressure/cpu") or "", re.MULTILINE)
    if some is None:
        return skip("this kernel does not tell (psi=1 on its command line)")
    percent = float(some[1])
    told = f"in {percent:.1f} % of the last minute something waited for a CPU"
    return (
        warn(told, "ps -eo pcpu,comm --sort=-pcpu | head, and end what is not needed")
        if percent > _PRESSURE_PERCENT
        else ok(told)
    )


@check(_THEME, "A Jetson in a saving mode switches CPUs off and halves the GPU.", InSimulation.NOTHING)
def power_mode(machine: Machine) -> Finding:
    if not machine.is_tegra:
        return skip("no Jetson")
    modes = re.findall(r"POWER_MODEL\s+ID=(\d+)\s+NAME=(\S+)", machine.text("/etc/nvpmodel.conf") or "")
    now = re.search(r"\d+", machine.text("/var/lib/nvpmodel/status") or "")
    if not modes or now is None:
        return unknown("nvpmodel's mode cannot be read", "sudo nvpmodel -q")
    names = {int(number): name for number, name in modes}
    best = next((number for number, name in names.items() if "MAXN" in name), None)
    name = names.get(int(now[0]), "?")
    if best is None or "MAXN" in name:
        return ok(f"mode {name}")
    return warn(f"mode {name}", f"sudo nvpmodel -m {best} && sudo jetson_clocks")


CHECKS = (
    cpu_count,
    cpu_quota,
    governor,
    c_states,
    cpu_dma_latency,
    temperature,
    throttled,
    steal,
    bare_metal,
    pressure,
    power_mode,
)
