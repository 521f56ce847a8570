"""Scenario files: one YAML each, an episode and what it must come to. Errors name the file, the line and the fix."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from takt import resources
from takt.deadlines import Rung
from takt.errors import TaktError
from takt.simulation.board import MISS_CAUSES
from takt.twin.episode import MAX_SECONDS, MAX_SEED, MIN_SECONDS, Episode, FaultPlan
from takt.twin.faults import KINDS
from takt.twin.scenario_yaml import Place, Places, read

FOLDER = "config/scenarios"
RANGES: dict[Place, tuple[float, float]] = {
    ("seconds",): (MIN_SECONDS, MAX_SECONDS),
    ("board_drift_ppm",): (-200.0, 200.0),
    ("arena", "obstacles"): (0, 8),
    ("arena", "target_speed_factor"): (0.0, 2.0),
    ("sight", "pixel_sigma"): (0.0, 20.0),
    ("sight", "capture_ms"): (0.0, 1000.0),
    ("sight", "detect_ms"): (0.0, 1000.0),
    ("sight", "jitter_ms"): (0.0, 1000.0),
    ("sight", "miss_rate"): (0.0, 1.0),
    ("line", "baud"): (9600, 10_000_000),
    ("line", "latency_ms"): (0.0, 1000.0),
    ("line", "drop_rate"): (0.0, 1.0),
    ("line", "flip_rate"): (0.0, 1.0),
    ("line", "duplicate_rate"): (0.0, 1.0),
    ("faults", "for_s"): (0.0, MAX_SECONDS),
    ("faults", "strength"): (0.0, 1.0),
    ("expect", "target_visible_ratio_min"): (0.0, 1.0),
}  # of numbers; the others: 0 or more
_SET_ELSEWHERE = ("name", "seed", "arena_seed")


@dataclass(frozen=True)
class Expect:
    """What a run must come to; what is left out is not asked. Distances m, times s."""

    target_visible_ratio_min: float | None = None
    distance_error_p95_m_max: float | None = None
    collisions_max: int | None = 0
    stop_distance_m_max: float | None = None  # from the first fault to a standstill
    recovery_s_max: float | None = None  # from the last fault's end to NOMINAL on both computers
    command_age_p99_ms_max: float | None = None
    reaches: str | None = None  # the lowest rung of the board, after it was first armed
    ends_on: str | None = "NOMINAL"  # of the board
    misses: dict[str, int] | None = None  # by cause, exactly; causes left out: none
    all_felt: bool = True


@dataclass(frozen=True)
class ScenarioFile:
    """``episode(seed)`` makes the run of a seed."""

    path: Path
    name: str
    description: str
    values: dict[str, Any]
    expect: Expect

    def episode(self, seed: int) -> Episode:
        if not 0 <= seed <= MAX_SEED:
            raise TaktError(f"seed {seed} is out of range", f"give one from 0 to {MAX_SEED}")
        return Episode(name=self.name, seed=seed, **self.values)


def shipped() -> list[str]:
    """Names of the scenarios that come with Takt, ``follow`` first."""
    names = sorted(path.stem for path in resources.path(FOLDER).glob("*.yaml"))
    return sorted(names, key=lambda name: name != "follow")


def load(name_or_path: str) -> ScenarioFile:
    """A shipped scenario by name, or any file by its path."""
    path = Path(name_or_path)
    if path.suffix not in (".yaml", ".yml"):
        path = resources.path(FOLDER) / f"{name_or_path}.yaml"
        if not path.exists():
            raise TaktError(
                f"there is no scenario {name_or_path!r}", f"one of: {', '.join(shipped())}, or a file"
            )
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TaktError(f"{path} cannot be read ({error.strerror})", "name a file that can") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise TaktError(f"{path}:{line}: no text in UTF-8", "save the file as UTF-8") from None
    return parse(text, path)


def parse(text: str, path: Path) -> ScenarioFile:
    """A scenario from its text. Raises TaktError with the place in the file."""
    document, places = read(text, path)
    reader = _Reader(places)
    reader.expect_mapping(document, ())
    description = reader.text(document, "description")
    values = reader.section(
        Episode, {key: value for key, value in document.items() if key not in ("description", "expect")}, ()
    )
    expect = reader.section(Expect, document.get("expect", {}), ("expect",))
    made = ScenarioFile(path, path.stem, description, values, Expect(**expect))
    reader.check(made)
    return made


class _Reader:
    """Turns plain YAML values into the dataclasses' fields."""

    def __init__(self, places: Places) -> None:
        self.fail = places.fail

    def expect_mapping(self, value: object, place: Place) -> None:
        if not isinstance(value, dict):
            raise self.fail(place, "a mapping of keys was expected", "see docs/twin.md for the keys")

    def text(self, document: dict[str, Any], key: str) -> str:
        value = document.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self.fail(
                (key,), "is missing", f"say in a sentence what the scenario is for, as {key}: ..."
            )
        return value.strip()

    def section(self, kind: type, given: object, place: Place) -> dict[str, Any]:
        """The given keys, checked against the fields of a dataclass."""
        self.expect_mapping(given, place)
        assert isinstance(given, dict)
        hints = get_type_hints(kind)
        names = [one.name for one in fields(kind) if kind is not Episode or one.name not in _SET_ELSEWHERE]
        made: dict[str, Any] = {}
        for key, value in given.items():
            if key not in names:
                raise self.fail((*place, str(key)), "is no key here", f"one of: {', '.join(names)}")
            made[key] = self._value(hints[key], value, (*place, key))
        return made

    def _value(self, hint: Any, value: Any, place: Place) -> Any:
        if is_dataclass(hint):
            assert isinstance(hint, type)
            return hint(**self.section(hint, value, place))
        if "FaultPlan" in str(hint):
            return tuple(self._faults(value, place))
        wanted = str(hint)
        if "dict" in wanted:
            return self._counts(value, place)
        if "bool" in wanted or isinstance(value, bool):
            if isinstance(value, bool) and "bool" in wanted:
                return value
            raise self.fail(
                place, f"{value!r} does not fit", "give true or false" if "bool" in wanted else "a number"
            )
        if isinstance(value, int | float) and (
            "float" in wanted or ("int" in wanted and float(value).is_integer())
        ):
            return self._within(value, place)
        if value is None and "None" in wanted or isinstance(value, str) and "str" in wanted:
            return value
        raise self.fail(place, f"{value!r} does not fit", f"a value of type {hint} is wanted")

    def _within(self, value: float, place: Place) -> float:
        low, high = RANGES.get(tuple(part for part in place if not isinstance(part, int)), (0.0, math.inf))
        if not (low <= value <= high and math.isfinite(value)):
            limits = f"{low:g} or more" if high == math.inf else f"{low:g} to {high:g}"
            raise self.fail(place, f"{value:g} is out of range", f"give {limits}")
        return value

    def _counts(self, value: Any, place: Place) -> dict[str, int] | None:
        if value is None:
            return None
        self.expect_mapping(value, place)
        for cause, count in value.items():
            if cause not in MISS_CAUSES:
                raise self.fail(
                    (*place, cause), f"{cause!r} is no cause", f"one of: {', '.join(MISS_CAUSES)}"
                )
            if not isinstance(count, int) or isinstance(count, bool) or count < 0:
                raise self.fail((*place, cause), f"{count!r} is no count", "give 0 or more")
        return dict(value)

    def _faults(self, given: Any, place: Place) -> Iterable[FaultPlan]:
        if not isinstance(given, list):
            raise self.fail(place, "a list of faults was expected", "begin each with `- kind: ...`")
        for index, item in enumerate(given):
            here = (*place, index)
            values = self.section(FaultPlan, item, here)
            missing = [key for key in ("kind", "at_s", "for_s") if key not in values]
            if missing:
                raise self.fail(here, f"{missing[0]} is missing", "a fault needs kind, at_s and for_s")
            if values["kind"] not in KINDS:
                raise self.fail(
                    (*here, "kind"),
                    f"no fault is called {values['kind']!r}",
                    f"one of: {', '.join(sorted(KINDS))}",
                )
            yield FaultPlan(**values)

    def check(self, scenario: ScenarioFile) -> None:
        """What needs the whole."""
        episode = scenario.episode(0)
        for index, fault in enumerate(episode.faults):
            if fault.at_s > episode.seconds:
                cause = f"{fault.at_s:g} is after the end at {episode.seconds:g}"
                raise self.fail(("faults", index, "at_s"), cause, f"give 0 to {episode.seconds:g}")
        for key in ("reaches", "ends_on"):
            rung = getattr(scenario.expect, key)
            if rung is not None and rung not in Rung.__members__:
                raise self.fail(
                    ("expect", key), f"{rung!r} is no rung", f"one of: {', '.join(Rung.__members__)}"
                )
        if episode.rearm not in ("automatic", "operator"):
            raise self.fail(("rearm",), f"{episode.rearm!r} does not fit", "automatic or operator")
