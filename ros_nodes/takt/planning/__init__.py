"""From detections and wheel angles to a velocity command. Pure: plain data in, plain data out, time is an argument."""

from takt.planning.follower import Command, Follower, Observation
from takt.planning.odometry import Odometry, WheelOdometry

__all__ = ["Command", "Follower", "Observation", "Odometry", "WheelOdometry"]
