"""Worst-case stack of each thread: frames and calls from the compiler (-fcallgraph-info=su), on the deepest path.

Calls through pointers are resolved by the table `POINTERS`, by the pointer's name at the place of the call; one that
table does not know is an error, and so are recursion and frames of no fixed size. Functions of the C library, which
come as machine code, are judged by their pushes and stack-pointer steps.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from takt.errors import TaktError
from takt.firmware_gates.arm_build import run
from takt.firmware_gates.tree import ARM

PLATFORM = "platform"  # stands for a port's callbacks, whose frames are counted with the port
POINTERS: dict[str, tuple[str, ...]] = {
    "now_ns": (PLATFORM,),
    "cpu_ns": (PLATFORM,),
    "read_encoder": (PLATFORM,),
    "drive": (PLATFORM,),
    "feed_watchdog": (PLATFORM,),
    "link_read": (PLATFORM,),
    "link_write": (PLATFORM,),
    "save_parameters": (PLATFORM,),
    "write": ("write_line",),
    "on_sample": ("on_sample",),
    "on_request": ("on_request",),
    "reply_part": ("reply_part",),
    "fill": ("fill_*",),
    "put": ("put_descriptor", "put_type", "put_value"),
    "choose": ("is_listed", "opens_prefix"),
}
THREADS = {
    "control": ("takt_board_control_cycle", "takt_board_next_release"),
    "link": ("takt_board_link_poll", "takt_board_status"),
}
EXCEPTION_FRAME = (
    104 + 4
)  # what the processor pushes on a thread's stack at an interrupt, floats and padding included
_NODE = re.compile(r'^node: \{ title: "([^"]+)" label: "([^"]+)"', re.MULTILINE)
_EDGE = re.compile(
    r'^edge: \{ sourcename: "([^"]+)" targetname: "([^"]+)"(?: label: "([^"]*)")?', re.MULTILINE
)
_FRAME = re.compile(r"\\n(\d+) bytes \(([\w,]+)\)")


@dataclass
class Graph:
    frames: dict[str, int] = field(default_factory=dict)  # bytes, by the compiler's name of the function
    calls: dict[str, set[str]] = field(default_factory=dict)

    def add(self, text: str) -> None:
        """Takes the compiler's graph of one file in."""
        for name, label in _NODE.findall(text):
            frame = _FRAME.search(label)
            if frame is None:
                continue
            if frame[2] != "static":
                raise TaktError(f"{name} has a stack frame of no fixed size", "no arrays of variable length")
            self.frames[name] = int(frame[1])
        for source, target, label in _EDGE.findall(text):
            targets = _through_pointer(label) if target == "__indirect_call" else (target,)
            self.calls.setdefault(source, set()).update(targets)

    def named(self, pattern: str) -> list[str]:
        """Functions of that C name; ``fill_*`` means all that begin so."""
        bare = pattern.rstrip("*")
        found = []
        for name in self.frames:
            word = name.rsplit(":", 1)[-1].split(".")[0]
            if word == bare or (pattern.endswith("*") and word.startswith(bare)):
                found.append(name)
        return found


def _through_pointer(place: str) -> tuple[str, ...]:
    path, line, column = place.rsplit(":", 2)
    text = Path(path).read_text().splitlines()[int(line) - 1][int(column) - 1 :]
    member = re.search(r"(?:->|\.)(\w+)\(", text) or re.match(r"(\w+)\(", text)
    if member is None or member[1] not in POINTERS:
        raise TaktError(
            f"{place}: a call through a pointer that nothing resolves", "add it to POINTERS in stack.py"
        )
    return POINTERS[member[1]]


def deepest(graph: Graph, roots: Iterable[str], library: dict[str, int]) -> tuple[int, list[str]]:
    """Bytes and functions of the deepest path from any of `roots`."""
    known: dict[str, tuple[int, list[str]]] = {}

    def depth(name: str, above: tuple[str, ...]) -> tuple[int, list[str]]:
        if name in above:
            raise TaktError(f"recursion: {' -> '.join((*above, name))}", "the core has none; use a loop")
        if name not in known:
            known[name] = _depth_of(graph, name, library, lambda callee: depth(callee, (*above, name)))
        return known[name]

    return max((depth(name, ()) for root in roots for name in graph.named(root)), default=(0, []))


Depth = tuple[int, list[str]]  # bytes, and the functions that take them


def _depth_of(graph: Graph, name: str, library: dict[str, int], depth: Callable[[str], Depth]) -> Depth:
    if name == PLATFORM:
        return 0, [name]
    if name not in graph.frames:
        inside = graph.named(name)
        if inside:
            return max(depth(other) for other in inside)
        if name not in library:
            raise TaktError(
                f"nothing is known about the stack of {name}()", "compile it with the core, or link it"
            )
        return library[name], [name]
    below = [depth(callee) for callee in graph.calls.get(name, ())]
    bytes_below, path = max(below, default=(0, []))
    return graph.frames[name] + bytes_below, [name.rsplit(":", 1)[-1], *path]


def library_frames(image: Path) -> dict[str, int]:
    """Stack of every function in `image` from its machine code, with what it calls; a bound, as every push counts."""
    own: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    current = ""
    for line in run([f"{ARM}objdump", "-d", "--no-show-raw-insn", image]).splitlines():
        if start := re.match(r"[0-9a-f]+ <([\w.$]+)>:", line):
            current = start[1]
            own[current], calls[current] = 0, set()
        elif current:
            own[current] += _pushed(line)
            if target := re.search(r"\tb(?:l|\.w|\.n|x)?\s+[0-9a-f]+ <([\w.$]+)>", line):
                calls[current].add(target[1])
    depths = {name: _library_depth(name, own, calls, ()) for name in own}
    places = [line.split()[-3::2] for line in run([f"{ARM}nm", image]).splitlines()]
    shown = {address: depths[name] for address, name in places if name in depths}
    for address, name in places:  # functions with several names: the code stands under one of them
        if address in shown:
            depths.setdefault(name, shown[address])
    return depths


def _library_depth(name: str, own: dict[str, int], calls: dict[str, set[str]], above: tuple[str, ...]) -> int:
    if name in above or name not in own:
        return 0  # a branch inside the function's own code
    below = (_library_depth(callee, own, calls, (*above, name)) for callee in calls[name] - {name})
    return own[name] + max(below, default=0)


def _pushed(line: str) -> int:
    if found := re.search(r"\t(?:push|stmdb\s+sp!,|vpush)\s*\{([^}]*)\}", line):
        return sum(_registers(part) for part in found[1].split(","))
    if found := re.search(r"\tsub(?:w|s)?(?:\.w)?\s+sp,(?: sp,)? #(\d+)", line):
        return int(found[1])
    if found := re.search(r"\tstr(?:d)?(?:\.w)?\s+.*\[sp, #-(\d+)\]!", line):
        return int(found[1])
    return 0


def _registers(part: str) -> int:
    size = 8 if part.strip().startswith("d") else 4
    ends = re.findall(r"[rsd](\d+)", part)
    return size * (int(ends[1]) - int(ends[0]) + 1 if len(ends) == 2 else 1)
