"""Asking Linux for time: scheduling class, memory locking, garbage collection. Soft real time, and it says so."""

from takt.realtime.policy import Granted, apply_policy

__all__ = ["Granted", "apply_policy"]
