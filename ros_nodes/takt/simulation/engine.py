"""MuJoCo, imported once its OpenGL back end is chosen. Import it from here and nowhere else."""

from takt.simulation import offscreen_gl

offscreen_gl.select()

import mujoco  # type: ignore[import-untyped, unused-ignore]  # noqa: E402

__all__ = ["mujoco"]
