"""Random input of every kind into two boards, under address and undefined-behaviour sanitizers."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware" / "core"


def test_nothing_breaks_the_board(tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.fail("no C compiler is installed; the firmware's tests need one (apt install gcc)")
    program = tmp_path / "random_driver"
    tables = [CORE / "generated" / name for name in ("takt_contract.c", "parameter_table.c")]
    sources = [*sorted((CORE / "src").glob("*.c")), *tables]
    sources += [CORE / "generated" / "takt_messages.c", Path(__file__).parent / "random_driver.c"]
    command = [
        *(compiler, "-std=c11", "-g", "-O0", "-Wall", "-Wextra", "-Wconversion", "-Werror"),
        *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
        *(f"-I{CORE / 'include'}", f"-I{CORE / 'generated'}", f"-I{CORE / 'src'}"),
        *("-o", program, *sources, "-lm"),
    ]
    subprocess.run(command, check=True)
    ended = subprocess.run([program, "30000"], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
