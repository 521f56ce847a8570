"""The real robot: a board on a serial port, a camera on V4L2.

ros2 launch takt robot.launch.py port:=/dev/ttyACM0 [dashboard_port:=8080] [dashboard_address:=127.0.0.1]
    [weights:=MODEL.onnx] [rearm:=operator]
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration

from takt import graph
from takt.nodes.launch_actions import actions


def processes(context: LaunchContext):
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    robot = graph.robot(
        value("port"),
        dashboard_port=int(value("dashboard_port")),
        dashboard_address=value("dashboard_address"),
        weights=value("weights"),
    )
    return actions(robot, value("rearm"))


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument(
                "port", default_value="/dev/ttyACM0", description="the board's serial line"
            ),
            DeclareLaunchArgument("dashboard_port", default_value="8080", description="port of the page"),
            DeclareLaunchArgument(
                "dashboard_address", default_value="127.0.0.1", description="another one needs the token"
            ),
            DeclareLaunchArgument(
                "weights", default_value="", description="ONNX file instead of the model card's"
            ),
            DeclareLaunchArgument("rearm", default_value="operator", choices=["operator", "automatic"]),
            OpaqueFunction(function=processes),
        ]
    )
