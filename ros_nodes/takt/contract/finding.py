"""What one check of the contract found out, with its arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from takt.contract.rules import plain


@dataclass(frozen=True)
class Finding:
    """One thing that was worked out: ``arithmetic`` shows how, ``fix`` says what to change when it is not ``ok``."""

    ok: bool
    arithmetic: str
    fix: str


def at_most(what: str, value: float, limit: float, limit_name: str, fix: str) -> Finding:
    """``value`` must not exceed ``limit``."""
    ok = value <= limit
    return Finding(ok, f"{what} {'<=' if ok else '>'} {plain(limit)} ({limit_name})", fix)


def ms(value: float) -> str:
    """Milliseconds to a tenth."""
    return plain(round(value, 1))
