"""Takt: deadlines from camera to motor for small robots."""

__version__ = "0.1.0"
