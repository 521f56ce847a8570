"""Makes a Python prefix find the package in its source tree: what `pip install -e` leaves out.

An editable install skips data_files, so ROS tools would not see the package. This links each file where a normal
install would put it. Folders are real and only files are links: `ros2 launch` does not walk into linked folders.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
from pathlib import Path

from takt.errors import TaktError, guarded


def data_files(source_root: Path) -> list[tuple[str, list[str]]]:
    """The ``data_files`` of setup.py: (folder in the prefix, files relative to ``source_root``)."""
    importlib.import_module("setuptools")  # first: it supplies distutils, which Python 3.12 no longer has
    run_setup = importlib.import_module("distutils.core").run_setup
    before = Path.cwd()
    os.chdir(source_root)
    try:
        distribution = run_setup("setup.py", stop_after="init")
    finally:
        os.chdir(before)
    return [(folder, list(files)) for folder, files in distribution.data_files]


def link(source_root: Path, prefix: Path) -> int:
    """Link every data file into ``prefix``, replacing what an earlier call left; returns their number."""
    if not (source_root / "setup.py").is_file():
        raise TaktError(f"{source_root} is no source tree of takt", "give the folder that holds setup.py")
    for stale in (prefix / "share" / "takt", prefix / "lib" / "takt"):
        shutil.rmtree(stale, ignore_errors=True)
    count = 0
    for folder, files in data_files(source_root):
        (prefix / folder).mkdir(parents=True, exist_ok=True)
        for file in files:
            target = prefix / folder / Path(file).name
            target.unlink(missing_ok=True)
            target.symlink_to(source_root / file)
            count += 1
    return count


def main(argv: list[str]) -> int:
    """``python -m takt.install.ament_prefix SOURCE_ROOT PREFIX``."""
    if len(argv) != 2:
        raise TaktError(f"{len(argv)} arguments were given", "give SOURCE_ROOT and PREFIX")
    print(f"{link(Path(argv[0]).resolve(), Path(argv[1]).resolve())} files linked")
    return 0


if __name__ == "__main__":
    sys.exit(guarded(lambda: main(sys.argv[1:])))
