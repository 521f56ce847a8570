"""The Zephyr port: its files agree with the contract and with each other; where a workspace is set up (ZEPHYR_BASE),
every board builds without a warning, the F446 image is small enough, and the port's own suites and native_sim run."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
import yaml

import takt.contract

ROOT = Path(__file__).resolve().parents[2]
ZEPHYR = ROOT / "firmware" / "zephyr"
BOARDS = ("native_sim", "qemu_cortex_m3", "nucleo_f446re", "nucleo_h743zi")
HARDWARE = ("nucleo_f446re", "nucleo_h743zi")
KIB = 1024
needs_zephyr = pytest.mark.skipif(
    "ZEPHYR_BASE" not in os.environ,
    reason="ZEPHYR_BASE is not set: docs/zephyr.md tells how to set up a workspace",
)


def overlay(board: str) -> str:
    return (ZEPHYR / "boards" / f"{board}.overlay").read_text()


def options(path: Path) -> dict[str, str]:
    """CONFIG_ assignments of a .conf file."""
    return dict(re.findall(r"^CONFIG_(\w+)=(\S+)$", path.read_text(), re.MULTILINE))


def defaults() -> dict[str, int]:
    """Numeric defaults of our Kconfig options; of several the last, which has no condition."""
    text = (ZEPHYR / "Kconfig").read_text()
    found = {}
    for block in re.split(r"^config ", text, flags=re.MULTILINE)[1:]:
        values = re.findall(r"^\tdefault (-?\d+)$", block, re.MULTILINE)
        if values:
            found[block.split()[0]] = int(values[-1])
    return found


# ---- pure checks


@pytest.mark.parametrize("board", BOARDS)
def test_every_stream_runs_at_the_baud_rate_of_the_contract(board: str) -> None:
    rates = re.findall(r"current-speed = <(\d+)>", overlay(board))
    assert rates and {int(rate) for rate in rates} == {takt.contract.load().link.baud}


@pytest.mark.parametrize("board", BOARDS)
def test_every_board_has_its_files_and_names_its_link(board: str) -> None:
    assert (ZEPHYR / "boards" / f"{board}.conf").is_file()
    assert "takt,link-uart" in overlay(board)
    assert ("takt,wheels" in overlay(board)) == (board in HARDWARE)
    assert ("takt,plant-uart" in overlay(board)) == (board not in HARDWARE)


def test_only_the_control_thread_is_cooperative() -> None:
    ours, zephyrs = defaults(), options(ZEPHYR / "prj.conf")
    assert ours["TAKT_CONTROL_PRIORITY"] < 0 <= ours["TAKT_LINK_PRIORITY"]
    assert ours["TAKT_LINK_PRIORITY"] < int(zephyrs["MAIN_THREAD_PRIORITY"])
    assert ours["TAKT_LINK_PRIORITY"] < int(zephyrs["SYSTEM_WORKQUEUE_PRIORITY"])
    sources = "".join(path.read_text() for path in (ZEPHYR / "src").rglob("*.c"))
    assert len(re.findall(r"\bk_thread_create\(", sources)) == 2
    assert sources.count("K_THREAD_DEFINE(") == 1 == sources.count("K_THREAD_DEFINE(spinning,")  # of a test


def test_the_watchdogs_bite_in_order() -> None:
    task_ms = defaults()["TAKT_WATCHDOG_MS"]
    safety = takt.contract.load().safety
    assert task_ms == 50 < safety.motor_silence_ms
    for board in HARDWARE:
        there = options(ZEPHYR / "boards" / f"{board}.conf")
        assert there["TASK_WDT_HW_FALLBACK"] == "y"
        assert (
            int(there["TASK_WDT_MIN_TIMEOUT"]) <= task_ms < task_ms + int(there["TASK_WDT_HW_FALLBACK_DELAY"])
        )


@pytest.mark.parametrize("board", ["qemu_cortex_m3", "nucleo_f446re", "nucleo_h743zi"])
def test_retained_memory_begins_where_the_linkers_memory_ends(board: str) -> None:
    text = overlay(board)
    start, size = re.search(
        r"retained: memory@[0-9a-f]+ \{[^}]*reg = <(0x[0-9a-f]+) DT_SIZE_K\((\d+)\)>", text
    ).groups()  # type: ignore[union-attr]
    region, kept = re.search(r"reg = <(0x20000000) DT_SIZE_K\((\d+)\)>", text).groups()  # type: ignore[union-attr]
    assert int(region, 16) + int(kept) * KIB == int(start, 16)
    assert int(size) >= 5  # the ledger's store and the reset's mark; the build asserts that they fit


def test_parameters_lie_in_two_whole_sectors_behind_every_image() -> None:
    flash_kib = {"nucleo_f446re": 512, "nucleo_h743zi": 2048}
    for board in HARDWARE:
        found = re.search(
            r"parameters: partition@([0-9a-f]+) \{[^}]*reg = <0x([0-9a-f]+) DT_SIZE_K\((\d+)\)>",
            overlay(board),
        )
        assert found and int(found[1], 16) == int(found[2], 16)
        start_kib, size_kib = int(found[2], 16) // KIB, int(found[3])
        assert size_kib == 2 * 128 and start_kib % 128 == 0  # both have sectors of 128 KB there
        assert start_kib + size_kib == flash_kib[board]


def test_flash_is_erased_before_the_watchdog_runs_and_nowhere_else() -> None:
    sources = {path.name: path.read_text() for path in (ZEPHYR / "src").rglob("*.c")}
    assert {name for name, text in sources.items() if "flash_area_erase(" in text} == {"parameter_store.c"}
    store, main = sources["parameter_store.c"], sources["main.c"]
    assert store.count("flash_area_erase(") == 1 and store.count("start_area(") == 2  # defined, and in open
    opened = store[store.index("int takt_parameter_store_open") :]
    assert "start_area(" in opened[: opened.index("\n}\n")]
    assert main.index("takt_parameter_store_open(") < main.index("return takt_watchdog_start(")


def test_the_workspace_pins_a_release() -> None:
    manifest = yaml.safe_load((ZEPHYR / "west.yml").read_text())["manifest"]
    (zephyr,) = manifest["projects"]
    assert re.fullmatch(r"v\d+\.\d+\.\d+", zephyr["revision"])
    assert "hal_stm32" in zephyr["import"]["name-allowlist"]


def test_without_a_workspace_one_line_tells_how_to_set_one_up() -> None:
    without = {key: value for key, value in os.environ.items() if key != "ZEPHYR_BASE"}
    said = subprocess.run(
        [ZEPHYR / "build", "nucleo_f446re"], env=without, capture_output=True, text=True, timeout=300
    )
    assert said.returncode == 2 and said.stdout == ""
    (line,) = said.stderr.splitlines()
    assert line.startswith("error: ") and "Fix: " in line
    assert "west init" in line and "west update" in line and "ZEPHYR_BASE" in line


def test_an_unknown_board_is_refused() -> None:
    said = subprocess.run([ZEPHYR / "build", "toaster"], capture_output=True, text=True, timeout=300)
    assert said.returncode == 2 and "toaster" in said.stderr and "nucleo_f446re" in said.stderr


# ---- with a workspace


def build(board: str, folder: Path, *more: str) -> tuple[Path, str]:
    """The folder with the image, and what the build said."""
    environment = {**os.environ, "BUILD_DIR": str(folder / board), "BUILD_JOBS": "1"}
    done = subprocess.run(
        ["nice", ZEPHYR / "build", board, *more],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    return folder / board / "zephyr", done.stdout


def used_bytes(said: str, region: str) -> int:
    found = re.search(rf"^\s*{region}:\s+(\d+) (B|KB)\s", said, re.MULTILINE)
    assert found, said[-2000:]
    return int(found.group(1)) * (KIB if found.group(2) == "KB" else 1)


@needs_zephyr
@pytest.mark.parametrize("board", ["qemu_cortex_m3", "nucleo_f446re", "nucleo_h743zi"])
def test_an_image_builds_without_a_warning_and_is_small(board: str, tmp_path: Path) -> None:
    if shutil.which("arm-none-eabi-gcc") is None and "ZEPHYR_TOOLCHAIN_VARIANT" not in os.environ:
        pytest.skip("no ARM compiler: apt-get install gcc-arm-none-eabi picolibc-arm-none-eabi")
    _, said = build(board, tmp_path)
    assert "warning" not in said.lower()
    if board == "nucleo_f446re":
        assert used_bytes(said, "FLASH") <= 64 * KIB
        assert used_bytes(said, "RAM") + 5 * KIB <= 32 * KIB  # with the retained region


def zephyrs_python() -> Path:
    """The first Python in PATH that has what Zephyr's scripts import; the one that runs these tests may not."""
    for folder in os.environ["PATH"].split(os.pathsep):
        python = Path(folder) / "python3"
        if (
            python.exists()
            and not subprocess.run(
                [python, "-c", "import elftools, packaging, pykwalify, yaml"], capture_output=True
            ).returncode
        ):
            return python
    raise AssertionError("no Python in PATH can run Zephyr's scripts")


