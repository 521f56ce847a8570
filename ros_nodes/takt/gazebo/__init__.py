"""The robot in Gazebo: its world, its topics, and the hardware edge between Gazebo's joints and the board's firmware.

Pure but for `transport` (gz-transport) and `command` (files). Nothing here needs MuJoCo, ROS or Gazebo to be imported.
"""
