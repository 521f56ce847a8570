"""`pip install .` and `colcon build` each give a package whose console scripts start, outside the source tree."""

from __future__ import annotations

import hashlib
import os
import shutil
import site
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LEFT_BEHIND = shutil.ignore_patterns(
    ".git", ".venv", "build", "install", "log", "__pycache__", "*.egg-info", ".*_cache"
)
LOAD_ALL = """
import importlib.metadata, takt
scripts = [e for e in importlib.metadata.distribution("takt").entry_points if e.group == "console_scripts"]
print(takt.__file__, len(scripts), all(callable(e.load()) for e in scripts))
"""


def clean_environment() -> dict[str, str]:
    """Ours less what points at the source tree. The ROS libraries stay ours: see ``borrow_packages``."""
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for name in ("PYTHONPATH", "AMENT_PREFIX_PATH"):
        places = [Path(place) for place in os.environ.get(name, "").split(os.pathsep) if place]
        others = [str(p) for p in places if not (p / "share/takt").exists() and not p.is_relative_to(ROOT)]
        environment[name] = os.pathsep.join(others)
    return environment


def run(*command: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=800,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    return done


def borrow_packages(environment: Path) -> None:
    """Let a new environment import what is installed in ours, behind its own: dependencies without the network."""
    purelib = environment / "lib" / f"python{sysconfig.get_python_version()}" / "site-packages"
    lines = [f"import site; site.addsitedir({path!r})" for path in site.getsitepackages()]
    (purelib / "borrowed.pth").write_text("\n".join(lines) + "\n")


@pytest.fixture(scope="module")
def source(tmp_path_factory) -> Path:
    copy = tmp_path_factory.mktemp("workspace") / "src" / "takt"
    shutil.copytree(ROOT, copy, ignore=LEFT_BEHIND)
    return copy


def test_pip_install_into_a_clean_environment(source, tmp_path):
    prefix = tmp_path / "environment"
    venv.create(prefix, symlinks=True)
    borrow_packages(prefix)
    python = prefix / "bin" / "python"
    offline = (
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "--ignore-installed",
        "--disable-pip-version-check",
    )
    run(sys.executable, "-m", "pip", "--python", python, "install", *offline, source, cwd=tmp_path)

    where, count, loaded = run(python, "-c", LOAD_ALL, cwd=tmp_path).stdout.split()
    assert Path(where).is_relative_to(prefix)
    assert (int(count), loaded) == (len(list((ROOT / "libexec").iterdir())), "True")
    assert "usage: takt COMMAND" in run(prefix / "bin" / "takt", "--help", cwd=tmp_path).stdout
    assert "usage: takt COMMAND" in run(prefix / "lib" / "takt" / "takt", "--help", cwd=tmp_path).stdout
    run(prefix / "bin" / "takt", "contract", "check", cwd=tmp_path)  # reads the contract from share/takt
    assert (prefix / "share/ament_index/resource_index/packages/takt").is_file()


@pytest.fixture(scope="module")
def colcon() -> Path:
    """colcon in an environment of its own, kept in build/ from run to run."""
    requirements = ROOT / "requirements" / "colcon.txt"
    environment = ROOT / "build" / "colcon-environment"
    stamp = environment / "stamp"
    wanted = hashlib.sha256(requirements.read_bytes() + str(environment).encode()).hexdigest()
    if not stamp.is_file() or stamp.read_text() != wanted:
        venv.create(environment, clear=True, symlinks=True)
        borrow_packages(environment)
        offline_of_ours = ("--disable-pip-version-check", "--ignore-installed", "--quiet")
        python = environment / "bin" / "python"
        run(
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            *offline_of_ours,
            "-r",
            requirements,
            cwd=ROOT,
        )
        stamp.write_text(wanted)
    return environment / "bin" / "colcon"


def test_colcon_build(source, colcon, tmp_path):
    workspace = source.parents[1]
    run(colcon, "build", "--base-paths", source, "--packages-select", "takt", cwd=workspace)
    prefix = workspace / "install" / "takt"
    installed = {path.name for path in (prefix / "lib" / "takt").iterdir()}
    assert installed == {path.name for path in (ROOT / "libexec").iterdir()}
    sourced = f". {workspace}/install/setup.sh && cd {tmp_path} && "
    assert (
        "usage: takt COMMAND"
        in run("sh", "-c", f"{sourced} {prefix}/lib/takt/takt --help", cwd=workspace).stdout
    )
    assert (
        "--plant" in run("sh", "-c", f"{sourced} {prefix}/lib/takt/takt_plant --help", cwd=workspace).stdout
    )
    run("sh", "-c", f"{sourced} {prefix}/lib/takt/takt contract check", cwd=workspace)
    assert (prefix / "share/takt/launch/robot.launch.py").is_file()
