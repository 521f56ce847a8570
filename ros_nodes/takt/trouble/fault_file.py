"""RUN/faults.jsonl: one line for each fault that was brought into a run, written the moment it begins."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from takt.errors import TaktError

NAME = "faults.jsonl"


@dataclass(frozen=True)
class Injected:
    """One fault as it was brought in. ROS time; ``until_ns`` is when it was to end, or when it was to be felt until."""

    kind: str
    at_ns: int
    until_ns: int
    strength: float

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(line: str) -> Injected:
        """Raises TaktError for a line that is none of ours."""
        try:
            return Injected(**json.loads(line))
        except (TypeError, ValueError) as error:
            raise TaktError(f"{line[:60]!r} is no injected fault ({error})", f"see a run's {NAME}") from None


def read(run_dir: Path) -> list[Injected]:
    """Every fault of a run in order; an empty list where none was injected."""
    path = run_dir / NAME
    return [Injected.from_json(line) for line in path.read_text().splitlines()] if path.exists() else []


def append(run_dir: Path, injected: Injected) -> None:
    with (run_dir / NAME).open("a", encoding="utf-8") as file:
        file.write(injected.to_json() + "\n")
