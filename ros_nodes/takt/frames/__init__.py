"""Frames that carry their results: pixels are captured once into shared memory and everything else attaches to them."""

from takt.frames.records import Attached, Detections, Frame, FrameHeader
from takt.frames.ring import FrameRing

__all__ = ["Attached", "Detections", "Frame", "FrameHeader", "FrameRing"]
