"""No ndarray may be assigned to Image.data: rclpy would copy it element by element, 7000 times slower than bytes."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

TAKT = Path(__file__).resolve().parents[2] / "ros_nodes" / "takt"
ALLOWED_CALLS = {"array", "bytes", "bytearray", "tobytes"}  # what rclpy copies in one piece


def offences(source: str) -> list[int]:
    """Lines that give ``.data`` of a message something that is not visibly one piece of bytes."""
    tree = ast.parse(source)
    pieces = {
        ast.unparse(target)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and _is_piece(node.value, set())
        for target in node.targets
    }
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(_is_data(target) for target in node.targets):
            if not _is_piece(node.value, pieces):
                found.append(node.lineno)
        elif isinstance(node, ast.Call) and _name(node.func) in ("Image", "CompressedImage"):
            found += [
                one.value.lineno
                for one in node.keywords
                if one.arg == "data" and not _is_piece(one.value, pieces)
            ]
    return found


def _is_data(target: ast.expr) -> bool:
    return isinstance(target, ast.Attribute) and target.attr in ("data", "_data")


def _is_piece(value: ast.expr, pieces: set[str]) -> bool:
    if isinstance(value, ast.Call):
        return _name(value.func) in ALLOWED_CALLS
    return ast.unparse(value) in pieces or (
        isinstance(value, ast.Constant) and isinstance(value.value, bytes)
    )


def _name(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def files() -> list[Path]:
    return [path for path in sorted((TAKT / "nodes").rglob("*.py")) if "Image" in path.read_text()]


@pytest.mark.parametrize("path", files(), ids=lambda path: path.name)
def test_no_array_of_numpy_goes_into_a_message(path: Path) -> None:
    assert offences(path.read_text()) == []


def test_the_rule_bites() -> None:
    assert len(files()) >= 2
    assert offences("m.data = pixels") == [1]
    assert offences("m = Image(data=np.zeros(3))") == [1]
    assert offences("m._data = frame.pixels.reshape(-1)") == [1]
    assert offences("m.data = pixels.tobytes()") == []
    assert offences("b = array.array('B', bytes(3))\nm.data = b") == []
