"""Code and memory of the core on a Cortex-M4F at -Os, by part, from linked images and their maps.

A part's text is code and constants that stay after the linker dropped what nothing uses. The link is linked alone, with
the library functions it pulls in, because that is what a board with another controller would pay for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from takt.firmware_gates import arm_build, stack
from takt.firmware_gates.tree import ARM, BENCH, CORE, FIRMWARE, WORK, core_sources

# The first part with a word that begins the file's name. Replies of several messages are for parameters alone.
PARTS = {
    "parameters": ("client_reply", "param", "reply_window", "tuning"),
    "link": ("client", "framing", "streams", "clock", "xrce", "cdr", "takt_contract", "takt_messages"),
    "ledger": ("ledger",),
    "telemetry": ("telemetry", "diagnostics", "text"),
    "control": ("",),  # the rest
}
PARAMETER_ROWS = re.compile(r"^    \[TAKT_(SERVICE_\w*PARAMETER|PARAMETER_)\w*\] = .*\n", re.MULTILINE)
PARAMETER_TYPES = "rcl_interfaces"  # messages that only the parameter services use
_SECTION = re.compile(
    r"^ \.(text|rodata|data|bss|ARM\.exidx)(\.[^\s]*)?\s+0x([0-9a-f]+)\s+0x([0-9a-f]+)\s+(\S+)$", re.MULTILINE
)


@dataclass(frozen=True)
class Section:
    kind: str
    name: str  # what follows the kind: the function or variable
    size: int
    origin: str  # stem of the object's file


def sections(map_text: str) -> list[Section]:
    """The input sections that the linker kept."""
    kept = map_text.split("Linker script and memory map", 1)[-1]
    joined = re.sub(
        r"^( \.\S+)\n +(0x)", r"\1 \2", kept, flags=re.MULTILINE
    )  # long names stand on a line of their own
    found = []
    for kind, name, address, size, path in _SECTION.findall(joined):
        if int(size, 16) and (int(address, 16) or kind == "text"):
            found.append(Section(kind, name.lstrip("."), int(size, 16), Path(path).stem))
    return found


def part_of(section: Section) -> str | None:
    """The row that a section is counted in; None for the library and the bench's own start-up."""
    stems = {path.stem for path in core_sources()}
    if section.origin not in stems:
        return None
    if PARAMETER_TYPES in section.name:
        return "parameters"
    return next(part for part, starts in PARTS.items() if section.origin.startswith(starts))


def measure() -> tuple[dict[str, int], list[str]]:
    """Flat figures of sizes and stacks, and what is wrong with them."""
    folder = WORK / "sizes"
    objects = arm_build.compile_all(
        [BENCH / "start.c", BENCH / "whole_board.c", *core_sources()], folder, ("-fcallgraph-info=su",)
    )
    board = arm_build.link(objects, folder / "board.elf")
    kept = sections(board.with_suffix(".map").read_text())
    figures = _texts(kept)
    figures.update(_link(kept, objects, folder))
    figures.update(_memory(folder / "whole_board.o"))
    figures.update(_stacks(folder, board))
    return figures, _judge(figures)


def _text_of(kept: list[Section], part: str | None) -> int:
    return sum(s.size for s in kept if s.kind in ("text", "rodata", "data") and part_of(s) == part)


def _texts(kept: list[Section]) -> dict[str, int]:
    library = [s for s in kept if s.origin not in ("start", "whole_board")]
    rows = {f"{part}_text_bytes": _text_of(kept, part) for part in ("control", "ledger", "telemetry")}
    core = sum(_text_of(kept, part) for part in PARTS)
    return {"core_text_bytes": core, "library_text_bytes": _text_of(library, None), **rows}


def _link(kept: list[Section], objects: list[Path], folder: Path) -> dict[str, int]:
    """The link linked alone, from the functions of it that the board uses, and without what parameters add."""
    tables = [section.size for section in kept if section.origin == "takt_contract"]
    own = [section for section in kept if part_of(section) == "link"]
    roots = [f"-Wl,-u,{name}" for name in _public(section.name for section in own if section.kind == "text")]
    apart = folder / "link"
    apart.mkdir(exist_ok=True)
    contract, main = apart / "takt_contract.c", apart / "link_main.c"
    contract.write_text(PARAMETER_ROWS.sub("", (CORE / "generated" / "takt_contract.c").read_text()))
    main.write_text('#include "start.h"\nvoid bench_main(void) {}\n')
    made = arm_build.compile_all([contract, main], apart)
    rest = [path for path in objects if path.stem not in ("whole_board", "takt_contract")]
    image = arm_build.link([*rest, *made], folder / "link.elf", tuple(roots))
    parts = [
        s for s in sections(image.with_suffix(".map").read_text()) if s.kind in ("text", "rodata", "data")
    ]
    theirs = [s for s in parts if s.origin not in ("start", "link_main") and part_of(s) in ("link", None)]
    slim = sum(s.size for s in parts if s.origin == "takt_contract")
    return {
        "link_text_bytes": sum(s.size for s in theirs),
        "parameters_text_bytes": _text_of(kept, "parameters") + sum(tables) - slim,
    }


def _public(names: Iterable[str]) -> list[str]:
    declared = (CORE / "include" / "takt").glob("*.h")
    text = "\n".join(path.read_text() for path in [*declared, *sorted((CORE / "generated").glob("*.h"))])
    return [name for name in names if re.search(rf"\b{re.escape(name)}\(", text)]


def _memory(made: Path) -> dict[str, int]:
    """Sizes of the structs, as arrays of whole_board.c hold them."""
    found = {}
    for line in arm_build.run([f"{ARM}nm", "-S", made]).splitlines():
        words = line.split()
        if len(words) == 4 and words[3].startswith("size_of_"):
            found[words[3].removeprefix("size_of_")] = int(words[1], 16)
    return {
        "core_ram_bytes": found["board"],
        "link_ram_bytes": found["client"],
        "ledger_ram_bytes": found["ledger"],
        "ledger_retained_bytes": found["ledger_store"],
    }


def _stacks(folder: Path, board: Path) -> dict[str, int]:
    graph = stack.Graph()
    for path in sorted(folder.glob("*.ci")):
        if path.stem not in ("start", "whole_board", "link_main"):
            graph.add(path.read_text())
    library = stack.library_frames(board)
    return {
        f"{thread}_stack_bytes": stack.deepest(graph, roots, library)[0] + stack.EXCEPTION_FRAME
        for thread, roots in stack.THREADS.items()
    }


def configured_stacks() -> dict[str, int]:
    """What Zephyr's Kconfig gives each thread on a board."""
    text = (FIRMWARE / "zephyr" / "Kconfig").read_text()
    found = {}
    for thread in stack.THREADS:
        block = text.split(f"config TAKT_{thread.upper()}_STACK_SIZE", 1)[1].split("\nconfig ", 1)[0]
        found[thread] = int(re.findall(r"^\tdefault (\d+)$", block, re.MULTILINE)[-1])
    return found


LIMITS = {"link_text_bytes": 12 * 1024, "link_ram_bytes": 4 * 1024}
STACK_SHARE = 0.6


def _judge(figures: dict[str, int]) -> list[str]:
    wrong = [
        f"{name} is {figures[name]}, allowed are {limit}"
        for name, limit in LIMITS.items()
        if figures[name] > limit
    ]
    for thread, size in configured_stacks().items():
        needed = figures[f"{thread}_stack_bytes"]
        if needed >= STACK_SHARE * size:
            wrong.append(
                f"{thread} thread needs {needed} of {size} bytes of stack, allowed are {STACK_SHARE:.0%}"
            )
    return wrong
