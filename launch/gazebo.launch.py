"""The simulated robot in Gazebo: real firmware by the simulation's clock, everything else in simulated time.

ros2 launch takt gazebo.launch.py [seed:=1] [bridge:=ros_gz|none] [gui:=false] [dashboard_port:=8080] [firmware:=PATH]
"""

import tempfile
from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, IncludeLaunchDescription, OpaqueFunction
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

from takt import graph, resources
from takt.gazebo import command
from takt.nodes.launch_actions import actions
from takt.supervision.processes import find_program

BUILT_FIRMWARE = resources.roots()[0] / "build" / "firmware" / "takt_firmware"


def gazebo(world: Path, flags: str, bridged: bool):
    """The server, and what brings its topics to ROS. Without the bridge our plant node does that by gz-transport."""
    if not bridged:
        return [ExecuteProcess(cmd=["gz", "sim", *flags.split(), str(world)], name="gz_sim", output="screen")]
    server = [FindPackageShare("ros_gz_sim"), "/launch/gz_sim.launch.py"]
    bridge = {"config_file": str(world.parent / command.BRIDGE_FILE), "use_sim_time": True}
    arguments = {"gz_args": f"{flags} '{world}'", "on_exit_shutdown": "true"}
    return [
        IncludeLaunchDescription(server, launch_arguments=arguments.items()),
        Node(package="ros_gz_bridge", executable="parameter_bridge", name="bridge", parameters=[bridge]),
    ]


def processes(context: LaunchContext):
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    run_dir, seed, bridge = Path(tempfile.mkdtemp(prefix="takt-run-")), int(value("seed")), value("bridge")
    options = graph.SimOptions(
        run_dir=run_dir,
        firmware=Path(find_program(value("firmware"))),
        seed=seed,
        dashboard_port=int(value("dashboard_port")),
    )
    flags = "-r -v 2" if value("gui") == "true" else "-r -s -v 2"
    server = gazebo(command.write(run_dir, seed), flags, bridge == "ros_gz")
    return [
        *server,
        *actions(graph.gazebo(options, "ros_gz" if bridge == "ros_gz" else "gz"), value("rearm")),
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("seed", default_value="1", description="arena and path of the target"),
            DeclareLaunchArgument("bridge", default_value="ros_gz", choices=["ros_gz", "none"]),
            DeclareLaunchArgument("gui", default_value="false", choices=["true", "false"]),
            DeclareLaunchArgument("dashboard_port", default_value="8080", description="page on 127.0.0.1"),
            DeclareLaunchArgument("firmware", default_value=str(BUILT_FIRMWARE), description="its program"),
            DeclareLaunchArgument("rearm", default_value="automatic", choices=["automatic", "operator"]),
            OpaqueFunction(function=processes),
        ]
    )
