"""Memory and disk: what makes a page or a write come late."""

from __future__ import annotations

import re
import sys

from takt.doctor.check import Finding, InSimulation, check, fail, ok, unknown, warn
from takt.doctor.machine import Machine
from takt.install import dds_segments

_THEME = "memory and disk"
_MEMORY_WARN_MB, _MEMORY_FAIL_MB = 1024, 400
_SHM_WARN_MB, _SHM_FAIL_MB = 256, 70  # docker gives 64; seven participants take 4 MB each, the frame ring 10
_STALE_WARN_MB = 16
_DISK_WARN_MB, _DISK_FAIL_MB = 1024, 100
_SLOW_SYNC_S = 0.1
_RECORDS = "/.ros/takt"  # in the home folder: ledger and STOP


@check(
    _THEME,
    "Collecting pages into huge ones stops whichever thread touches them, locked or not.",
    InSimulation.ADVICE,
)
def transparent_huge_pages(machine: Machine) -> Finding:
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    chosen = re.search(r"\[(\w+)\]", machine.text(path) or "")
    if chosen is None:
        return ok("this kernel has none")
    if chosen[1] == "always":
        return warn("always", f"echo madvise | sudo tee {path}")
    return ok(chosen[1])


@check(
    _THEME,
    "A page that went to disk takes milliseconds to come back; memory that is not locked can go.",
    InSimulation.ADVICE,
)
def swap(machine: Machine) -> Finding:
    rows = (machine.text("/proc/swaps") or "").splitlines()[1:]
    disks = [row.split()[0] for row in rows if row.split() and "zram" not in row.split()[0]]
    if disks:
        return warn(f"on {', '.join(disks)}", "sudo swapoff -a, and take its line out of /etc/fstab")
    return ok("compressed memory only" if rows else "none")


@check(_THEME, "When memory runs out Linux kills the largest process, which is the detector.")
def memory(machine: Machine) -> Finding:
    found = re.search(r"^MemAvailable:\s+(\d+)", machine.text("/proc/meminfo") or "", re.MULTILINE)
    if found is None:
        return unknown("/proc/meminfo cannot be read")
    free_mb = int(found[1]) // 1024
    fix = "ps -eo rss,comm --sort=-rss | head, and end what is not needed"
    if free_mb < _MEMORY_FAIL_MB:
        return fail(f"{free_mb} MB available, the robot takes about {_MEMORY_FAIL_MB}", fix)
    return (
        warn(f"{free_mb} MB available", fix) if free_mb < _MEMORY_WARN_MB else ok(f"{free_mb} MB available")
    )


@check(
    _THEME,
    "Pictures and samples go through /dev/shm; where it is full a writer dies of SIGBUS or DDS falls silent.",
)
def shm_size(machine: Machine) -> Finding:
    free, whole = (value // 2**20 for value in machine.space_bytes("/dev/shm"))
    fix = "sudo mount -o remount,size=512m /dev/shm (in a container: docker run --shm-size=512m)"
    told = f"{free} of {whole} MB of /dev/shm free"
    if free < _SHM_FAIL_MB:
        return fail(told, fix)
    return warn(told, fix) if free < _SHM_WARN_MB else ok(told)


@check(
    _THEME,
    "A killed process leaves its segment behind; enough of them fill /dev/shm, and new nodes find each other late.",
)
def shm_segments(machine: Machine) -> Finding:
    folder = machine.on_disk("/dev/shm")
    if not folder.is_dir():
        return fail("/dev/shm is missing", "sudo mount -t tmpfs tmpfs /dev/shm")
    stale = dds_segments.stale(folder, machine.now_s)
    size_mb = sum(segment.stat().st_size for segment, _ in stale if segment.exists()) / 1e6
    told = f"{len(stale)} segments without an owner, {size_mb:.0f} MB"
    return (
        warn(told, f"{sys.executable} -m takt.install.dds_segments") if size_mb > _STALE_WARN_MB else ok(told)
    )


@check(
    _THEME, "Ledger and recordings stop when the disk is full, and with them the record of what went wrong."
)
def disk_space(machine: Machine) -> Finding:
    folder = machine.environment.get("HOME", "/root") + _RECORDS
    free_mb = machine.space_bytes(folder)[0] // 2**20
    told, fix = (
        f"{free_mb} MB free for {folder}",
        "du -xh --max-depth=2 ~ | sort -h | tail, and remove what is not needed",
    )
    if free_mb < _DISK_FAIL_MB:
        return fail(told, fix)
    return warn(told, fix) if free_mb < _DISK_WARN_MB else ok(told)


@check(
    _THEME,
    "The ledger is written and synced while driving; a slow card makes records late, and wears out.",
    InSimulation.ADVICE,
)
def disk_speed(machine: Machine) -> Finding:
    folder = machine.environment.get("HOME", "/root") + _RECORDS
    try:
        longest_s = machine.sync_s(folder)
    except PermissionError:
        return fail(
            f"{folder} cannot be written: no ledger, and STOP is forgotten", f"sudo chown -R $USER {folder}"
        )
    told = f"the slowest of 8 synced writes took {1e3 * longest_s:.1f} ms ({_kind(machine)})"
    if longest_s > _SLOW_SYNC_S:
        return warn(told, "put the home folder on an SSD (NVMe, USB 3), not on a memory card")
    return ok(told)


def _kind(machine: Machine) -> str:
    """What kind of disk holds the root, as far as its name and /sys tell."""
    rows = [row.split() for row in (machine.text("/proc/mounts") or "").splitlines()]
    device = next((row[0] for row in rows if len(row) > 1 and row[1] == "/"), "?").removeprefix("/dev/")
    disk = re.sub(r"(?<=\d)p\d+$|(?<=[a-z])\d+$", "", device)
    if disk.startswith("mmcblk"):
        return "memory card or eMMC"
    turning = machine.number(f"/sys/block/{disk}/queue/rotational")
    return {0: f"{disk}, solid", 1: f"{disk}, turning or virtual"}.get(
        -1 if turning is None else turning, device
    )


CHECKS = (transparent_huge_pages, swap, memory, shm_size, shm_segments, disk_space, disk_speed)
