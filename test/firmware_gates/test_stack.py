"""The stack analyser on small graphs in the compiler's own format: sums, pointers, recursion, frames without a size."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.firmware_gates import stack


def node(name: str, frame: int, kind: str = "static") -> str:
    return f'node: {{ title: "{name}" label: "{name}\\nfile.c:1:1\\n{frame} bytes ({kind})" }}\n'


def edge(source: str, target: str, place: str = "file.c:1:1") -> str:
    return f'edge: {{ sourcename: "{source}" targetname: "{target}" label: "{place}" }}\n'


def graph(*parts: str) -> stack.Graph:
    made = stack.Graph()
    made.add("".join(parts))
    return made


def test_the_deepest_path_counts_and_not_the_longest() -> None:
    made = graph(
        node("root", 8),
        node("a", 8),
        node("b", 8),
        node("file.c:big", 100),
        *(edge("root", "a"), edge("a", "b"), edge("root", "file.c:big")),
    )
    assert stack.deepest(made, ["root"], {}) == (108, ["root", "big"])


def test_library_functions_have_their_frames_from_elsewhere() -> None:
    made = graph(node("root", 8), edge("root", "memcpy"))
    assert stack.deepest(made, ["root"], {"memcpy": 20})[0] == 28
    with pytest.raises(TaktError, match="nothing is known about the stack of memcpy"):
        stack.deepest(made, ["root"], {})


def test_recursion_is_an_error() -> None:
    made = graph(node("root", 8), node("a", 8), edge("root", "a"), edge("a", "root"))
    with pytest.raises(TaktError, match="recursion: root -> a -> root"):
        stack.deepest(made, ["root"], {})


def test_a_frame_of_no_fixed_size_is_an_error() -> None:
    with pytest.raises(TaktError, match="no fixed size"):
        graph(node("root", 8, "dynamic"))


def test_a_pointer_is_resolved_by_its_member(tmp_path: Path) -> None:
    source = tmp_path / "file.c"
    source.write_text("    client->config.on_sample(context);\n    other(client->config.unheard_of(1));\n")
    call = edge("root", "__indirect_call", f"{source}:1:5")
    made = graph(node("root", 8), node("file.c:on_sample", 40), call)
    assert stack.deepest(made, ["root"], {})[0] == 48
    with pytest.raises(TaktError, match="nothing resolves"):
        graph(node("root", 8), edge("root", "__indirect_call", f"{source}:2:5"))


@pytest.mark.parametrize(
    ("instruction", "pushed"),
    [
        ("  10:\tpush\t{r4, r5, lr}", 12),
        ("  10:\tstmdb\tsp!, {r4-r11, lr}", 36),
        ("  10:\tvpush\t{d8-d9}", 16),
        ("  10:\tsub\tsp, #24", 24),
        ("  10:\tsub.w\tsp, sp, #520", 520),
        ("  10:\tstr.w\tlr, [sp, #-4]!", 4),
        ("  10:\tadds\tr0, #4", 0),
    ],
)
def test_machine_code_tells_what_it_pushes(instruction: str, pushed: int) -> None:
    assert stack._pushed(instruction) == pushed
