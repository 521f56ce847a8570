"""The simulated robot: firmware process, MuJoCo plant and rendered camera around the same middle as on the robot.

ros2 launch takt sim.launch.py [seed:=1] [seconds:=3600.0] [dashboard_port:=8080] [firmware:=PATH] [rearm:=automatic]
"""

import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from takt import graph, resources
from takt.nodes.launch_actions import actions
from takt.supervision.processes import find_program

BUILT_FIRMWARE = resources.roots()[0] / "build" / "firmware" / "takt_firmware"


def processes(context: LaunchContext):
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    options = graph.SimOptions(
        run_dir=Path(tempfile.mkdtemp(prefix="takt-run-")),
        firmware=Path(find_program(value("firmware"))),
        seed=int(value("seed")),
        seconds=float(value("seconds")),
        dashboard_port=int(value("dashboard_port")),
    )
    return actions(graph.simulation(options), value("rearm"))


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("seed", default_value="1", description="arena and path of the target"),
            DeclareLaunchArgument("seconds", default_value="3600.0", description="how long the plant runs"),
            DeclareLaunchArgument("dashboard_port", default_value="8080", description="page on 127.0.0.1"),
            DeclareLaunchArgument("firmware", default_value=str(BUILT_FIRMWARE), description="its program"),
            DeclareLaunchArgument("rearm", default_value="automatic", choices=["automatic", "operator"]),
            OpaqueFunction(function=processes),
        ]
    )
