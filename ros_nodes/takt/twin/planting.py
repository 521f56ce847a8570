"""A copy of the source tree in which one bug stands at a time; the tree that ships is never touched."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from takt import resources
from takt.errors import TaktError
from takt.twin.planted_bugs import Bug

_LIBRARY = "build/libtakt_core.so"
_COPIED = ("firmware", "ros_nodes")
_LINKED = ("config", "sim", "package.xml")


class Plot:
    """Use as a context. ``plant`` puts a bug into the copy, ``weed`` takes it out again; ``chaos`` lives days in it.

    ``library``: the firmware's core until :meth:`build` makes the copy's own.
    """

    def __init__(self, library: Path | None = None) -> None:
        self._source = resources.path("firmware").parent
        self._folder = tempfile.TemporaryDirectory(prefix="takt-planted-")
        self.root = Path(self._folder.name) / "tree"
        self._planted: tuple[Path, str] | None = None
        self.library = library or self.root / _LIBRARY

    def __enter__(self) -> Plot:
        for name in _COPIED:
            ignored = shutil.ignore_patterns("zephyr", "micropython", "bench", "fuzz")
            chosen = ignored if name == "firmware" else shutil.ignore_patterns("__pycache__")
            shutil.copytree(self._source / name, self.root / name, ignore=chosen)
        for name in _LINKED:
            (self.root / name).symlink_to(self._source / name)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folder.cleanup()

    def plant(self, bug: Bug) -> None:
        """Raises TaktError if the line that the bug replaces is not there exactly once."""
        self.weed()
        path = self.root / bug.file
        text = path.read_text()
        if text.count(bug.old) != 1:
            raise TaktError(
                f"the bug {bug.name} replaces a line that stands {text.count(bug.old)} times in {bug.file}",
                "fit takt/twin/planted_bugs.py to the present source",
            )
        path.write_text(text.replace(bug.old, bug.new))
        self._planted = (path, text)

    def weed(self) -> None:
        """The copy is as what ships again."""
        if self._planted is not None:
            path, text = self._planted
            path.write_text(text)
            self._planted = None

    def build(self) -> None:
        """The core library of the copy as it stands now. Raises TaktError if it does not build."""
        if shutil.which("cmake") is None:
            raise TaktError("cmake is not installed", "apt install cmake gcc")
        self.library = self.root / _LIBRARY
        folder = self.library.parent
        for command in (
            ["cmake", "-S", str(self.root / "firmware"), "-B", str(folder)],
            ["cmake", "--build", str(folder), "--target", "takt_core"],
        ):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode != 0:
                raise TaktError(
                    f"the planted firmware does not build: {done.stdout[-400:]}{done.stderr[-400:]}",
                    "fit takt/twin/planted_bugs.py to the present source",
                )

    def chaos(self, first: int, last: int, jobs: int) -> dict[str, Any]:
        """`takt chaos` on these days, ended by the first that breaks an invariant; its report."""
        report = self.root.parent / "chaos.json"
        report.unlink(missing_ok=True)
        command = [sys.executable, "-m", "takt.cli", "chaos", "--seeds", f"{first}-{last}", "--first"]
        command += ["--library", str(self.library), "--json", str(report), "--jobs", str(jobs)]
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root / "ros_nodes"),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        if not report.exists():
            raise TaktError(f"chaos ended with {done.returncode}: {done.stderr[-400:]}", "see what it says")
        return dict(json.loads(report.read_text()))
