"""The mutator: each operator makes what it says, and what only looks like an operator stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt.firmware_gates.mutants import mutants

ROOT = Path(__file__).resolve().parents[2]


def changes(source: str) -> set[tuple[str, str, str]]:
    return {(mutant.operator, mutant.before, mutant.replacement) for mutant in mutants(source)}


def body(text: str) -> str:
    return f"static int f(int a, int *b)\n{{\n    {text}\n}}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("if (a < 3) { g(); }", ("relational", "<", "<=")),
        ("if (a < 3) { g(); }", ("relational", "<", ">=")),
        ("if (a == 3) { g(); }", ("relational", "==", "!=")),
        ("if (a < 3) { g(); }", ("constant", "3", "4")),
        ("if (a < 3) { g(); }", ("constant", "3", "0")),
        ("if (a < 3) { g(); }", ("deletion", "g()", "")),
        ("if (a && b) { g(); }", ("logical", "&&", "||")),
        ("if (!a) { g(); }", ("logical", "!", "")),
        ("a += 2;", ("arithmetic", "+=", "-=")),
        ("a += 2;", ("deletion", "a += 2", "")),
        ("a = a * *b;", ("arithmetic", "*", "/")),
        ("a = -a;", ("arithmetic", "-", "")),
        ("while (a) { break; }", ("deletion", "break", "")),
        ("case 3:\n        g();", ("deletion", "g()", "")),
        ("return a + 1;", ("return", "a + 1", "0")),
        ("return a + 1;", ("return", "a + 1", "!(a + 1)")),
        ("return 1.5f;", ("constant", "1.5f", "2.5f")),
        ("done = true;", ("constant", "true", "false")),
        ("*b = (point_t){.x = 1};", ("deletion", "*b = (point_t){.x = 1}", "")),
    ],
)
def test_each_operator(text: str, expected: tuple[str, str, str]) -> None:
    assert expected in changes(body(text))


@pytest.mark.parametrize(
    "text",
    [
        "uint8_t *bytes = 0;",
        "const float *const at = (const float *)b;",
        "g(&a, *b);",
        "b = (int *)-a;",
    ],
)
def test_pointers_and_signs_are_no_products(text: str) -> None:
    arithmetic = {before for operator, before, _ in changes(body(text)) if operator == "arithmetic"}
    assert arithmetic <= {"-"}


def test_declarations_comments_and_includes_are_left_alone() -> None:
    source = '#include "x.h" /* 1 < 2 */\n// 3 + 4\n' + body("int c; /* a == b */\n    c = 5;")
    assert {before for _, before, _ in changes(source)} == {"5", "c = 5"}


def test_a_define_of_a_number_is_mutated() -> None:
    assert ("constant", "0x7Eu", "127u") in changes("#define FLAG 0x7Eu\n")


def test_a_mutant_changes_its_place_only_and_names_it() -> None:
    source = body("a++;")
    found = next(m for m in mutants(source) if m.operator == "arithmetic")
    assert found.apply(source) == source.replace("a++", "a--")
    assert (found.line, found.function) == (3, "f")


def test_the_safety_relevant_files_give_more_than_three_hundred() -> None:
    names = ("safety", "age_gate", "pid", "ledger", "framing")
    found = [mutants((ROOT / "firmware" / "core" / "src" / f"{name}.c").read_text()) for name in names]
    assert sum(map(len, found)) > 300
    operators = {mutant.operator for part in found for mutant in part}
    assert operators == {"relational", "arithmetic", "logical", "constant", "deletion", "return"}
