"""Deadlines: what a stage may take, what it took, and what is done when it is late."""

from takt.deadlines.histogram import Histogram
from takt.deadlines.journey import Journey
from takt.deadlines.ladder import Conditions, Ladder, Rung
from takt.deadlines.miss import Miss
from takt.deadlines.stage_clock import StageClock

__all__ = ["Conditions", "Histogram", "Journey", "Ladder", "Miss", "Rung", "StageClock"]
