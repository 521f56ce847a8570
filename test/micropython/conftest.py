"""A real MicroPython VM that stands in for the C libraries of other tests, so that the same tests hold both."""

from __future__ import annotations

import ctypes
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
for folder in ("firmware", "link_c"):
    sys.path.insert(0, str(ROOT / "test" / folder))  # the modules whose tests run here again

from takt.micropython import c_core  # noqa: E402
from takt.micropython.vm import Vm  # noqa: E402
from takt.simulation.core_headers import Core  # noqa: E402


def conftest_of(folder: str) -> ModuleType:
    """The fixtures of another folder: two modules named conftest cannot be imported by name."""
    path = ROOT / "test" / folder / "conftest.py"
    spec = importlib.util.spec_from_file_location(f"{folder}_conftest", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traces = conftest_of("link_c").traces
_contract = conftest_of("contract")
_NAMES = ("contract", "layouts", "host_layouts", "random_message", "samples", "unreadable")
globals().update({name: getattr(_contract, name) for name in _NAMES})

_FROM_C = {"takt_control_config_from_contract"}  # data, not behaviour


class VmCore:
    """Looks like ``Core``, but every function runs in MicroPython; structs travel as their bytes."""

    def __init__(self, core: Core, vm: Vm) -> None:
        self._core, self._vm = core, vm
        self.types, self.values, self.new = core.types, core.values, core.new

    def __getattr__(self, name: str) -> Any:
        if name in _FROM_C:
            return getattr(self._core, name)

        def call(*arguments: Any) -> Any:
            return self._vm.call(name, *[getattr(argument, "_obj", argument) for argument in arguments])

        return call


class VmFraming:
    """Looks like the probe library of the C client's framing tests."""

    def __init__(self, vm: Vm) -> None:
        self._vm = vm

    def takt_crc16(self, crc: Any, data: bytes, _size: Any) -> int:
        return int(self._vm.call("takt_crc16", crc.value, data) or 0)

    def probe_decode(self, line: bytes, _size: Any, capacity: Any, keep: Any, counters: Any) -> None:
        answer = self._vm.call("decode", line, capacity.value)
        assert isinstance(answer, bytes)
        frames, counters[:] = answer[:-3], answer[-3:]
        while frames:
            size = int.from_bytes(frames[:2], "little")
            payload = ctypes.create_string_buffer(frames[4 : 4 + size], max(1, size))
            keep(ctypes.addressof(payload), size, frames[2], frames[3])
            frames = frames[4 + size :]

    def probe_encode(
        self, payload: bytes, _size: Any, source: int, destination: int, _portion: Any, out: Any
    ) -> int:
        frame = self._vm.call("encode", payload, source, destination)
        assert isinstance(frame, bytes)
        ctypes.memmove(out, frame, len(frame))
        return len(frame)


@pytest.fixture(scope="session")
def c_core_library(firmware_build: Path) -> Core:
    return c_core.load(firmware_build)


@pytest.fixture(scope="session")
def vm(c_core_library: Core) -> Iterator[Vm]:
    with Vm(c_core_library.types) as made:
        yield made


@pytest.fixture(scope="session")
def core(c_core_library: Core, vm: Vm) -> VmCore:
    return VmCore(c_core_library, vm)


@pytest.fixture(scope="session")
def library(vm: Vm) -> VmFraming:
    return VmFraming(vm)
