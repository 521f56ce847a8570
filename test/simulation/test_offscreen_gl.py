"""The choice of OpenGL back end, before MuJoCo is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from takt.errors import TaktError
from takt.simulation import offscreen_gl


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """As in a process that has neither chosen nor imported MuJoCo; undone afterwards."""
    monkeypatch.setenv("MUJOCO_GL", "")
    monkeypatch.delitem(sys.modules, "mujoco", raising=False)
    return monkeypatch


@pytest.mark.parametrize(("egl", "chosen"), [(True, "egl"), (False, "osmesa")])
def test_osmesa_stands_in_where_no_egl_device_opens(
    fresh: pytest.MonkeyPatch, egl: bool, chosen: str
) -> None:
    fresh.setattr(offscreen_gl, "_egl_works", lambda: egl)
    fresh.setattr(offscreen_gl, "_loads", lambda library: True)
    assert offscreen_gl.select() == chosen
    assert os.environ["MUJOCO_GL"] == chosen


def test_a_choice_that_was_made_stays(fresh: pytest.MonkeyPatch) -> None:
    fresh.setenv("MUJOCO_GL", "osmesa")
    fresh.setattr(offscreen_gl, "_egl_works", lambda: True)
    assert offscreen_gl.select() == "osmesa"


def test_machine_without_any_opengl_gets_the_fix(fresh: pytest.MonkeyPatch) -> None:
    fresh.setattr(offscreen_gl, "_egl_works", lambda: False)
    fresh.setattr(offscreen_gl, "_loads", lambda library: False)
    with pytest.raises(TaktError, match="apt-get install"):
        offscreen_gl.select()


@pytest.mark.parametrize("first", ["plant", "scene", "scene_camera", "camera", "mission", "engine"])
def test_the_choice_is_made_whatever_is_imported_first(first: str) -> None:
    code = f"import takt.simulation.{first}, os; print(os.environ['MUJOCO_GL'])"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MUJOCO_GL": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() in ("egl", "osmesa")


def test_the_plant_process_keeps_opengl_out() -> None:
    code = "import takt.simulation.plant_process, os, sys; print(os.environ['MUJOCO_GL'], 'OpenGL' in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "MUJOCO_GL": "egl"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["disabled", "False"]
