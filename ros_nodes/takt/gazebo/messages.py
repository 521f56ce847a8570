"""Gazebo's messages as plain data. Each is read by its fields, so that protobuf's classes are not needed here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from takt.gazebo.hardware_edge import JointSample, Pair

# gz.msgs.PixelFormatType -> ROS encoding and bytes a pixel, for those that our camera can be set to
_PIXELS = {1: ("mono8", 1), 3: ("rgb8", 3), 4: ("rgba8", 4), 8: ("bgr8", 3)}


@dataclass(frozen=True)
class Picture:
    """As sensor_msgs/Image has it."""

    stamp_ns: int
    width_px: int
    height_px: int
    step: int  # bytes a row
    encoding: str
    data: bytes


def from_model(model: Any, names: tuple[str, str]) -> JointSample | None:
    """A gz.msgs.Model of JointStatePublisher; None when one of the two joints is not in it.

    Joints are found by name, since fixed ones are listed too; a name may be scoped (``robot::joint``).
    """
    axes = {joint.name.rpartition("::")[2]: joint.axis1 for joint in model.joint}
    if not set(names) <= axes.keys():
        return None
    first, second = (axes[name] for name in names)
    positions, speeds = (first.position, second.position), (first.velocity, second.velocity)
    return JointSample(stamp_ns(model.header.stamp), positions, speeds)


def from_joint_state(
    stamp: int,
    told: Sequence[str],
    position: Sequence[float],
    velocity: Sequence[float],
    names: tuple[str, str],
) -> JointSample | None:
    """The same from the fields of a sensor_msgs/JointState, as ros_gz_bridge writes it. ``stamp`` in ns."""
    places = {name.rpartition("::")[2]: place for place, name in enumerate(told)}
    if not set(names) <= places.keys():
        return None
    wanted = [places[name] for name in names]
    if max(wanted) >= min(len(position), len(velocity)):
        return None
    return JointSample(stamp, _pair(position, wanted), _pair(velocity, wanted))


def picture(image: Any) -> Picture | None:
    """A gz.msgs.Image; None for a pixel format that the camera node cannot read, or rows that are cut short."""
    if image.pixel_format_type not in _PIXELS:
        return None
    encoding, channels = _PIXELS[image.pixel_format_type]
    step = image.step or image.width * channels
    if step < image.width * channels or len(image.data) < step * image.height:
        return None
    stamp = stamp_ns(image.header.stamp)
    return Picture(stamp, image.width, image.height, step, encoding, image.data)


def stamp_ns(time: Any) -> int:
    """A gz.msgs.Time in ns."""
    return int(time.sec) * 1_000_000_000 + int(time.nsec)


def _pair(values: Sequence[float], places: list[int]) -> Pair:
    return float(values[places[0]]), float(values[places[1]])
