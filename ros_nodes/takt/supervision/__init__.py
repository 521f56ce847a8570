"""Keeping the robot's processes alive and deciding when it may be armed. No ROS in here."""
