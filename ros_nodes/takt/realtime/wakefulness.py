"""Keeping the processors out of sleeps that take long to wake from, for as long as a process wants it.

The kernel's PM QoS interface (Documentation/power/pm_qos_interface.rst): whoever holds ``/dev/cpu_dma_latency`` open
with a number of microseconds written to it forbids every idle state that takes longer to leave. 0 on a PC or a virtual
machine means that idle processors poll, which costs power; on Arm the shallowest wait remains.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

DEVICE = Path("/dev/cpu_dma_latency")
RULE_FILE = Path("/etc/udev/rules.d/98-takt-latency.rules")


@dataclass(frozen=True)
class Wakefulness:
    """What was asked and what holds. ``granted_us`` is None where nothing could be held; ``warning`` then says why."""

    asked_us: int
    granted_us: int | None
    warning: str = ""

    def describe(self) -> str:
        """One line for the log."""
        got = "nothing" if self.granted_us is None else f"{self.granted_us} us"
        return f"asked for waking up within {self.asked_us} us, granted {got}"


def udev_rule_fix() -> str:
    """What a person types so that members of ``dialout`` may hold the device."""
    rule = 'KERNEL=="cpu_dma_latency", GROUP="dialout", MODE="0660"'
    return f"echo '{rule}' | sudo tee {RULE_FILE} && sudo udevadm control --reload && sudo udevadm trigger {DEVICE}"


@contextmanager
def held_awake(latency_us: int, device: Path = DEVICE) -> Iterator[Wakefulness]:
    """Hold ``latency_us`` (0 or more) within the block; a negative number asks for nothing.

    A refusal is a warning with its fix, never a stop. The kernel takes the wish back when the file is closed, also
    when the process is killed.
    """
    if latency_us < 0:
        yield Wakefulness(latency_us, None)
        return
    try:
        descriptor = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
    except OSError as error:
        yield Wakefulness(latency_us, None, _refusal(error, device))
        return
    try:
        os.write(descriptor, latency_us.to_bytes(4, "little", signed=True))
        yield Wakefulness(latency_us, latency_us)
    finally:
        os.close(descriptor)


def _refusal(error: OSError, device: Path) -> str:
    if isinstance(error, PermissionError):
        return f"{device} is closed to this user: a sleeping processor answers late. Fix: {udev_rule_fix()}"
    return f"{device}: {error.strerror}: a sleeping processor answers late. Fix: see takt doctor, cpu_idle"
