"""Tokens of C as our own firmware writes it: `tokens` keeps each one's place, `statements` finds what can be deleted.

Not a parser: it knows as much of the grammar as `takt.firmware_gates.mutants` needs to tell a product from a pointer
and a statement from a declaration. What it gets wrong does not compile, and is then no mutant.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_TOKEN = re.compile(
    r"""(?P<skip>\s+|/\*.*?\*/|//[^\n]*|\\\n)
      | (?P<string>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')
      | (?P<number>(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+)[uUlLfF]*)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>->|\+\+|--|<<=|>>=|[-+*/%&|^<>=!]=|&&|\|\||<<|>>|\.\.\.|[-+*/%&|^<>=!~?:;,.(){}\[\]\#])""",
    re.VERBOSE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n\\]|\\\n|\\.)*", re.MULTILINE)
_DEFINE = re.compile(r"[ \t]*#[ \t]*define[ \t]+\w+[ \t]+")
TYPE_WORDS = frozenset(
    [
        "void",
        "bool",
        "char",
        "short",
        "int",
        "long",
        "float",
        "double",
        "signed",
        "unsigned",
        "const",
        "volatile",
        "static",
        "struct",
        "enum",
        "union",
        "_Atomic",
    ]
)
KEYWORDS = frozenset(
    [
        "if",
        "else",
        "for",
        "while",
        "do",
        "switch",
        "case",
        "default",
        "return",
        "break",
        "continue",
        "goto",
        "typedef",
        "sizeof",
    ]
)


@dataclass(frozen=True)
class Token:
    kind: str  # "name", "number", "string" or "sign"
    text: str
    start: int  # offset in the source
    binary: bool = False  # a sign that joins the values left and right of it

    @property
    def end(self) -> int:
        return self.start + len(self.text)


@dataclass(frozen=True)
class Statement:
    """An expression, ``break``, ``continue`` or ``return`` statement: the tokens before its semicolon."""

    tokens: tuple[Token, ...]
    end: int  # offset of the semicolon


def is_type(text: str) -> bool:
    return text in TYPE_WORDS or text.endswith("_t")


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def tokens(source: str) -> list[Token]:
    """All tokens; of preprocessor lines only the value of ``#define NAME VALUE``."""

    def keep_value(match: re.Match[str]) -> str:
        define = _DEFINE.match(match[0])
        return _blank(match[0][: define.end()]) + match[0][define.end() :] if define else _blank(match[0])

    text = _DIRECTIVE.sub(keep_value, source)
    raw = [
        Token(str(found.lastgroup), found[0], found.start())
        for found in _TOKEN.finditer(text)
        if found.lastgroup != "skip"
    ]
    return list(_with_roles(raw))


def _with_roles(raw: list[Token]) -> Iterator[Token]:
    opened: list[int] = []
    casts: set[int] = set()  # indices of ")" that close a cast
    for index, token in enumerate(raw):
        if token.text == "(":
            opened.append(index)
        elif token.text == ")" and opened:
            inside = raw[opened.pop() + 1 : index]
            if inside and all(is_type(part.text) or part.text == "*" for part in inside):
                casts.add(index)
        before = raw[index - 1] if index else None
        joins = before is not None and (
            (before.kind in ("name", "number", "string") and before.text not in KEYWORDS)
            or (before.text in (")", "]") and index - 1 not in casts)
        )
        declares = token.text == "*" and before is not None and is_type(before.text)
        yield Token(token.kind, token.text, token.start, token.kind == "sign" and joins and not declares)


def statements(found: list[Token]) -> Iterator[Statement]:
    """Every statement inside a function that ends with a semicolon and declares nothing."""
    blocks: list[bool] = []  # of the braces around: a block of statements, or an initialiser
    index = 0
    while index < len(found):
        token = found[index]
        if token.text == "{":
            before = found[index - 1]
            blocks.append(before.text in ("else", "do", ":", ";", "{", "}") or _closes_head(found, index - 1))
        elif token.text == "}" and blocks:
            blocks.pop()
        elif blocks and all(blocks) and _starts_statement(found, index):
            end = _semicolon(found, index)
            if end is not None:
                yield Statement(tuple(found[index:end]), found[end].start)
        index += 1


def _closes_head(found: list[Token], index: int) -> bool:
    """The token at ``index`` closes ``if (...)`` or the head of a function, and not the type of a compound literal."""
    if found[index].text != ")":
        return False
    opening = _opening(found, index)
    inside = found[opening + 1 : index]
    before = found[opening - 1]
    literal = len(inside) == 1 and is_type(inside[0].text) and before.kind != "name"
    return not literal


def _opening(found: list[Token], index: int) -> int:
    depth = 0
    for at in range(index, -1, -1):
        depth += {")": 1, "(": -1}.get(found[at].text, 0)
        if depth == 0:
            return at
    return 0


def _starts_statement(found: list[Token], index: int) -> bool:
    before, token = found[index - 1], found[index]
    fresh = before.text in (";", "{", "}", "else", "do") or (
        before.text == ")" and found[_opening(found, index - 1) - 1].text in ("if", "for", "while", "switch")
    )
    labelled = before.text == ":" and any(
        part.text in ("case", "default") for part in found[index - 4 : index]
    )
    if not (fresh or labelled) or _inside_parentheses(found, index):
        return False
    if token.text in ("break", "continue", "return"):
        return True
    if token.text in KEYWORDS or is_type(token.text):
        return False
    return token.kind == "name" or token.text in ("*", "++", "--", "(")


def _inside_parentheses(found: list[Token], index: int) -> bool:
    depth = 0
    for at in range(index - 1, -1, -1):
        if found[at].text in ("{", "}"):
            return False
        depth += {")": 1, "(": -1}.get(found[at].text, 0)
        if depth < 0:
            return True
    return False


def _semicolon(found: list[Token], index: int) -> int | None:
    """Index of the semicolon that ends the statement, also past the braces of an initialiser."""
    depth = 0
    for at in range(index, len(found)):
        depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(found[at].text, 0)
        if depth < 0:
            return None
        if found[at].text == ";" and depth == 0:
            return at
    return None
