"""Takt on its robot: services, device names, and the ament prefix of a source tree."""
