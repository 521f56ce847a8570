"""The graph description as launch actions: what sim.launch.py and robot.launch.py have in common."""

from __future__ import annotations

from launch import Action
from launch.actions import ExecuteProcess, SetEnvironmentVariable
from launch_ros.actions import Node

from takt import graph, resources
from takt.graph import Process
from takt.supervision.processes import command_line

_RESPAWN_DELAY_S = 0.1


def actions(processes: list[Process], rearm: str) -> list[Action]:
    """Every process of the graph, and the supervisor that drives their life cycle."""
    watching = graph.supervisor_parameters(processes, rearm)
    supervisor = Process("supervisor", "takt_supervisor", parameters=watching)
    profile = str(resources.path("config/fastdds.xml"))
    return [
        SetEnvironmentVariable("FASTDDS_DEFAULT_PROFILES_FILE", profile),
        *(_action(process) for process in [*processes, supervisor]),
    ]


def _action(process: Process) -> Action:
    respawn = {"respawn": process.restart, "respawn_delay": _RESPAWN_DELAY_S}
    if not process.ros:
        return ExecuteProcess(cmd=command_line(process), name=process.name, output="screen", **respawn)
    return Node(
        package="takt",
        executable=process.executable,
        name=process.name,
        arguments=list(process.arguments),
        parameters=[dict(process.parameters)],
        output="screen",
        **respawn,
    )