@needs_zephyr
def test_the_ports_own_suites_pass(tmp_path: Path) -> None:
    modern = not (Path(os.environ["ZEPHYR_BASE"]) / "boards" / "posix" / "native_sim").is_dir()
    board = "native_sim/native/64" if modern else "native_sim_64"
    environment = {**os.environ, "ZEPHYR_TOOLCHAIN_VARIANT": "host"}
    python = zephyrs_python()
    configure = ["cmake", "-GNinja", "-S", ZEPHYR / "tests" / "port", "-B", tmp_path, f"-DBOARD={board}"]
    configure += [f"-DPython3_EXECUTABLE={python}", f"-DWEST_PYTHON={python}"]
    for command in ([*configure, "-DBUILD_VERSION=test"], ["nice", "cmake", "--build", tmp_path, "-j1"]):
        subprocess.run(command, env=environment, check=True, capture_output=True, timeout=800)
    ran = subprocess.run(
        [tmp_path / "zephyr" / "zephyr.exe", f"--flash={tmp_path / 'flash'}"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert ran.returncode == 0, ran.stdout[-4000:]
    assert len(re.findall(r"^ PASS - ", ran.stdout, re.MULTILINE)) >= 31
    assert "PROJECT EXECUTION SUCCESSFUL" in ran.stdout
    assert "FAIL" not in ran.stdout.replace("fail = 0", "")


@needs_zephyr
def test_a_blocked_cycle_ends_in_a_reset_that_the_next_start_knows_of(tmp_path: Path) -> None:
    image, _ = build("native_sim", tmp_path, "-DCONFIG_TAKT_TEST_BUSY_MS=100")
    lines = [f"--{name}=pty:{tmp_path / name}" for name in ("link", "plant")]
    process = subprocess.Popen(
        [image / "zephyr.exe", *lines, f"--retained={tmp_path / 'retained'}", "--flash_in_ram"],
        stdout=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    said = []
    for line in process.stdout:  # ends with the process; the limit of the test is the limit of the wait
        said.append(line.strip())
        if "watchdog_reset" in line:
            process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=300) == 0
    boots = [line for line in said if line.startswith("takt: boot")]
    assert [line.split(",")[0] for line in boots] == ["takt: boot 1", "takt: boot 2 after the watchdog"]
    assert "takt: SAFE watchdog_reset" in said
    assert not any((tmp_path / name).is_symlink() for name in ("link", "plant")), "the links stay behind"
