"""Writes generated/constants.py: the contract's numbers for Python that has no YAML to read (a MicroPython board)."""

from __future__ import annotations

from takt.contract.python_messages import NOTICE
from takt.contract.rules import fields_by_key
from takt.contract.sections import PLAIN_SECTIONS, TABLE_SECTIONS, Contract

_TOP = '''"""The numbers of the contract as SECTION_KEY. On the host `takt.contract.load()` is the place to ask."""
'''


def source_text(contract: Contract) -> str:
    lines = [NOTICE, _TOP, f'CONTRACT_HASH = "{contract.hash_property}"']
    for name, layout in PLAIN_SECTIONS.items():
        lines += ["", *_constants(getattr(contract, name), layout, name)]
    for name, layout in TABLE_SECTIONS.items():
        for entry, values in getattr(contract, name).items():
            lines += ["", *_constants(values, layout, f"{name}_{entry}")]
    return "\n".join(lines) + "\n"


def _constants(values: object, layout: type, prefix: str) -> list[str]:
    prefix = prefix.replace(".", "_")
    return [
        f"{prefix}_{key}".upper() + f" = {_literal(getattr(values, field.name))}"
        for key, field in fields_by_key(layout).items()
    ]


def _literal(value: object) -> str:
    return f'"{value}"' if isinstance(value, str) else repr(value)
