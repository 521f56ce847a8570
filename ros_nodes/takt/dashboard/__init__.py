"""The robot in a browser: what it sees, where it is, what every stage took, and a STOP button. No ROS in here."""

from takt.dashboard.access import Access
from takt.dashboard.listener import listen
from takt.dashboard.orders import Answer, ParameterRow
from takt.dashboard.picture import PictureTaker
from takt.dashboard.server import DashboardServer
from takt.dashboard.state import RobotState

__all__ = ["Access", "Answer", "DashboardServer", "ParameterRow", "PictureTaker", "RobotState", "listen"]
