"""What the sessions of one line share."""

from __future__ import annotations

from typing import NamedTuple

from takt.link.handshake import Handshake
from takt.link.refs import Profiles
from takt.link.ros_port import RosPort
from takt.link.stats import LinkStats


class Pending:
    """Whether any session has something for the line; asked after every event, so it is a plain attribute."""

    __slots__ = ("output",)

    def __init__(self) -> None:
        self.output = False


class Surroundings(NamedTuple):
    """What all sessions of an agent share. ``blocked``: topics that are not forwarded now, with the reason."""

    ros: RosPort
    profiles: Profiles
    handshake: Handshake
    stats: LinkStats
    blocked: dict[str, str]
    pending: Pending
