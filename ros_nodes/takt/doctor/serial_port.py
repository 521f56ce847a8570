"""The board's serial line: is it there, ours alone, and does nothing gather its bytes?"""

from __future__ import annotations

import os
import re

from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, warn
from takt.doctor.kernel import cpu_set, isolated_set, listed
from takt.doctor.machine import Machine
from takt.install.units import KNOWN_BOARDS

_THEME = "serial line"
_RULES = "/etc/udev/rules.d/99-takt.rules"
_LOW_LATENCY = 1 << 13  # ASYNC_LOW_LATENCY of <linux/tty_flags.h>
_USB_HOSTS = re.compile(r"xhci|ehci|ohci|uhci|dwc[23]|tegra-xusb", re.IGNORECASE)
_FIRMWARE = "takt_firmware"
_NO_PORT = "no board is connected (see port_present)"
_RELOAD = "sudo udevadm control --reload && sudo udevadm trigger"


def tty_of(machine: Machine) -> str | None:
    """The kernel's name of the board's line (ttyACM0), None without one."""
    port = machine.port
    return os.path.basename(machine.real(port)) if port and machine.exists(port) else None


def holders_of(machine: Machine, port: str) -> list[str]:
    """Who holds the host's end of a line; a firmware of this host holds its own pty, and is the board."""
    return [name for name in machine.holders(port) if not name.startswith(_FIRMWARE)]


def usb_folder(machine: Machine, tty: str) -> str | None:
    """The folder in /sys of the USB adapter behind a line, None for a line that is no USB device."""
    folder = machine.real(f"/sys/class/tty/{tty}/device")
    while folder not in ("/", ""):
        if machine.exists(f"{folder}/idVendor"):
            return folder
        folder = os.path.dirname(folder)
    return None


@check(_THEME, "Without its line the board hears no command and stands in SAFE.", InSimulation.NOTHING)
def port_present(machine: Machine) -> Finding:
    port = machine.port
    if port is None:
        return fail(
            "no /dev/takt_board, ttyACM or ttyUSB",
            "plug the board in (lsusb; sudo dmesg | tail), or name it: takt doctor --port PATH",
        )
    if not machine.exists(port):
        return fail(f"{port} does not exist", "plug the board in, or name another: ls -l /dev/serial/by-id")
    device = machine.real(port)
    driver = os.path.basename(machine.real(f"/sys/class/tty/{tty_of(machine)}/device/driver"))
    told = port if port == device else f"{port} is {device}"
    return ok(told if driver == "driver" else f"{told} ({driver})")


@check(_THEME, "A line that may not be opened is no line.", InSimulation.NOTHING)
def port_permission(machine: Machine) -> Finding:
    tty = tty_of(machine)
    if tty is None or machine.port is None:
        return skip(_NO_PORT)
    if machine.may_use(machine.real(machine.port)):
        return ok(f"{machine.port} may be read and written")
    return fail(f"{machine.port} is closed to this user", "sudo usermod -aG dialout $USER, then log in anew")


@check(_THEME, "Two readers of one line each get half of the bytes.", InSimulation.NOTHING)
def port_alone(machine: Machine) -> Finding:
    if tty_of(machine) is None or machine.port is None:
        return skip(_NO_PORT)
    holders = holders_of(machine, machine.port)
    strangers = [name for name in holders if not name.startswith(("takt", "python"))]
    if strangers:
        return fail(
            f"{', '.join(strangers)} holds it open", f"sudo fuser -v {machine.port}, then end that program"
        )
    if len(holders) > 1:
        return fail(
            f"{len(holders)} of our processes hold it open", f"sudo fuser -v {machine.port}: leave one agent"
        )
    return ok(f"held by {holders[0]} alone" if holders else "nobody else holds it open")


@check(
    _THEME,
    "The rule gives the board one name, whichever port its cable is in, and keeps others away from it.",
    InSimulation.NOTHING,
)
def udev_rule(machine: Machine) -> Finding:
    rules = machine.text(_RULES)
    if rules is None:
        return fail(f"{_RULES} is missing", f"sudo -E $(command -v takt) install, then {_RELOAD}")
    tty = tty_of(machine)
    folder = usb_folder(machine, tty) if tty else None
    if folder is None:
        return ok(f"{_RULES} is there")
    vendor, product = machine.text(f"{folder}/idVendor"), machine.text(f"{folder}/idProduct")
    named = next(
        (board.what for board in KNOWN_BOARDS if (board.vendor, board.product) == (vendor, product)),
        "this adapter",
    )
    if f'ATTRS{{idVendor}}=="{vendor}", ATTRS{{idProduct}}=="{product}"' in rules:
        if machine.exists("/dev/takt_board"):
            return ok(f"it names {vendor}:{product} ({named})")
        return fail(f"it names {vendor}:{product}, but /dev/takt_board is not there", _RELOAD)
    return fail(
        f"it does not name {vendor}:{product} ({named})",
        f"sudo -E $(command -v takt) install --board {vendor}:{product}, then {_RELOAD}",
    )


@check(
    _THEME,
    "ModemManager speaks modem commands to every new serial line for half a minute.",
    InSimulation.NOTHING,
)
def modem_manager(machine: Machine) -> Finding:
    if "ModemManager" not in machine.processes:
        return ok("not running")
    if "ID_MM_DEVICE_IGNORE" in (machine.text(_RULES) or ""):
        return ok("running, and the udev rule keeps it away")
    return fail(
        "running, and no rule keeps it from the board",
        f"sudo -E $(command -v takt) install, then {_RELOAD}; or sudo systemctl disable --now ModemManager",
    )


