"""The reader of the core's headers under the name by which the tests know it."""

from takt.simulation.core_headers import Core

__all__ = ["Core"]
