"""The text by which a reader without ROS understands a message: its .msg, then those of all types inside it.

Format "ros2msg" of the MCAP registry of schema encodings: definitions are parted by a line of 80 ``=`` and a line
``MSG: package/Name``.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from takt.contract.ros_definitions import definition, message_layouts, share_folders

ENCODING = "ros2msg"
_RULE = "=" * 80


@lru_cache(maxsize=256)
def schema_text(ros_type: str, folders: tuple[Path, ...] | None = None) -> str:
    """Schema of a type such as ``std_msgs/msg/Header``. Raises TaktError when a definition is not installed."""
    searched = share_folders() if folders is None else list(folders)
    inner = [name for name in message_layouts(ros_type, searched) if name != ros_type]
    parts = [definition(ros_type, searched)]
    for name in inner:
        package, _, message = name.split("/")
        parts.append(f"{_RULE}\nMSG: {package}/{message}\n{definition(name, searched)}")
    return "\n".join(part.rstrip("\n") for part in parts) + "\n"
