"""The contract, the installed layouts, messages with random content, and the generated C as a shared library."""

from __future__ import annotations

import ctypes
import random
import subprocess
from pathlib import Path

import pytest

from takt.contract import load
from takt.contract.generated.messages import BY_TYPE
from takt.contract.python_messages import attribute
from takt.contract.ros_definitions import contract_layouts, parameter_layouts
from takt.contract.ros_types import PRIMITIVE_SIZES, Shape

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware/core"
C_SOURCES = [CORE / "src/cdr.c", CORE / "generated/takt_messages.c"]
C_FLAGS = [
    "-std=c11",
    "-Wall",
    "-Wextra",
    "-Wconversion",
    "-Werror",
    f"-I{CORE / 'include'}",
    f"-I{CORE / 'generated'}",
]
TEXTS = ("", "a", "abc", "base_link", "Übergröße", "x" * 63, "日本", "tab\tnewline\n")


@pytest.fixture(scope="session")
def contract():
    return load(ROOT / "config/contract.yaml")


@pytest.fixture(scope="session")
def layouts(contract):
    """Types that both computers have a codec for."""
    return contract_layouts(contract)


@pytest.fixture(scope="session")
def host_layouts(layouts):
    """And those that the host alone has: the services of ROS parameters."""
    return layouts | parameter_layouts()


@pytest.fixture(scope="session")
def compile_c():
    """``compile_c(output, *arguments)`` builds cursor and codecs as the firmware's warnings demand."""

    def build(output, *arguments):
        subprocess.run(["cc", *C_FLAGS, *arguments, *C_SOURCES, "-o", output], check=True)
        return output

    return build


@pytest.fixture(scope="session")
def c_codecs(tmp_path_factory, compile_c):
    library = compile_c(tmp_path_factory.mktemp("codecs") / "libcodecs.so", "-shared", "-fPIC")
    return ctypes.CDLL(str(library))


@pytest.fixture(scope="session")
def random_message(host_layouts):
    """``random_message(name, rng)``: a message of that type whose every field holds a random or an extreme value."""

    def value(field, rng):
        if field.is_message:
            return make(field.base, rng)
        if field.is_string:
            return rng.choice(TEXTS)
        if field.base == "bool":
            return rng.random() < 0.5
        if field.base.startswith("float"):
            return rng.choice((0.0, -0.0, 1.5, -2.25e10, float("inf"), rng.uniform(-1e6, 1e6) // 1))
        bits = 8 * PRIMITIVE_SIZES[field.base]
        low, high = (
            (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if field.base.startswith("int") else (0, 2**bits - 1)
        )
        return rng.choice((low, high, 0, 1, rng.randint(low, high)))

    def make(name, rng):
        values = {}
        for field in host_layouts[name].fields:
            most = min(4, field.size or 4)
            count = {Shape.FIXED: field.size, Shape.SEQUENCE: rng.randint(0, most)}.get(field.shape)
            values[attribute(field)] = (
                value(field, rng) if count is None else [value(field, rng) for _ in range(count)]
            )
        return BY_TYPE[name](**values)

    return make


@pytest.fixture(scope="session")
def samples(layouts, random_message):
    """(type name, message), 40 of each type."""
    rng = random.Random(20240607)
    return [(name, random_message(name, rng)) for name in layouts for _ in range(40)]


@pytest.fixture(scope="session")
def host_samples(host_layouts, random_message):
    """The same of the host's types."""
    rng = random.Random(20240608)
    return [(name, random_message(name, rng)) for name in host_layouts for _ in range(40)]


@pytest.fixture(
    params=[
        ("std_srvs/srv/SetBool_Request", b"\x02"),
        ("std_srvs/srv/SetBool_Response", b"\x01\0\0\0" + b"\x01\0\0\0" + b"x"),
        ("std_srvs/srv/SetBool_Response", b"\x01\0\0\0" + b"\xff\xff\xff\xff" + b"\0"),
    ],
    ids=["a bool of two", "a string without its NUL", "a string of 4 GB"],
)
def unreadable(request):
    """A type's name, and bytes that are none of it: both codecs of the board refuse them."""
    return request.param
