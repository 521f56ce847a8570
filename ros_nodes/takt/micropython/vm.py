"""A MicroPython VM beside this process that answers questions: the C core's functions by name, done in MicroPython."""

from __future__ import annotations

import ctypes
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.micropython import c_layout, interpreter, modules

Value = int | float | bytes | None


def import_folders(types: dict[str, Any], extra: Path) -> list[Path]:
    """Where a VM finds the firmware (compiled where possible), its scripts for hosts, and the C layout of ``types``."""
    extra.joinpath("c_layout.py").write_text(c_layout.module_text(types))
    scripts = modules.firmware_folder() / "vm"
    try:
        modules.compile_all(modules.host_target(), extra / "modules")
        return [extra, scripts, extra / "modules"]
    except TaktError:
        return [extra, scripts, *modules.source_folders()]


class Vm:
    """Runs probe.py. Close it, or use it as a context manager."""

    def __init__(self, types: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="takt-vm-")
        folders = import_folders(types, Path(self._folder.name))
        self._process = subprocess.Popen(
            interpreter.command("-m", "probe"),
            env=interpreter.search_path(*folders),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Vm:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the VM."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(120.0)
        self._folder.cleanup()

    def call(self, name: str, *arguments: Any) -> Value:
        """Call ``name``; structs (ctypes) are changed in place. Raises TaktError when the VM ends on it."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(" ".join([name, *map(_spell, arguments)]) + "\n")
        self._process.stdin.flush()
        words = self._process.stdout.readline().split()
        if not words:
            raise TaktError(f"the MicroPython VM ended on {name}", "see its traceback above")
        structs = [value for value in arguments if isinstance(value, ctypes.Structure)]
        for struct, word in zip(structs, words[1:], strict=True):
            ctypes.memmove(ctypes.byref(struct), bytes.fromhex(word[1:]), ctypes.sizeof(struct))
        return _parse(words[0])


def _spell(value: Any) -> str:
    if isinstance(value, ctypes.Structure):
        return f"s:{type(value).__name__}:{bytes(value).hex()}"
    if isinstance(value, bytes):
        return f"b{value.hex()}"
    return f"f{float(value)!r}" if isinstance(value, float) else f"i{int(value)}"


def _parse(word: str) -> Value:
    if word[0] == "n":
        return None
    return bytes.fromhex(word[1:]) if word[0] == "b" else float(word[1:]) if word[0] == "f" else int(word[1:])
