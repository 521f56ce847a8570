"""A day's code version covers every module a day really loads, and changes with each of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from takt.twin import code_version

DAY = "takt.twin.chaos_command"


def test_every_module_a_day_loads_is_covered(library):
    program = (
        f"import sys, {DAY} as c; c.day((5, {str(library)!r}, None));"
        " print(*(name for name in sys.modules if name.split('.')[0] == 'takt'))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert "takt.twin.world" in loaded
    assert set(loaded.split()) <= set(code_version.files_reached(DAY))


def test_what_a_day_never_reaches_does_not_count():
    reached = code_version.files_reached(DAY)
    assert not [name for name in reached if name.startswith(("takt.dashboard", "takt.doctor", "takt.nodes"))]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "reached_package"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "start.py").write_text("def later():\n    from reached_package import lazy\n")
    (folder / "lazy.py").write_text("import json\nfrom reached_package.other import a_function\n")
    (folder / "other.py").write_text("a_function = print\n")
    (folder / "stranger.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "reached_package", raising=False)  # another test's
    return folder


def test_lazy_imports_are_followed_and_strangers_left_out(package):
    names = {f"reached_package{end}" for end in ("", ".start", ".lazy", ".other")}
    assert set(code_version.files_reached("reached_package.start")) == names


def test_the_version_changes_with_each_file_reached_alone(package, tmp_path):
    core = tmp_path / "core.so"
    core.write_bytes(b"core")

    def version() -> str:
        return code_version.code_version("reached_package.start", str(core))

    seen = [version()]
    (package / "stranger.py").write_text("x = 1\n")
    assert version() == seen[0]
    for file in (package / "other.py", core):
        file.write_bytes(file.read_bytes() + b"\n")
        seen.append(version())
    assert len(set(seen)) == 3
