"""Exact instruction counts on an emulated Cortex-M4F (QEMU, machine mps2-an386), by the plugin firmware/bench/count.c.

The unit is an instruction that was issued, also one whose condition did not hold; equal images give equal numbers in
every run. The method checks itself: a loop of known length must give its length.
"""

from __future__ import annotations

import re
import statistics
import struct
import subprocess
from dataclasses import dataclass
from pathlib import Path

from takt.errors import TaktError
from takt.firmware_gates import codec_bench
from takt.firmware_gates.arm_build import compile_all, link, run
from takt.firmware_gates.tree import ARM, BENCH, CORE, WORK, core_sources, host_compiler

MACHINE = "mps2-an386"
KNOWN_LOOP = 2001 + 2  # and the call and the return around it
TIME_LIMIT_S = 120.0


@dataclass(frozen=True)
class Counted:
    groups: dict[str, list[int]]  # instructions of each sample
    executed: frozenset[int]  # addresses of instructions run inside samples
    image: Path


def plugin(folder: Path) -> Path:
    """The counter, built for the QEMU that is installed."""
    printed = run(["qemu-system-arm", "--version"])
    version = re.search(r"version (\d+)", printed)
    interface = 1 if version is None or int(version[1]) < 9 else 2
    target = folder / "count.so"
    words = [host_compiler(), "-O2", "-shared", "-fPIC", f"-DPLUGIN_VERSION={interface}"]
    run([*words, "-o", target, BENCH / "count.c"])
    return target


def count(program: str, sources: list[Path], extra: tuple[str, ...] = ()) -> Counted:
    """Builds firmware/bench/`program`.c with the core and runs it under the counter."""
    folder = WORK / "instructions" / program
    ends = [BENCH / f"{part}.c" for part in ("start", "marks", program)]
    objects = compile_all([*ends, *sources, *core_sources()], folder, extra)
    image = link(objects, folder / f"{program}.elf")
    places = symbols(image)
    samples, hits = folder / "samples", folder / "hits"
    options = f"begin={places['bench_begin']:#x},end={places['bench_end']:#x},samples={samples},hits={hits}"
    text = _emulate(image, f"{plugin(folder)},{options}")
    numbers = [value for (value,) in struct.iter_unpack("<I", samples.read_bytes())]
    groups: dict[str, list[int]] = {}
    for name, many in re.findall(r"^group (\w+) (\d+)$", text, re.MULTILINE):
        groups[name], numbers = numbers[: int(many)], numbers[int(many) :]
    executed = frozenset(int(line, 16) for line in hits.read_text().split())
    return Counted(_calibrated(groups), executed, image)


def _emulate(image: Path, counter: str) -> str:
    words = ["qemu-system-arm", "-M", MACHINE, "-nographic", "-monitor", "none", "-serial", "none"]
    words += ["-semihosting-config", "enable=on,target=native", "-kernel", str(image), "-plugin", counter]
    try:
        ended = subprocess.run(words, capture_output=True, text=True, check=False, timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        raise TaktError(f"{image.name} did not end in {TIME_LIMIT_S:.0f} s", "run it by hand") from None
    text = ended.stdout + ended.stderr
    if ended.returncode != 0 or "fault" in text:
        raise TaktError(
            f"{image.name} failed under QEMU: {text.strip()[-500:]}", "apt-get install qemu-system-arm"
        )
    return text


def _calibrated(groups: dict[str, list[int]]) -> dict[str, list[int]]:
    """Without what the marks themselves take; the known loop must then be exact."""
    overhead = groups.pop("empty")[0]
    calibrated = {name: [value - overhead for value in samples] for name, samples in groups.items()}
    found = calibrated.pop("known_loop")[0]
    if found != KNOWN_LOOP:
        raise TaktError(
            f"a loop of {KNOWN_LOOP} instructions was counted as {found}", "another QEMU; see count.c"
        )
    return calibrated


def symbols(image: Path) -> dict[str, int]:
    """Addresses of the image's symbols, without the Thumb bit."""
    found = {}
    for line in run([f"{ARM}nm", image]).splitlines():
        address, _, name = line.split()[-3:]
        found[name] = int(address, 16) & ~1
    return found


def control_tick() -> dict[str, int]:
    """Typical (median of a drive) and largest count of the control tick, and how much of its code the product ran."""
    counted = count("tick", [])
    product, walk = counted.groups["control_tick_product"], counted.groups["control_tick_walk"]
    return {
        "control_tick_instructions_max": max(*product, *walk),
        "control_tick_instructions_typical": int(
            statistics.median_low(counted.groups["control_tick_typical"])
        ),
        "control_tick_walk_instructions_max": max(walk),
        "control_tick_combinations": len(product),
    }


def link_parts() -> dict[str, int]:
    """CRC, framing of 64 bytes, and every CDR codec."""
    folder = WORK / "instructions" / "frames"
    folder.mkdir(parents=True, exist_ok=True)
    codecs = folder / "measure_codecs.c"
    codecs.write_text(codec_bench.source((CORE / "generated" / "takt_messages.h").read_text()))
    counted = count("frames", [codecs])
    bad = [name for name in counted.groups if name.endswith(("_failed", "_broken"))]
    if bad:
        raise TaktError(f"the bench's own check failed: {', '.join(bad)}", "see firmware/bench/frames.c")
    return {f"{name}_instructions": values[0] for name, values in counted.groups.items() if values}
