"""Every way in which the twin's day can go bad, by name."""

from takt.twin.faults.host import HOST_FAULTS
from takt.twin.faults.kind import FaultKind, Marks, marks
from takt.twin.faults.line import LINE_FAULTS
from takt.twin.faults.robot import ROBOT_FAULTS
from takt.twin.faults.surroundings import SURROUNDING_FAULTS

KINDS: dict[str, FaultKind] = {
    kind.name: kind for kind in (*HOST_FAULTS, *LINE_FAULTS, *ROBOT_FAULTS, *SURROUNDING_FAULTS)
}

__all__ = ["KINDS", "FaultKind", "Marks", "marks"]
