"""Random and half-right input under the address and undefined-behaviour sanitizers."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from client_under_test import COMPILER, CORE, FLAGS, INCLUDES, SOURCES


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    program = tmp_path_factory.mktemp("robustness") / "driver"
    source = Path(__file__).parent / "robustness_driver.c"
    tables = CORE / "generated" / "takt_contract.c"
    sanitizers = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
    command = [COMPILER, *FLAGS, "-O1", "-g", *sanitizers, *INCLUDES, "-o", program, source, *SOURCES, tables]
    built = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    if "cannot find" in built.stderr and "san" in built.stderr:
        pytest.skip("the compiler has no sanitizer libraries")
    assert built.returncode == 0, built.stderr
    return program


@pytest.mark.parametrize("seed", [1, 2])
def test_no_input_breaks_the_client(driver: Path, seed: int) -> None:
    ended = subprocess.run(
        [driver, str(seed), "100000"], capture_output=True, text=True, check=False, timeout=600
    )
    assert ended.returncode == 0, ended.stderr
    counted = json.loads(ended.stdout)
    assert counted["rx"] > 50_000 and counted["crc_errors"] > 1000 and counted["malformed"] > 1000
    assert counted["reconnects"] > 20 and counted["sum"] > 0
    assert counted["states"] == 0b1111
