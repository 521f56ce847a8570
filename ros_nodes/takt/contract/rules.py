"""What a value of the contract may be: number with range, one of a set, name of a given form.

A rule hangs on its dataclass field, so that reading, checking and the table in docs/contract.md share one definition.
"""

from __future__ import annotations

import dataclasses
import math
import re
from dataclasses import dataclass
from typing import Any


class Refused(ValueError):
    """A value that its rule does not allow; the text is the allowed range in words."""


@dataclass(frozen=True)
class Number:
    """A finite number in ``[low, high]``; with ``whole`` an integer. Booleans and text are refused."""

    low: float
    high: float
    whole: bool = False

    @property
    def allowed(self) -> str:
        return f"{'integer' if self.whole else 'number'} {plain(self.low)} to {plain(self.high)}"

    def accept(self, value: Any) -> int | float:
        if isinstance(value, bool) or not isinstance(value, int if self.whole else (int, float)):
            raise Refused(self.allowed)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise Refused(self.allowed)
        return int(value) if self.whole else float(value)


@dataclass(frozen=True)
class Choice:
    """One word out of ``words``."""

    words: tuple[str, ...]

    @property
    def allowed(self) -> str:
        return "one of " + ", ".join(self.words)

    def accept(self, value: Any) -> str:
        if value not in self.words:
            raise Refused(self.allowed)
        return str(value)


@dataclass(frozen=True)
class Form:
    """Text of at most ``longest`` characters that matches ``pattern``; ``allowed`` says so in words."""

    pattern: str
    longest: int
    words: str

    @property
    def allowed(self) -> str:
        return f"{self.words}, at most {self.longest} characters"

    def accept(self, value: Any) -> str:
        if not isinstance(value, str) or len(value) > self.longest or not re.fullmatch(self.pattern, value):
            raise Refused(self.allowed)
        return value


@dataclass(frozen=True)
class NumberOrContract:
    """A finite number, or the word ``contract``: the value that the contract itself gives."""

    @property
    def allowed(self) -> str:
        return f"a number, or {CONTRACT_VALUE} for the contract's own value"

    def accept(self, value: Any) -> float | str:
        if value == CONTRACT_VALUE:
            return CONTRACT_VALUE
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise Refused(self.allowed)
        return float(value)


CONTRACT_VALUE = "contract"

Rule = Number | Choice | Form | NumberOrContract


def plain(number: float) -> str:
    """``number`` as a person writes it: 100 and not 100.0."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def real(low: float, high: float, purpose: str) -> Any:
    """Dataclass field: a number in ``[low, high]``, kept as float."""
    return _field(Number(low, high), purpose)


def whole(low: int, high: int, purpose: str) -> Any:
    """Dataclass field: an integer in ``[low, high]``."""
    return _field(Number(low, high, whole=True), purpose)


def choice(words: tuple[str, ...], purpose: str, key: str = "") -> Any:
    """Dataclass field: one of ``words``; ``key`` is its YAML key where Python reserves that word."""
    return _field(Choice(words), purpose, key)


def bound(purpose: str) -> Any:
    """Dataclass field: an end of a range, as a number or as ``contract``."""
    return _field(NumberOrContract(), purpose)


def form(pattern: str, longest: int, words: str, purpose: str) -> Any:
    """Dataclass field: text of a given form."""
    return _field(Form(pattern, longest, words), purpose)


def _field(rule: Rule, purpose: str, key: str = "") -> Any:
    return dataclasses.field(metadata={"rule": rule, "purpose": purpose, "key": key})


def fields_by_key(section: type) -> dict[str, dataclasses.Field[Any]]:
    """YAML key -> field of a section's dataclass, in the order of the file."""
    return {field.metadata["key"] or field.name: field for field in dataclasses.fields(section)}
