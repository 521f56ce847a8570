"""`./run`: what it tells when something is wrong, and that set-up which stands is not repeated.

A copy of the script runs among programs of our own making, so that nothing here touches the network or this machine.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYTHON = """#!/bin/bash
case "$*" in
    --version) echo "Python 3.11.7" ;;
    "-c import rclpy") exit 1 ;;
    -c*) exit 0 ;;
    "-m venv"*)
        mkdir -p "${@: -1}/bin"
        cp "$0" "${@: -1}/bin/python"
        printf '#!/bin/sh\\necho takt "$@" in "$PWD"\\n' >"${@: -1}/bin/takt"
        chmod 755 "${@: -1}/bin/takt" ;;
    *) echo "$*" >>"$CALLS" ;;
esac
"""


TOOLS = (
    "bash cat chmod cp date dirname env find flock grep ls "
    "mkdir nproc readlink rm sed sh sha256sum sleep sort tail tr"
)


@pytest.fixture
def tree(tmp_path) -> Path:
    """A source tree with nothing but what ./run itself reads."""
    tree = tmp_path / "takt tree"
    tree.mkdir()
    shutil.copy(ROOT / "run", tree / "run")
    for folder in ("requirements", "libexec"):
        shutil.copytree(ROOT / folder, tree / folder)
    for folder in ("config", "launch", "sim", "firmware", "ros_nodes"):
        (tree / folder).mkdir()
    for file in ("setup.py", "setup.cfg", "package.xml"):
        shutil.copy(ROOT / file, tree / file)
    return tree


@pytest.fixture
def programs(tmp_path) -> Path:
    """All that is on PATH. Every Debian package is there, the compiler does nothing, pip writes down its calls."""
    folder = tmp_path / "programs"
    folder.mkdir()
    for tool in TOOLS.split():
        (folder / tool).symlink_to(shutil.which(tool))
    write(folder / "dpkg-query", "#!/bin/sh\necho -n installed\n")
    for name in ("cmake", "make", "gcc"):
        write(folder / name, "#!/bin/sh\nexit 0\n")
    write(folder / "id", "#!/bin/sh\necho 0\n")
    write(folder / "python3", PYTHON)
    write(folder / "uname", "#!/bin/sh\necho x86_64\n")
    for name in ("chromium", "promtool"):
        write(folder / name, "#!/bin/sh\n")
    return folder


def write(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # never through a link to the real program
    path.write_text(text)
    path.chmod(0o755)


def call(tree: Path, programs: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": str(programs),
        "CALLS": str(programs / "calls"),
        "HOME": str(programs),
        **more,
    }
    return subprocess.run(
        [str(tree / "run"), *arguments],
        cwd=programs,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def pip_calls(programs: Path) -> list[str]:
    calls = programs / "calls"
    return (
        [line for line in calls.read_text().splitlines() if "pip install" in line] if calls.exists() else []
    )


def test_help_needs_nothing(tree, programs):
    done = call(tree, programs, "help")
    assert done.returncode == 0
    assert all(
        f"\n  {name}" in done.stdout
        for name in ("demo", "test", "check", "bench", "prove", "firmware", "takt")
    )
    assert not (tree / "build").exists()


@pytest.mark.parametrize("arguments", [("nonsense",), ("firmware", "toaster"), ("firmware",)])
def test_a_wrong_word_is_one_line_with_a_fix(tree, programs, arguments):
    done = call(tree, programs, *arguments)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1 and "error: " in done.stderr and "Fix: " in done.stderr


def test_it_works_from_any_folder_and_passes_arguments_on(tree, programs):
    done = call(tree, programs, "demo", "--headless", "--json", "out.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == f"takt demo --headless --json out.json in {programs}"
    assert [line[:5] for line in done.stderr.splitlines()] == ["[1/4]", "[2/4]", "[3/4]", "[4/4]"]


def test_requirements_are_one_pip_call_and_the_second_time_none(tree, programs):
    assert call(tree, programs, "takt").returncode == 0
    first = pip_calls(programs)
    assert len([line for line in first if "requirement" in line]) == 1
    assert all(name in first[0] for name in ("base.txt", "test.txt", "ros-kilted.txt"))
    assert len([line for line in first if "--no-index" in line and "--editable" in line]) == 1
    second = call(tree, programs, "takt")
    assert second.returncode == 0 and second.stderr.count("stands") == 3
    assert pip_calls(programs) == first


def test_a_changed_requirement_is_installed(tree, programs):
    call(tree, programs, "takt")
    with (tree / "requirements" / "base.txt").open("a") as file:
        file.write("six==1.16.0\n")
    call(tree, programs, "takt")
    assert len([line for line in pip_calls(programs) if "requirement" in line]) == 2


def test_an_environment_that_was_moved_is_made_anew(tree, programs):
    call(tree, programs, "takt")
    moved = tree.with_name("moved")
    shutil.move(tree, moved)
    done = call(moved, programs, "takt")
    assert done.returncode == 0
    assert len([line for line in pip_calls(programs) if "requirement" in line]) == 2


def test_a_sourced_ros_is_used_instead_of_wheels(tree, programs):
    write(programs / "python3", PYTHON.replace('"-c import rclpy") exit 1', '"-c import rclpy") exit 0'))
    done = call(tree, programs, "takt", ROS_DISTRO="jazzy")
    assert done.returncode == 0 and "ROS jazzy" in done.stderr
    assert "ros-kilted.txt" not in pip_calls(programs)[0]
    beside = (tree / "build" / "base-beside-ros.txt").read_text()
    assert "numpy==" not in beside and "pyserial==" in beside


def test_without_wheels_for_this_processor_the_way_out_is_named(tree, programs):
    write(programs / "uname", "#!/bin/sh\necho aarch64\n")
    done = call(tree, programs, "takt")
    assert done.returncode == 2
    assert "aarch64" in done.stderr and "docs/robot.md" in done.stderr and "Traceback" not in done.stderr


def test_a_failing_step_shows_the_cause_the_log_and_the_fix(tree, programs):
    write(programs / "cmake", "#!/bin/sh\necho 'board.c:7: error: no such thing' >&2\nexit 1\n")
    done = call(tree, programs, "firmware", "posix")
    assert done.returncode == 2
    assert "board.c:7: error: no such thing" in done.stderr
    assert "build/log/2-firmware.log" in done.stderr and "Fix: " in done.stderr.splitlines()[-1]


def test_a_failing_pip_leaves_no_stamp_behind(tree, programs):
    write(
        programs / "python3",
        PYTHON.replace('*) echo "$*"', '*pip*) echo "no space left" >&2; exit 1 ;;\n    *) echo "$*"'),
    )
    done = call(tree, programs, "takt")
    assert done.returncode == 2 and "no space left" in done.stderr
    assert not (tree / ".venv" / "takt-stamp").exists()


def test_missing_packages_without_root_are_named_for_a_person(tree, programs):
    write(programs / "id", "#!/bin/sh\necho 1000\n")
    write(programs / "dpkg-query", "#!/bin/sh\nexit 1\n")
    write(programs / "apt-get", "#!/bin/sh\nexit 99\n")
    done = call(tree, programs, "takt")
    assert done.returncode == 2
    assert "apt-get install libegl1 libegl-mesa0 libgl1-mesa-dri" in done.stderr


def test_only_what_is_missing_is_installed_from_apt(tree, programs):
    write(programs / "dpkg-query", '#!/bin/sh\n[ "$4" = libegl1 ] || echo -n installed\n')
    write(programs / "apt-get", '#!/bin/sh\necho "$*" >>"$CALLS"\n')
    assert call(tree, programs, "takt").returncode == 0
    asked = [
        line for line in (programs / "calls").read_text().splitlines() if "--no-install-recommends" in line
    ]
    assert asked == ["install -y --no-install-recommends libegl1"]


def test_a_browser_that_cannot_be_had_is_noted_and_no_error(tree, programs):
    (programs / "chromium").unlink()
    write(programs / "apt-get", "#!/bin/sh\n[ $1 = update ] || exit 100\n")
    done = call(tree, programs, "test")
    assert done.returncode == 0, done.stderr
    assert (tree / "build" / "no-browser").exists(), done.stderr


def test_prometheus_is_unpacked_for_the_tests_and_never_installed(tree, programs):
    (programs / "promtool").unlink()
    write(programs / "apt-get", '#!/bin/sh\necho "$@" >>"$CALLS"\n: >prometheus_2_amd64.deb\n')
    write(programs / "dpkg-deb", '#!/bin/sh\nmkdir -p "$3/usr/bin"\n')
    assert call(tree, programs, "test").returncode == 0
    asked = [line for line in (programs / "calls").read_text().splitlines() if line.startswith("download")]
    assert asked == ["download prometheus"]
    assert [path.name for path in (tree / "build/prometheus").iterdir()] == ["usr"]
    assert call(tree, programs, "test").returncode == 0
    again = [line for line in (programs / "calls").read_text().splitlines() if line.startswith("download")]
    assert again == asked


def test_ci_calls_the_commands_that_the_readme_names():
    commands = [line for line in (ROOT / ".ci" / "run").read_text().splitlines() if line.startswith("./run")]
    assert commands == ["./run check", "./run test"]
    assert "    ./run test\n" in (ROOT / "README.md").read_text()
    assert os.access(ROOT / ".ci" / "run", os.X_OK) and os.access(ROOT / "run", os.X_OK)
