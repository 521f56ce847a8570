"""What the package promises to pip, colcon and ROS tools, read from setup.py itself."""

from __future__ import annotations

import importlib
import os
import stat
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from takt import graph
from takt.install import ament_prefix

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def distribution():
    importlib.import_module("setuptools")
    run_setup = importlib.import_module("distutils.core").run_setup
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        return run_setup("setup.py", stop_after="init")
    finally:
        os.chdir(before)


def console_scripts(distribution) -> dict[str, str]:
    pairs = (line.split(" = ") for line in distribution.entry_points["console_scripts"])
    return dict(pairs)


def test_every_console_script_has_its_shim(distribution):
    shims = {path.name: path for path in (ROOT / "libexec").iterdir()}
    assert set(shims) == set(console_scripts(distribution))
    for name, path in shims.items():
        assert stat.S_IMODE(path.stat().st_mode) == 0o755, name
        assert path.read_text().splitlines()[1].split("/")[-1].split('"')[0] == name


def test_every_console_script_names_a_function(distribution):
    for name, target in console_scripts(distribution).items():
        module, function = target.split(":")
        assert callable(getattr(importlib.import_module(module), function)), name


def test_every_executable_of_the_graphs_is_a_console_script(distribution, tmp_path):
    simulated = graph.simulation(graph.SimOptions(tmp_path, tmp_path / "takt_firmware", cut_link_at_s=1.0))
    in_gazebo = graph.gazebo(graph.SimOptions(tmp_path, tmp_path / "takt_firmware"))
    named = {process.executable for process in [*simulated, *in_gazebo, *graph.robot("/dev/null")]}
    assert named - {str(tmp_path / "takt_firmware")} <= set(console_scripts(distribution))


def test_versions_and_name_agree(distribution):
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("version") == distribution.get_version()
    assert package.findtext("name") == distribution.get_name() == "takt"
    assert package.findtext("export/build_type") == "ament_python"
    assert f"## {distribution.get_version()}" in (ROOT / "CHANGELOG.md").read_text()


def test_shipped_files_keep_the_layout_of_the_source_tree(distribution):
    shipped = {f"{folder}/{Path(file).name}" for folder, files in distribution.data_files for file in files}
    for needed in (
        "config/contract.yaml",
        "config/fastdds.xml",
        "launch/sim.launch.py",
        "launch/robot.launch.py",
        "launch/gazebo.launch.py",
        "sim/gazebo/generated/bridge.yaml",
        "sim/gazebo/generated/follow.sdf",
        "sim/robot/takt_robot.urdf",
    ):
        assert f"share/takt/{needed}" in shipped
    assert "share/ament_index/resource_index/packages/takt" in shipped
    models = [path for path in (ROOT / "config" / "models").rglob("*") if path.is_file()]
    assert models
    assert {f"share/takt/{path.relative_to(ROOT)}" for path in models} <= shipped


def test_the_page_ships_inside_the_package(distribution):
    build = distribution.get_command_obj("build_py")
    build.ensure_finalized()
    before = Path.cwd()
    os.chdir(ROOT)
    try:
        packed = {Path(folder) / name for _, folder, _, names in build.data_files for name in names}
    finally:
        os.chdir(before)
    page = {path.relative_to(ROOT) for path in (ROOT / "ros_nodes/takt/dashboard").rglob("*.html")}
    assert page and page <= packed


def test_a_prefix_links_to_the_source_tree(tmp_path):
    (tmp_path / "share/takt").mkdir(parents=True)
    (tmp_path / "share/takt/left_over").touch()
    assert ament_prefix.link(ROOT, tmp_path) == sum(len(files) for _, files in ament_prefix.data_files(ROOT))
    assert not (tmp_path / "share/takt/left_over").exists()
    contract = tmp_path / "share/takt/config/contract.yaml"
    assert contract.resolve() == ROOT / "config/contract.yaml"
    assert not contract.parent.is_symlink()  # ros2 launch does not walk into linked folders
    assert os.access(tmp_path / "lib/takt/takt", os.X_OK)
