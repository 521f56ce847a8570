"""The micro-ROS wire protocol (DDS-XRCE over a serial line), agent side: pure logic and the ports it runs over."""
