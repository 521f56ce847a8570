"""Versions: what is installed beside what Takt needs, and what its figures were taken with."""

from __future__ import annotations

import re
import sys

from takt import resources
from takt.doctor.check import Finding, InSimulation, check, fail, ok, unknown, warn
from takt.doctor.machine import Machine
from takt.errors import TaktError

_THEME = "software"
_PIP = f"{sys.executable} -m pip install"
_LEAST_PYTHON = (3, 10)
_DISTRIBUTIONS = ("humble", "jazzy", "kilted", "rolling")
_LEAST = {"numpy": (1, 21), "onnxruntime": (1, 14)}
NEEDED = {  # module -> package, beside numpy and onnxruntime, which have checks of their own
    "serial": "pyserial",
    "yaml": "PyYAML",
    "fastcrc": "fastcrc",
    "simple_pid": "simple-pid",
    "aiohttp": "aiohttp",
    "PIL": "pillow",
    "prometheus_client": "prometheus-client",
    "mcap": "mcap",
}


@check(_THEME, "Takt is written for Python 3.10 and newer; an older one stops at the first import.")
def python(machine: Machine) -> Finding:
    version = ".".join(map(str, machine.python_version))
    if machine.python_version < _LEAST_PYTHON:
        return fail(version, "use Ubuntu 22.04, Debian 12 or newer (PYTHON=python3.11 ./run ...)")
    return ok(version)


@check(_THEME, "Nodes, topics and services need ROS's client library for this very Python.")
def rclpy(machine: Machine) -> Finding:
    distribution = machine.environment.get("ROS_DISTRO", "")
    version = machine.package_version("rclpy")
    if version is None:
        return fail(
            "not installed for this Python",
            "source /opt/ros/$ROS_DISTRO/setup.bash, or use ./run, which installs wheels",
        )
    if distribution and distribution not in _DISTRIBUTIONS:
        return warn(
            f"{version} of ROS {distribution}, never tried", f"use one of: {', '.join(_DISTRIBUTIONS)}"
        )
    return ok(f"{version} ({'ROS ' + distribution if distribution else 'from wheels'})")


@check(
    _THEME, "Message packages are compiled against one numpy; another major version crashes them at import."
)
def numpy(machine: Machine) -> Finding:
    return _package(machine, "numpy", "sudo apt-get install python3-numpy")


@check(_THEME, "It runs the detector; speed and results differ between its versions.")
def onnxruntime(machine: Machine) -> Finding:
    return _package(machine, "onnxruntime", f"{_PIP} onnxruntime")


def _package(machine: Machine, name: str, install: str) -> Finding:
    names = (name, f"{name}-gpu") if name == "onnxruntime" else (name,)
    version = next((found for each in names if (found := machine.package_version(each)) is not None), None)
    if version is None:
        return fail("not installed", install)
    if not version:
        return unknown("installed without a version")
    least = _LEAST[name]
    if numbers(version) < least:
        return fail(f"{version}, {'.'.join(map(str, least))} is the least", install)
    pinned = pin(name, machine.python_version)
    if pinned and not machine.environment.get("ROS_DISTRO") and numbers(pinned)[:1] != numbers(version)[:1]:
        return warn(f"{version}; tried with {pinned}", f"{_PIP} '{name}=={pinned}'")
    return ok(version + (f" (tried with {pinned})" if pinned and pinned != version else ""))


@check(_THEME, "A missing package is found when its node starts, which is too late.")
def packages(machine: Machine) -> Finding:
    missing = [
        package
        for module, package in NEEDED.items()
        if machine.package_version(package) is None and machine.package_version(module) is None
    ]
    if missing:
        return fail(f"missing: {', '.join(missing)}", f"{_PIP} {' '.join(missing)}")
    return ok(f"{', '.join(NEEDED.values())} are there")


@check(_THEME, "The simulated robot is a MuJoCo world.", InSimulation.SAME)
def mujoco(machine: Machine) -> Finding:
    version = machine.package_version("mujoco")
    if version is not None:
        return ok(version)
    if machine.is_installed or machine.is_tegra:
        return ok("not installed, and a robot needs none")
    return warn("not installed: the demo and the twin need it", f"{_PIP} mujoco")


def pin(name: str, python: tuple[int, int]) -> str | None:
    """The version in requirements/base.txt for a Python; None in an installed package, which has no such file."""
    try:
        text = resources.path("requirements/base.txt").read_text(encoding="utf-8")
    except TaktError:
        return None
    for version, operator, bound in re.findall(
        rf'^{name}==([\w.]+)(?:; python_version (>=|<) "([\d.]+)")?', text, re.MULTILINE
    ):
        if not operator or (python >= numbers(bound)) == (operator == ">="):
            return str(version)
    return None


def numbers(version: str) -> tuple[int, ...]:
    """``1.26.4`` as (1, 26, 4), whatever letters follow."""
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


CHECKS = (python, rclpy, numpy, onnxruntime, packages, mujoco)
