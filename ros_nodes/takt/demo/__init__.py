"""The demo run: its options, what it records, its report and its verdict. No ROS in here."""
