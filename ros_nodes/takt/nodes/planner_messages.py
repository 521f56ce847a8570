"""Plain values of the planner as ROS messages."""

from __future__ import annotations

import math
from collections.abc import Sequence

from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import (
    Point,
    Pose,
    PoseStamped,
    Quaternion,
    TransformStamped,
    Twist,
    TwistStamped,
    Vector3,
)
from nav_msgs.msg import Odometry as OdometryMessage
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from takt.planning import Command, Odometry
from takt.planning.obstacles import Obstacle
from takt.planning.tracker import Track

ODOM_FRAME, BASE_FRAME = "odom", "base_link"
_OBSTACLE_HEIGHT_M = 0.4
_LIFETIME_S = 1


def time_of(stamp_ns: int) -> Time:
    """ROS time of a stamp in ns."""
    return Time(sec=stamp_ns // 1_000_000_000, nanosec=stamp_ns % 1_000_000_000)


def nanoseconds(stamp: Time) -> int:
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def twist_of(command: Command) -> TwistStamped:
    """The command, stamped with the observation it rests on."""
    message = TwistStamped(header=Header(stamp=time_of(command.stamp_ns), frame_id=BASE_FRAME))
    message.twist.linear.x = command.speed_m_s
    message.twist.angular.z = command.yaw_rate_rad_s
    return message


def odometry_of(odometry: Odometry) -> OdometryMessage:
    header = Header(stamp=time_of(odometry.stamp_ns), frame_id=ODOM_FRAME)
    message = OdometryMessage(header=header, child_frame_id=BASE_FRAME)
    message.pose.pose = _pose(odometry)
    message.twist.twist = Twist(
        linear=Vector3(x=odometry.speed_m_s), angular=Vector3(z=odometry.yaw_rate_rad_s)
    )
    covariance, known = [0.0] * 36, odometry.covariance  # row major over x, y, z, roll, pitch, yaw
    places = (0, 1, 5)
    for row, i in enumerate(places):
        for column, j in enumerate(places):
            covariance[6 * i + j] = float(known[row, column])
    message.pose.covariance = covariance
    return message


def transform_of(odometry: Odometry) -> TransformStamped:
    """odom -> base_link."""
    header = Header(stamp=time_of(odometry.stamp_ns), frame_id=ODOM_FRAME)
    message = TransformStamped(header=header, child_frame_id=BASE_FRAME)
    message.transform.translation = Vector3(x=odometry.x_m, y=odometry.y_m, z=0.0)
    message.transform.rotation = _turn(odometry.yaw_rad)
    return message


def target_of(track: Track, now_ns: int) -> PoseStamped:
    """The target in odom; it points where it goes."""
    message = PoseStamped(header=Header(stamp=time_of(now_ns), frame_id=ODOM_FRAME))
    message.pose.position = Point(x=track.x_m, y=track.y_m, z=0.0)
    message.pose.orientation = _turn(math.atan2(track.vy_m_s, track.vx_m_s))
    return message


def obstacles_of(obstacles: Sequence[Obstacle], now_ns: int) -> MarkerArray:
    """Upright cylinders in odom, in place of those sent before."""
    header = Header(stamp=time_of(now_ns), frame_id=ODOM_FRAME)
    markers = [Marker(header=header, ns="obstacles", action=Marker.DELETEALL)]
    for number, one in enumerate(obstacles):
        marker = Marker(header=header, ns="obstacles", id=number, type=Marker.CYLINDER, action=Marker.ADD)
        marker.pose = Pose(position=Point(x=one.x_m, y=one.y_m, z=_OBSTACLE_HEIGHT_M / 2.0))
        marker.scale = Vector3(x=2.0 * one.radius_m, y=2.0 * one.radius_m, z=_OBSTACLE_HEIGHT_M)
        marker.color = ColorRGBA(r=0.45, g=0.5, b=0.56, a=0.4 if one.moving else 0.8)
        marker.lifetime = Duration(sec=_LIFETIME_S)
        markers.append(marker)
    return MarkerArray(markers=markers)


def _pose(odometry: Odometry) -> Pose:
    return Pose(position=Point(x=odometry.x_m, y=odometry.y_m, z=0.0), orientation=_turn(odometry.yaw_rad))


def _turn(yaw_rad: float) -> Quaternion:
    return Quaternion(z=math.sin(yaw_rad / 2.0), w=math.cos(yaw_rad / 2.0))
