"""All checks in the order in which they are told, and the choosing among them."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

from takt.doctor import (
    agreement,
    clock,
    discovery,
    kernel,
    memory,
    perception,
    permissions,
    processor,
    serial_port,
    services,
    software,
)
from takt.doctor.check import Check
from takt.errors import TaktError

CHECKS: tuple[Check, ...] = (
    *agreement.CHECKS,
    *serial_port.CHECKS,
    *permissions.CHECKS,
    *kernel.CHECKS,
    *processor.CHECKS,
    *memory.CHECKS,
    *clock.CHECKS,
    *discovery.CHECKS,
    *software.CHECKS,
    *perception.CHECKS,
    *services.CHECKS,
)


def chosen(names: Sequence[str]) -> tuple[Check, ...]:
    """The checks of these names, or of whole themes; all for none. Raises TaktError for a name that nobody has."""
    known = {check.name for check in CHECKS} | {check.theme for check in CHECKS}
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
            raise TaktError(
                f"no check {name!r}",
                f"{'perhaps ' + ', '.join(near) + '; ' if near else ''}takt doctor --list",
            )
    return tuple(check for check in CHECKS if not names or check.name in names or check.theme in names)
