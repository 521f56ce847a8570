"""DDS names as micro-ROS clients send them, and the ROS names they stand for."""

from __future__ import annotations

import re

_TYPE = re.compile(r"([A-Za-z]\w*)::(msg|srv|action)::dds_::([A-Za-z]\w*)_")
_NOT_IN_NODE_NAME = re.compile(r"\W+", re.ASCII)
_TOKEN = re.compile(r"[A-Za-z_]\w*", re.ASCII)


def ros_topic(dds_name: str) -> str | None:
    """``rt/chatter`` -> ``/chatter``; None for a name outside ROS's scheme or one that ROS would refuse."""
    if not dds_name.startswith("rt/"):
        return None
    tokens = dds_name[3:].split("/")
    return "/" + "/".join(tokens) if all(_TOKEN.fullmatch(token) for token in tokens) else None


def ros_service(name: str) -> str | None:
    """``/base/arm`` or ``base/arm`` -> ``/base/arm``; None for a name that ROS would refuse."""
    tokens = name.lstrip("/").split("/")
    return "/" + "/".join(tokens) if all(_TOKEN.fullmatch(token) for token in tokens) else None


def ros_type(dds_type: str) -> tuple[str, str, str] | None:
    """``std_msgs::msg::dds_::Int32_`` -> ``("std_msgs", "msg", "Int32")``; None for a type outside ROS."""
    match = _TYPE.fullmatch(dds_type)
    return match.group(1, 2, 3) if match else None  # type: ignore[return-value]


def service_type(request_type: str) -> tuple[str, str, str] | None:
    """The service that a request type belongs to: ``..AddTwoInts_Request_`` -> ``(.., "srv", "AddTwoInts")``."""
    found = ros_type(request_type)
    if not found or not found[2].endswith("_Request"):
        return None
    return found[0], found[1], found[2].removesuffix("_Request")


def node_name(participant: str, fallback: str) -> tuple[str, str]:
    """(namespace, name) of the ROS node for a participant called ``name`` or ``/ns/name``.

    A client may call itself anything; what ROS does not allow becomes an underscore.
    """
    *spaces, name = [_NOT_IN_NODE_NAME.sub("_", token) for token in participant.split("/") if token] or [
        fallback
    ]
    clean = [f"_{token}" if token[:1].isdigit() else token for token in (*spaces, name)]
    return "/" + "/".join(clean[:-1]), clean[-1]
