"""The table and the report: what is equal, what differs, what is stale; and the linker's map."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from takt.firmware_gates import arm_build, bench, codec_bench, instructions, report, sizes, tree

MAP = """
Discarded input sections
 .text.unused   0x00000000       0x40 build/pid.o

Linker script and memory map

 .text.takt_pid_step
                0x00000100       0x54 build/pid.o
                0x00000100                takt_pid_step
 .rodata        0x00000200       0x10 build/takt_contract.o
 .text.memcpy   0x00000300       0x20 /usr/lib/libc.a(memcpy.o)
 .bss           0x20000000        0x8 build/client.o
"""


def test_the_map_gives_kept_sections_by_part() -> None:
    found = sizes.sections(MAP)
    assert [(s.kind, s.size, sizes.part_of(s)) for s in found] == [
        ("text", 0x54, "control"),
        ("rodata", 0x10, "link"),
        ("text", 0x20, None),
        ("bss", 8, "link"),
    ]


def test_differences_are_named_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "has_emulator", lambda: True)
    committed = {"gcc 1": {"a": 1, "b": 2}}
    assert bench._differences("gcc 1", {"a": 1, "b": 2}, committed) == []
    found = bench._differences("gcc 1", {"a": 3}, committed)
    assert [line.split(";")[0] for line in found] == ["a is 3, committed is 1", "b is gone, committed is 2"]
    assert bench._differences("gcc 2", {"a": 3}, committed) == [], "another compiler is not compared"


def test_without_an_emulator_sizes_are_compared_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "has_emulator", lambda: False)
    committed = {"gcc 1": {"text": 1, "instructions": 2}}
    assert bench._differences("gcc 1", {"text": 1}, committed) == []
    assert len(bench._differences("gcc 1", {"text": 2}, committed)) == 1


def test_the_hash_of_sources_is_over_tokens(tmp_path: Path) -> None:
    source = tmp_path / "a.c"
    source.write_text("int a = 1; /* one */\n")
    before = report.hash_of([source])
    source.write_text("/* again */ int a   = 1;\n")
    assert report.hash_of([source]) == before
    source.write_text("int a = 2;\n")
    assert report.hash_of([source]) != before


def test_without_the_compiler_nothing_is_compared_and_said_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(arm_build, "ARM", "no-such-")
    bench.main(["--json", str(tmp_path / "figures.json")])
    assert "not compared: no ARM compiler" in capsys.readouterr().out
    assert json.loads((tmp_path / "figures.json").read_text())["toolchain"] is None


def test_every_codec_of_the_contract_is_measured() -> None:
    header = (tree.CORE / "generated" / "takt_messages.h").read_text()
    made = codec_bench.source(header)
    assert made.count("bench_begin();") == header.count("(takt_cdr_t *cdr,")


needs_arm = pytest.mark.skipif(
    arm_build.toolchain() is None or not tree.has_emulator(),
    reason="no arm-none-eabi-gcc with picolibc, or no qemu-system-arm",
)


@needs_arm
def test_the_counter_is_exact() -> None:
    """`count` itself refuses a known loop that is not counted to the instruction."""
    figures = instructions.link_parts()
    assert figures["framing_64_bytes_max_instructions"] > figures["framing_64_bytes_instructions"]
    assert figures["crc_64_bytes_instructions"] < figures["framing_64_bytes_instructions"]
