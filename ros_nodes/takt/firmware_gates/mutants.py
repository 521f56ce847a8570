"""Mutants of a C source: one small fault each, that a test should notice.

Operators, after the usual set for C (Agrawal et al., "Design of mutant operators for the C programming language", 1989;
reduced to those that rarely give the same program twice):

- relational: each comparison to its neighbour at the boundary and to its opposite
- arithmetic: + and -, * and /, shifts, bit operators, their assignments, ++ and --, signs
- logical: && and ||, a lost !
- constant: a number plus one, a number to zero, true and false
- deletion: an expression statement, break, continue
- return: the value zero, the opposite
"""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from takt.firmware_gates.c_tokens import Statement, Token, statements, tokens

RELATIONAL = {
    "<": ("<=", ">="),
    "<=": ("<", ">"),
    ">": (">=", "<="),
    ">=": (">", "<"),
    "==": ("!=",),
    "!=": ("==",),
}
ARITHMETIC = {
    "+": "-",
    "-": "+",
    "*": "/",
    "/": "*",
    "%": "/",
    "<<": ">>",
    ">>": "<<",
    "&": "|",
    "|": "&",
    "^": "&",
    "+=": "-=",
    "-=": "+=",
    "*=": "/=",
    "/=": "*=",
    "|=": "&=",
    "&=": "|=",
    "^=": "|=",
    "<<=": ">>=",
    ">>=": "<<=",
    "++": "--",
    "--": "++",
}
LOGICAL = {"&&": "||", "||": "&&"}
_NUMBER = re.compile(r"(0[xX][0-9a-fA-F]+|[\d.]+(?:[eE][-+]?\d+)?)([uUlLfF]*)$")
_FUNCTION = re.compile(r"^(?!static const struct)[A-Za-z_][\w *]*?\b(\w+)\([^;{}]*\)\s*\{", re.MULTILINE)


@dataclass(frozen=True)
class Mutant:
    operator: str
    start: int  # offsets in the source
    end: int
    replacement: str
    line: int  # from 1
    function: str  # "" outside of all
    before: str  # the source's words that are replaced

    def apply(self, source: str) -> str:
        return source[: self.start] + self.replacement + source[self.end :]


def mutants(source: str) -> list[Mutant]:
    """All mutants of `source`, in the order of their places."""
    found = tokens(source)
    lines = [match.start() for match in re.finditer(r"^", source, re.MULTILINE)]
    functions = [(match.start(), match[1]) for match in _FUNCTION.finditer(source)]
    starts = [start for start, _ in functions]
    made = []
    for operator, start, end, replacement in sorted({*_of_tokens(found), *_of_statements(source, found)}):
        at = bisect.bisect_right(starts, start) - 1
        made.append(
            Mutant(
                operator,
                start,
                end,
                replacement,
                bisect.bisect_right(lines, start),
                functions[at][1] if at >= 0 else "",
                " ".join(source[start:end].split()),
            )
        )
    return sorted(made, key=lambda mutant: (mutant.start, mutant.end, mutant.operator, mutant.replacement))


Change = tuple[str, int, int, str]


def _of_tokens(found: list[Token]) -> Iterator[Change]:
    for index, token in enumerate(found):
        for operator, text in _replacements(token):
            yield operator, token.start, token.end, text
        if token.text in ("!", "~") and not token.binary:
            yield ("logical" if token.text == "!" else "arithmetic"), token.start, token.end, ""
        if token.text == "-" and not token.binary and found[index + 1].kind != "number":
            yield "arithmetic", token.start, token.end, ""


def _replacements(token: Token) -> Iterator[tuple[str, str]]:
    if token.kind == "number":
        yield from (("constant", text) for text in _other_numbers(token.text))
    elif token.text in ("true", "false"):
        yield "constant", "false" if token.text == "true" else "true"
    elif token.text in ("++", "--"):
        yield "arithmetic", ARITHMETIC[token.text]
    elif token.binary:
        yield from (("relational", text) for text in RELATIONAL.get(token.text, ()))
        if token.text in ARITHMETIC:
            yield "arithmetic", ARITHMETIC[token.text]
        if token.text in LOGICAL:
            yield "logical", LOGICAL[token.text]


def _other_numbers(text: str) -> list[str]:
    match = _NUMBER.match(text)
    if match is None:
        return []
    digits, suffix = match[1], match[2]
    if re.search(r"[.eE]", digits) and not digits.lower().startswith("0x"):
        value = float(digits)
        return [f"{value + 1.0!r}{suffix}"] + ([f"0.0{suffix}"] if value else [])
    number = int(digits, 0)
    return [f"{number + 1}{suffix}"] + ([f"0{suffix}"] if number else [])


def _of_statements(source: str, found: list[Token]) -> Iterator[Change]:
    for statement in statements(found):
        first = statement.tokens[0]
        if first.text == "return":
            yield from _of_return(source, statement)
        else:
            yield "deletion", first.start, statement.end, ""


def _of_return(source: str, statement: Statement) -> Iterator[Change]:
    if len(statement.tokens) == 1:
        yield "deletion", statement.tokens[0].start, statement.end, ""
        return
    start = statement.tokens[1].start
    value = source[start : statement.end]
    if re.fullmatch(r"false|true|0u?|0\.0f?|NULL", value.strip()) is None:
        yield "return", start, statement.end, "0"
        yield "return", start, statement.end, f"!({value})"
