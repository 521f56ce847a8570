"""What the robot says of itself, for Prometheus, Grafana and the terminal. No ROS and no network in here."""
