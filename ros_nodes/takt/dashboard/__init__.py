"""The robot in a browser: what it sees, where it is, what every stage took, and a STOP button. No ROS in here."""

from takt.dashboard.picture import PictureTaker
from takt.dashboard.server import DashboardServer, listen
from takt.dashboard.state import RobotState

__all__ = ["DashboardServer", "PictureTaker", "RobotState", "listen"]
