"""The launch files start exactly the graph that the demo and the services start. Needs launch_ros, else skipped."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("launch_ros", reason="launch_ros comes with a ROS installation, no wheel carries it")

from launch import LaunchContext  # noqa: E402
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction  # noqa: E402
from launch.utilities import perform_substitutions  # noqa: E402

from takt import graph  # noqa: E402

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


def started(file: str, **arguments: str) -> dict[str, ExecuteProcess]:
    """Name -> process action of a launch file, with its arguments as a person would give them."""
    spec = importlib.util.spec_from_file_location(file.split(".")[0], LAUNCH / file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = LaunchContext()
    context.launch_configurations.update(arguments)
    actions = []
    for entity in module.generate_launch_description().entities:
        if isinstance(entity, DeclareLaunchArgument):
            entity.execute(context)
        elif isinstance(entity, OpaqueFunction):
            actions += entity.execute(context)
    processes = [action for action in actions if isinstance(action, ExecuteProcess)]
    return {name_of(action, context): action for action in processes}


def name_of(action: ExecuteProcess, context: LaunchContext) -> str:
    """A node's name is given as text; that of another process is a list of substitutions until it starts."""
    name = getattr(action, "_Node__node_name", None) or action.name
    return name if isinstance(name, str) else perform_substitutions(context, name)


def test_the_robot_is_the_graph_plus_the_supervisor():
    expected = {process.name for process in graph.robot("/dev/ttyACM7")}
    assert set(started("robot.launch.py", port="/dev/ttyACM7")) == expected | {"supervisor"}


def test_the_simulation_is_the_graph_plus_the_supervisor(tmp_path):
    firmware = tmp_path / "takt_firmware"
    firmware.write_text("#!/bin/sh\n")
    firmware.chmod(0o755)
    expected = {process.name for process in graph.simulation(graph.SimOptions(tmp_path, firmware))}
    assert set(started("sim.launch.py", firmware=str(firmware))) == expected | {"supervisor"}


def test_gazebo_is_the_graph_plus_the_supervisor_and_the_bridge(tmp_path):
    firmware = tmp_path / "takt_firmware"
    firmware.write_text("#!/bin/sh\n")
    firmware.chmod(0o755)
    expected = {process.name for process in graph.gazebo(graph.SimOptions(tmp_path, firmware))} | {
        "supervisor"
    }
    assert set(started("gazebo.launch.py", firmware=str(firmware))) == expected | {"bridge"}
    assert set(started("gazebo.launch.py", firmware=str(firmware), bridge="none")) == expected | {"gz_sim"}
