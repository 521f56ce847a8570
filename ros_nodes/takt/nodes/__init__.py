"""The ROS face of Takt: thin shells around pure parts. The only package that imports rclpy or message packages."""
