"""Asking Linux for time: scheduling, locked memory, garbage collection, wakefulness. Soft real time, and it says so."""

from takt.realtime.policy import Granted, apply_policy
from takt.realtime.wakefulness import Wakefulness, held_awake

__all__ = ["Granted", "Wakefulness", "apply_policy", "held_awake"]