@check(
    _THEME,
    "brltty takes CP210x, FTDI and CH340 adapters for braille displays, and their line vanishes.",
    InSimulation.NOTHING,
)
def brltty(machine: Machine) -> Finding:
    rules = machine.matching("/usr/lib/udev/rules.d/*brltty*.rules") + machine.matching(
        "/lib/udev/rules.d/*brltty*.rules"
    )
    masked = machine.matching("/etc/udev/rules.d/*brltty*.rules")
    if "brltty" in machine.processes or (rules and not masked):
        return warn("installed, with rules that claim USB serial adapters", "sudo apt-get remove brltty")
    return ok("not installed")


@check(
    _THEME,
    "An FTDI adapter gathers bytes for 16 ms unless told otherwise: more than a control cycle.",
    InSimulation.NOTHING,
)
def latency_timer(machine: Machine) -> Finding:
    tty = tty_of(machine)
    if tty is None:
        return skip(_NO_PORT)
    path = f"/sys/bus/usb-serial/devices/{tty}/latency_timer"
    timer_ms = machine.number(path)
    if timer_ms is None:
        return ok(f"{tty} is no FTDI adapter and has no such timer")
    return (
        ok("1 ms")
        if timer_ms <= 1
        else fail(
            f"{timer_ms} ms",
            f"echo 1 | sudo tee {path} (for good: sudo -E $(command -v takt) install, then {_RELOAD})",
        )
    )


@check(
    _THEME,
    "Without low_latency a UART hands its bytes over by a worker thread, which other work can delay.",
    InSimulation.NOTHING,
)
def low_latency(machine: Machine) -> Finding:
    tty = tty_of(machine)
    if tty is None:
        return skip(_NO_PORT)
    flags = machine.text(f"/sys/class/tty/{tty}/flags")
    if flags is None:
        return ok(f"{tty} is USB and has no such flag")
    if int(flags, 0) & _LOW_LATENCY:
        return ok("set")
    return warn("not set", f"sudo setserial /dev/{tty} low_latency")


@check(_THEME, "A USB adapter that sleeps between bytes wakes up late, or not at all.", InSimulation.NOTHING)
def usb_autosuspend(machine: Machine) -> Finding:
    tty = tty_of(machine)
    folder = usb_folder(machine, tty) if tty else None
    if folder is None:
        return skip("no USB adapter" if tty else _NO_PORT)
    if (
        machine.text(f"{folder}/power/control") == "auto"
        and machine.number(f"{folder}/power/autosuspend_delay_ms") != -1
    ):
        return warn("may sleep (power/control is auto)", f"echo on | sudo tee {folder}/power/control")
    return ok("stays awake")


@check(
    _THEME,
    "Interrupts of the board's line on a CPU that is set apart disturb what was put there to be undisturbed.",
    InSimulation.NOTHING,
)
def irq_affinity(machine: Machine) -> Finding:
    isolated = isolated_set(machine)
    irqs = _serial_irqs(machine)
    if not irqs:
        return skip("no interrupt of a USB host or UART in /proc/interrupts")
    wrong = [irq for irq in irqs if _cpus_of(machine, irq) & isolated]
    if wrong:
        rest = cpu_set(machine.text("/sys/devices/system/cpu/online") or "") - isolated
        return warn(
            f"interrupts {', '.join(wrong)} may run on CPUs {listed(isolated)}, which are set apart",
            "; ".join(f"echo {listed(rest)} | sudo tee /proc/irq/{irq}/smp_affinity_list" for irq in wrong),
        )
    return ok("; ".join(f"irq {irq} on CPUs {listed(_cpus_of(machine, irq))}" for irq in irqs[:4]))


def _serial_irqs(machine: Machine) -> list[str]:
    tty = tty_of(machine)
    wanted = re.compile(rf"{_USB_HOSTS.pattern}|\b{tty}\b" if tty else _USB_HOSTS.pattern, re.IGNORECASE)
    rows = (machine.text("/proc/interrupts") or "").splitlines()[1:]
    return [
        row.split(":")[0].strip()
        for row in rows
        if wanted.search(row) and row.split(":")[0].strip().isdigit()
    ]


def _cpus_of(machine: Machine, irq: str) -> set[int]:
    for name in ("effective_affinity_list", "smp_affinity_list"):
        if text := machine.text(f"/proc/irq/{irq}/{name}"):
            return cpu_set(text)
    return set()


@check(
    _THEME,
    "irqbalance moves interrupts between CPUs while driving, also onto those that were kept free.",
    InSimulation.NOTHING,
)
def irqbalance(machine: Machine) -> Finding:
    if "irqbalance" not in machine.processes:
        return ok("not running")
    if not isolated_set(machine):
        return ok("running; no CPU is set apart from which it should keep")
    banned = re.search(
        r"^[^#\n]*IRQBALANCE_BANNED_CPULIST=(\S+)",
        machine.text("/etc/default/irqbalance") or "",
        re.MULTILINE,
    )
    if banned and isolated_set(machine) <= cpu_set(banned[1].strip("\"'")):
        return ok("running, and kept from the CPUs that are set apart")
    return warn("running beside CPUs that are set apart", "sudo systemctl disable --now irqbalance")


CHECKS = (
    port_present,
    port_permission,
    port_alone,
    udev_rule,
    modem_manager,
    brltty,
    latency_timer,
    low_latency,
    usb_autosuspend,
    irq_affinity,
    irqbalance,
)
